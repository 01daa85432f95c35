"""What the engine's tests hand to worker processes, which import it by name."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagehaven.errors import Quarantine, UserError


@dataclass(frozen=True)
class Chunk:
    items: list[Any]


def square(context: int, items: list[int]) -> list[int]:
    return [context + item * item for item in items]


def slow_first(_context: None, items: list[int]) -> list[int]:
    if 0 in items:
        time.sleep(0.5)
    return items


def die_on(context: int, items: list[int]) -> list[int]:
    if context in items:
        os.kill(os.getpid(), signal.SIGKILL)
    return items


def die_once(context: str, items: list[int]) -> list[int]:
    """Dies the first time that anybody works this, as when memory ran short."""
    mark = Path(context)
    if 7 in items and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return items


def fail_with_user_error(_context: None, items: list[int]) -> list[int]:
    if 5 in items:
        raise UserError("item 5 is wrong")
    return items


def fail_with_quarantine(_context: None, _items: list[int]) -> list[int]:
    raise Quarantine("truncated", "ends in the middle")


def sleep_and_tell(context: str, items: list[int]) -> list[int]:
    (Path(context) / str(os.getpid())).touch()
    time.sleep(600)
    return items

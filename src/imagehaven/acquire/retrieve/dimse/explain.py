"""What a peer's refusals mean, from ``refusals.yaml``: pause, stop, or try again."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from imagehaven.acquire.retrieve.peer import NotServed, PeerError, Refused, Unavailable
from imagehaven.declarations import read_yaml

_KINDS: Final = ("wait", "setting", "failed")


@dataclass(frozen=True)
class Refusal:
    """One row of the table; it holds for the codes from ``first`` to ``last``."""

    first: int
    last: int
    kind: str
    reason: str
    means: str
    remedy: str


@functools.cache
def refusals(table: str) -> tuple[Refusal, ...]:
    """The rows of ``rejections`` or ``statuses``; raises ValueError for one that is not whole."""
    text = files(__package__).joinpath("refusals.yaml").read_text(encoding="utf-8")
    rows = []
    for number, row in enumerate(read_yaml(text)[table], 1):
        if row.get("kind") not in _KINDS or not row.get("means") or not row.get("remedy"):
            raise ValueError(f"refusals.yaml: entry {number} of {table} is not whole")
        first, last = _codes(str(row["code"]))
        kind, reason = row["kind"], row.get("reason", "rejected")
        rows.append(Refusal(first, last, kind, reason, row["means"], row["remedy"]))
    return tuple(rows)


def rejected(where: str, result: int, source: int, reason: int) -> PeerError:
    """What an A-ASSOCIATE-RJ comes to."""
    code = result << 16 | source << 8 | reason
    for row in refusals("rejections"):
        if row.first == code:
            message = f"{where}: {row.means}. {row.remedy}"
            return Unavailable(message, reached=True) if row.kind == "wait" else Refused(message)
    message = (
        f"{where}: it rejects the association (result {result}, source {source}, reason {reason}). "
        "Ask its administrator whether our AE title and address are configured there."
    )
    return Refused(message) if result == 1 else Unavailable(message, reached=True)


def not_served(where: str, operation: str, status: int) -> PeerError:
    """What a failure status of an operation comes to."""
    for row in refusals("statuses"):
        if row.first <= status <= row.last:
            message = f"{where}, {operation}: {row.means} (status {status:04X}). {row.remedy}"
            if row.kind == "setting":
                return Refused(message)
            return NotServed(row.reason, message, distress=row.kind == "wait")
    message = f"{where}, {operation}: it failed with status {status:04X}. Its log says why."
    return NotServed("processing-failure", message)


def _codes(text: str) -> tuple[int, int]:
    if text.count(".") == 2:
        result, source, reason = (int(part) for part in text.split("."))
        code = result << 16 | source << 8 | reason
        return code, code
    first, _, last = text.partition("-")
    return int(first, 16), int(last or first, 16)

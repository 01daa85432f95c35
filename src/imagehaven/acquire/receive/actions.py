"""The verb of the receiver: receive, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagehaven.acquire.receive.options import Options, Prospect, examine
from imagehaven.actions import action
from imagehaven.haven import Haven

if TYPE_CHECKING:
    from imagehaven.acquire.receive.association import Totals


@dataclass
class Received:
    """What came while the receiver ran. ``associations`` counts them by how they ended."""

    spool: str
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    bytes: int = 0
    echoes: int = 0
    committed: int = 0
    not_committed: int = 0
    seconds: float = 0.0
    associations: Counter[str] = field(default_factory=Counter)

    def add(self, totals: Totals) -> None:
        """Add one association."""
        self.stored += totals.stored
        self.duplicates += totals.duplicates
        self.refused += totals.refused
        self.bytes += totals.bytes
        self.echoes += totals.echoes
        self.committed += totals.committed
        self.not_committed += totals.not_committed
        self.associations[totals.outcome] += 1

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return {**self.__dict__, "associations": dict(sorted(self.associations.items()))}


def _silent(_line: str) -> None:
    """The log of a caller that wants none."""


@action("receive", permission="data-manager", event="receive")
def receive_dicom(
    haven: Haven, options: Options, *, progress: Callable[[str], None] = _silent
) -> Received:
    """Receive DICOM objects into a spool until SIGTERM, Ctrl-C or what ``options`` say.

    Each association leaves an audit row, and a line through ``progress``: titles, host, counts,
    sizes, outcome. Raises UserError or TransientError where port, spool or certificate cannot be
    had. ``check_receiver`` says so beforehand.
    """
    from imagehaven.acquire.receive.server import Receiver

    received = Received(str(options.spool))
    begun = time.monotonic()
    with Receiver(options) as receiver, _signals(receiver.stop), _quick_turns():
        place = {"host": options.host, "port": receiver.port, "title": options.title}
        haven.ledger.audit.append("receive-start", place, outcome="done")
        progress(f"listening on {options.host}:{receiver.port} as {options.title}")
        for totals in receiver.associations():
            told = totals.summary()
            haven.ledger.audit.append("receive-association", place, outcome="done", detail=told)
            progress(" ".join(f"{name}={value!r}" for name, value in told.items()))
            received.add(totals)
    received.seconds = round(time.monotonic() - begun, 3)
    return received


def check_receiver(options: Options) -> Prospect:
    """Say what :func:`receive_dicom` would listen on, and what stands against it."""
    return examine(options)


@contextlib.contextmanager
def _quick_turns() -> Iterator[None]:
    """Let threads take turns more often: each answer that waits keeps a sender idle."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have SIGTERM and Ctrl-C stop the receiver, where this is the thread that hears them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop()) for number in heard]
    try:
        yield
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)

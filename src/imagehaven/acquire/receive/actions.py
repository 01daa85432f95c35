"""The verb of the receiver: receive, until it is told to stop."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagehaven.acquire.ending import on_signal
from imagehaven.acquire.receive.options import Options, Prospect, examine
from imagehaven.actions import action, recordable
from imagehaven.haven import Haven

if TYPE_CHECKING:
    from imagehaven.acquire.receive.association import Totals
    from imagehaven.acquire.receive.commitment import Holds


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


def _recorded(options: Options) -> dict[str, Any]:
    """The options for the audit trail: of a token, its name."""
    told = dict(recordable(options))
    if options.web is not None:
        told["web"] = {
            "port": options.web.port,
            "networks": [str(network) for network in options.web.callers.networks],
            "tokens": [name for name, _ in options.web.callers.tokens],
        }
    return told


@action(
    "receive",
    permission="data-manager",
    event="receive",
    mask={"holds": lambda _: "asked too", "options": _recorded},
)
def receive_dicom(
    haven: Haven,
    options: Options,
    *,
    holds: Holds | None = None,
    progress: Callable[[str], None] = _silent,
) -> Received:
    """Receive DICOM objects into a spool until SIGTERM, Ctrl-C or what ``options`` say.

    Each association, and each request to the web port, leaves an audit row, and a line through
    ``progress``: titles, host, counts, sizes, outcome. ``holds`` says what is kept outside the
    spool, for storage commitment. Raises UserError or TransientError where port, spool or
    certificate cannot be had. ``check_receiver`` says so beforehand.
    """
    from imagehaven.acquire.receive.commitment import nowhere
    from imagehaven.acquire.receive.server import Receiver

    received = Received(str(options.spool))
    begun = time.monotonic()
    with Receiver(options, holds or nowhere) as receiver, on_signal(receiver.stop), _quick_turns():
        place = {"listens": receiver.listens, "title": options.title}
        audit = haven.ledger.audit
        audit.append("receive-start", place, outcome="done")
        progress(f"listening on {receiver.listens} as {options.title}")
        for batch in receiver.batches():
            # One transaction for many: each waits for the disk, and associations may be short.
            with haven.ledger.begin() as connection:
                for totals in batch:
                    audit.append(
                        "receive-association",
                        place,
                        outcome="done",
                        detail=totals.summary(),
                        connection=connection,
                    )
            for totals in batch:
                told = totals.summary()
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

"""Works the worklist off: threads that bring studies home, for as long as there are any.

One process at a time works on a source. It takes the studies of every request, the highest
priority first; another process that asks meanwhile adds to the worklist and waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive.options import Options
from imagehaven.acquire.receive.server import Receiver
from imagehaven.acquire.receive.spool import Spool, SpoolFull
from imagehaven.acquire.retrieve.dicomweb.peer import DicomwebPeer
from imagehaven.acquire.retrieve.dimse.peer import DimsePeer
from imagehaven.acquire.retrieve.gate import Gate, Stopped
from imagehaven.acquire.retrieve.holding import Holdings
from imagehaven.acquire.retrieve.peer import Peer, Refused, Unavailable
from imagehaven.acquire.retrieve.sources.source import C_MOVE, Destination, Dimse, Source
from imagehaven.acquire.retrieve.working import Side, bring
from imagehaven.acquire.retrieve.worklist import Work, Worklist
from imagehaven.errors import TransientError, UserError

_LOOK: Final = 0.1
#: Seconds for threads to end the object they are at, once they are told to stop.
_FAREWELL: Final = 5.0


def peer_of(source: Source) -> Peer:
    """A new conversation with a source."""
    if isinstance(source.peer, Dimse):
        return DimsePeer(source, source.peer)
    return DicomwebPeer(source, source.peer)


@contextlib.contextmanager
def turn(lock: Path) -> Iterator[bool]:
    """Take the source's turn, if no other process has it; yields whether it was had."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(held)


@dataclass(frozen=True)
class Job:
    """What is to be worked off: ``sources`` are the one asked and those that help it out."""

    sources: Sequence[Source]
    worklist: Worklist
    holdings: Holdings
    folder: Path
    lock: Path


def work_off(job: Job, tell: Callable[[str], None], settled: Callable[[Work], None]) -> None:
    """Bring home every planned study of the first source, with the help of the others.

    Raises UserError where the source will not speak to us, TransientError where it or the disk
    stays away; the worklist is then as far as it got.
    """
    stop = threading.Event()
    gates = [Gate(source, stop, tell) for source in job.sources]
    with _spool(job.folder, job.sources, gates[0]) as spool:
        crew = _Crew(job, gates, spool, stop, settled)
        threads = [
            threading.Thread(target=_work, args=(crew,), name=f"retriever {number}", daemon=True)
            for number in range(job.sources[0].limits.associations)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_LOOK)
        finally:
            stop.set()
            for thread in threads:
                thread.join(_FAREWELL)
    if crew.failed is not None:
        raise crew.failed


@dataclass
class _Crew:
    """What the threads share: which studies are under way, and the first error that ends it all."""

    job: Job
    gates: Sequence[Gate]
    spool: Spool
    stop: threading.Event
    settled: Callable[[Work], None]
    failed: BaseException | None = None
    _away: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> Work | None:
        """The next study; None once none is planned, and none can come back."""
        while True:
            with self._lock:
                found = self.job.worklist.next(self.job.sources[0].name, self._away, 1)
                if found:
                    self._away.add(found[0].uid)
                    return found[0]
                if not self._away:
                    return None
            if self.stop.wait(_LOOK):
                raise Stopped

    def back(self, work: Work) -> None:
        """The study is settled, or to be tried again."""
        with self._lock:
            self._away.discard(work.uid)

    def fail(self, error: BaseException) -> None:
        """End the work of all."""
        with self._lock:
            self.failed = self.failed or error
        self.stop.set()


def _work(crew: _Crew) -> None:
    sides: list[Side] = []
    try:
        for source, gate in zip(crew.job.sources, crew.gates, strict=True):
            sides.append(_side(source, gate, crew.spool))
        while (work := crew.take()) is not None:
            _one(crew, sides, work)
    except Stopped:
        pass
    except Refused as error:
        crew.fail(UserError(str(error)))
    except SpoolFull:
        crew.fail(
            TransientError(
                f"The spool {crew.spool.folder} takes nothing more: its disk is full or fails. "
                "Nothing was lost: make room, then give the same command again."
            )
        )
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
        crew.fail(error)
    finally:
        for side in sides:
            side.peer.close()


def _one(crew: _Crew, sides: Sequence[Side], work: Work) -> None:
    crew.gates[0].enter(study=True)
    try:
        outcome = bring(work, sides, crew.job.holdings)
    except Unavailable as error:
        crew.gates[0].suffered(error)  # the study stays planned
    else:
        crew.job.worklist.settle(work, outcome)
        crew.settled(work)
    crew.back(work)


def _side(source: Source, gate: Gate, spool: Spool) -> Side:
    destination = _destination(source)
    return Side(
        source.name,
        peer_of(source),
        gate,
        spool,
        source.limits.attempts,
        destination.settle if destination is not None else 0.0,
    )


def _destination(source: Source) -> Destination | None:
    if isinstance(source.peer, Dimse) and source.peer.retrieve == C_MOVE:
        return source.peer.destination
    return None


@contextlib.contextmanager
def _spool(folder: Path, sources: Sequence[Source], gate: Gate) -> Iterator[Spool]:
    """The spool; where a source moves objects to us, behind a receiver that listens for them."""
    destinations = [found for source in sources if (found := _destination(source)) is not None]
    if not destinations:
        spool = Spool(folder)
        spool.open()
        try:
            yield spool
        finally:
            spool.close()
        return
    one = destinations[0]
    if any((other.title, other.port) != (one.title, one.port) for other in destinations):
        raise UserError(
            f"{sources[0].name} and its secondary move to different destinations. Give both the "
            "same title and port under `destination:` in pacs.yaml."
        )
    senders = tuple(entry for destination in destinations for entry in destination.senders)
    options = Options(
        port=one.port, spool=folder, title=one.title, host=one.host, allow=senders, tls=one.tls
    )
    with Receiver(options) as receiver:

        def hear() -> None:
            for totals in receiver.associations():
                gate.owe(totals.bytes)

        thread = threading.Thread(target=hear, name="retriever's receiver", daemon=True)
        thread.start()
        try:
            yield receiver.spool
        finally:
            receiver.stop()
            thread.join()

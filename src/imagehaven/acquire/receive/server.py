"""The receiver: one spool, a door for DICOM and a door for the web, and reports of commitment."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from imagehaven.acquire.receive import commitment
from imagehaven.acquire.receive.association import ARTIM, Association, Totals
from imagehaven.acquire.receive.commitment import Answered, Asked, Holds, nowhere
from imagehaven.acquire.receive.door import Door
from imagehaven.acquire.receive.options import DICOM, WEB, Options, listener
from imagehaven.acquire.receive.spool import Spool
from imagehaven.acquire.receive.titles import Peer
from imagehaven.acquire.receive.upperlayer.pdu import ProtocolError
from imagehaven.acquire.receive.upperlayer.requester import deliver
from imagehaven.acquire.receive.upperlayer.wire import Aborted, Closed, Released, Wire

_REPORTS_WAITING: Final = 1000
#: Seconds before each try to deliver a report.
_TRIES: Final = (0.0, 5.0, 60.0)
_FAREWELL: Final = 3.0
#: Totals that wait to be told and written down, and those that are at once.
_UNTOLD: Final = 1000
_TOLD_TOGETHER: Final = 100


class Receiver:
    """A running receiver; a context manager that has everything stopped and closed at its end.

    ``holds`` says what is kept elsewhere, for storage commitment. Entering raises UserError or
    TransientError where port, spool or certificate cannot be had.
    """

    def __init__(self, options: Options, holds: Holds = nowhere) -> None:
        self.options = options
        self.holds = holds
        self.spool = Spool(
            options.spool, limit=options.spool_limit, each_file=options.sync_each_file
        )
        self._ended: queue.SimpleQueue[Totals | None] = queue.SimpleQueue()
        self._untold = threading.Semaphore(_UNTOLD)
        self._reports: queue.Queue[tuple[str, Asked] | None] = queue.Queue(_REPORTS_WAITING)
        self._stop = threading.Event()
        self._stopping = self._closed = False
        self._lock = threading.Lock()
        self._objects = 0
        self._doors: dict[str, Door] = {}

    def __enter__(self) -> Receiver:
        tls = self.options.tls.context() if self.options.tls is not None else None
        listening: dict[str, socket.socket] = {}
        try:
            for name, port, _ in self.options.ports():
                listening[name] = listener(self.options.host, port)
            self.spool.open()
        except BaseException:
            for one in listening.values():
                one.close()
            raise
        self._awake, self._wake = os.pipe()
        serving = {DICOM: self._dicom, WEB: self._web}
        for name, _, most in self.options.ports():
            self._doors[name] = Door(
                listening[name],
                serving[name],
                most=most,
                tls=tls,
                stop=self._stop,
                awake=self._awake,
            )
        self._reporting = threading.Thread(target=self._report, name="receiver report", daemon=True)
        self._reporting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def port(self) -> int:
        """The port that is listened on; it was chosen by the system where 0 was asked for."""
        return self._doors[DICOM].port

    @property
    def web_port(self) -> int:
        """The same for the web port."""
        return self._doors[WEB].port

    @property
    def listens(self) -> str:
        """Each door with its address, for people."""
        host = self.options.host
        return " and ".join(f"{name} {host}:{door.port}" for name, door in self._doors.items())

    def stop(self) -> None:
        """Ask the receiver to stop. May be called from any thread, or by a signal's handler."""
        # Looked at and set without a lock: a handler may come in the middle of this very call.
        if not self._stopping:
            self._stopping = True
            self._stop.set()
            os.write(self._wake, b"\0")
            self._ended.put(None)

    def associations(self) -> Iterator[Totals]:
        """Yield each association's totals as it ends, until the receiver has stopped."""
        for some in self.batches():
            yield from some

    def batches(self) -> Iterator[list[Totals]]:
        """The same, with those that ended meanwhile together.

        Whoever is slow to take them holds up new connections, and not the memory.
        """
        seconds = self.options.stop_after_seconds
        deadline = time.monotonic() + seconds if seconds is not None else None
        while not self._stop.is_set():
            left = max(deadline - time.monotonic(), 0) if deadline is not None else None
            try:
                first = self._ended.get(timeout=left)
            except queue.Empty:
                self.stop()
                continue
            yield self._with_others(first)
        self._end()
        while not self._ended.empty():
            yield self._with_others(self._ended.get())

    def _with_others(self, first: Totals | None) -> list[Totals]:
        found = [first]
        while len(found) < _TOLD_TOGETHER and not self._ended.empty():
            found.append(self._ended.get())
        told = [totals for totals in found if totals is not None]
        if told:
            self._untold.release(len(told))
        return told

    def _tell(self, totals: Totals) -> None:
        # While it stops, nobody takes any until the last connection has ended.
        while not self._untold.acquire(timeout=0.2) and not self._stop.is_set():
            continue
        self._ended.put(totals)

    def take_object(self) -> None:
        """Count an object, and stop after as many as were asked for."""
        with self._lock:
            self._objects += 1
        wanted = self.options.stop_after_objects
        if wanted is not None and self._objects >= wanted:
            self.stop()

    def report_later(self, title: str, asked: Asked) -> bool:
        """Queue a report of commitment; False where too many wait."""
        try:
            self._reports.put_nowait((title, asked))
        except queue.Full:
            return False
        return True

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.stop()
        deadline = time.monotonic() + self.options.grace
        with contextlib.suppress(queue.Full):
            self._reports.put_nowait(None)
        self._reporting.join()
        for door in self._doors.values():
            door.close(deadline)
        os.close(self._awake)
        os.close(self._wake)
        self.spool.close()

    def _dicom(self, connection: socket.socket, host: str, crowded: bool) -> None:
        """Serve one connection to the DICOM port."""
        totals = Totals(host=host)
        try:
            with self._doors[DICOM].secured(connection, ARTIM) as secured:
                wire = Wire(secured, self._awake, self.options.silence)
                Association(wire, self, totals, crowded).serve()
                wire.finish(_FAREWELL)
        except ssl.SSLError:
            totals.outcome = "tls refused"
        except OSError:
            totals.outcome = "broken" if totals.calling else "no-request"
        except Exception as error:  # noqa: BLE001 - one association must never end the others
            totals.outcome = f"failed: {type(error).__name__}"
        finally:
            self._tell(totals)

    def _web(self, connection: socket.socket, host: str, crowded: bool) -> None:
        """Serve one connection to the web port, request by request."""
        from imagehaven.acquire.receive.web.store import Posting

        totals = Totals(host=host, called=WEB)
        try:
            with self._doors[WEB].secured(connection, ARTIM) as secured:
                posting = Posting(
                    secured,
                    self,
                    host,
                    crowded=crowded,
                    awake=self._awake,
                    ended=self._tell,
                )
                posting.serve()
        except ssl.SSLError:
            totals.outcome = "tls refused"
            self._tell(totals)
        except OSError:
            totals.outcome = "broken"
            self._tell(totals)
        except Exception as error:  # noqa: BLE001 - one connection must never end the others
            totals.outcome = f"failed: {type(error).__name__}"
            self._tell(totals)

    def _report(self) -> None:
        while (waiting := self._reports.get()) is not None and not self._stop.is_set():
            title, asked = waiting
            peer = self.options.report_to[title]
            totals = Totals(title, self.options.title, peer.host, "report not delivered")
            begun = time.monotonic()
            try:
                answered = commitment.answer(self.spool, asked, self.holds)
                if self._delivered(peer, answered):
                    totals.outcome = "reported"
                    totals.committed = len(answered.committed)
                    totals.not_committed = len(answered.failed)
            except OSError:
                totals.outcome = "disk failed"
            totals.seconds = round(time.monotonic() - begun, 3)
            self._tell(totals)

    def _delivered(self, peer: Peer, answered: Answered) -> bool:
        def report(message: int, syntax: str) -> tuple[bytes, bytes]:
            return commitment.report(answered, message, syntax)

        for pause in _TRIES:
            if self._stop.wait(pause):
                return False
            try:
                if deliver((peer.host, peer.port), peer.title, self.options.title, report):
                    return True
            except (Aborted, Closed, ProtocolError, Released):
                continue
        return False

"""The listening side: accepts connections, gives each a thread, and ends them in order.

Threads are bounded: as many as associations are allowed, and a few more that turn others away.
When all are taken, connections wait in the listening socket's queue.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from imagehaven.acquire.receive import commitment
from imagehaven.acquire.receive.association import ARTIM, Association, Totals
from imagehaven.acquire.receive.commitment import Answered, Asked
from imagehaven.acquire.receive.options import Options, listener
from imagehaven.acquire.receive.spool import Spool
from imagehaven.acquire.receive.titles import Peer
from imagehaven.acquire.receive.upperlayer.pdu import ProtocolError
from imagehaven.acquire.receive.upperlayer.requester import deliver
from imagehaven.acquire.receive.upperlayer.wire import Aborted, Closed, Released, Wire

#: Threads beyond the associations allowed, which only say that there are too many.
_DOORKEEPERS: Final = 8
_REPORTS_WAITING: Final = 1000
#: Seconds before each try to deliver a report.
_TRIES: Final = (0.0, 5.0, 60.0)
_FAREWELL: Final = 3.0


class Receiver:
    """A running receiver; a context manager that has everything stopped and closed at its end.

    Entering raises UserError or TransientError where port, spool or certificate cannot be had.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.spool = Spool(
            options.spool, limit=options.spool_limit, each_file=options.sync_each_file
        )
        self._ended: queue.SimpleQueue[Totals | None] = queue.SimpleQueue()
        self._reports: queue.Queue[tuple[str, Asked] | None] = queue.Queue(_REPORTS_WAITING)
        self._stop = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._objects = 0
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._free = threading.Semaphore(options.max_associations + _DOORKEEPERS)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Receiver:
        tls = self.options.tls
        self._tls = tls.context() if tls is not None else None
        self._listener = listener(self.options)
        try:
            self.spool.open()
        except BaseException:
            self._listener.close()
            raise
        self._awake, self._wake = os.pipe()
        for work in (self._accept, self._report):
            thread = threading.Thread(target=work, name=f"receiver {work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
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
        return int(self._listener.getsockname()[1])

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
        seconds = self.options.stop_after_seconds
        deadline = time.monotonic() + seconds if seconds is not None else None
        while not self._stop.is_set():
            left = max(deadline - time.monotonic(), 0) if deadline is not None else None
            try:
                totals = self._ended.get(timeout=left)
            except queue.Empty:
                self.stop()
                continue
            if totals is not None:
                yield totals
        self._end()
        while not self._ended.empty():
            totals = self._ended.get()
            if totals is not None:
                yield totals

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
        if not self._threads:
            return
        self.stop()
        deadline = time.monotonic() + self.options.grace
        with contextlib.suppress(queue.Full):
            self._reports.put_nowait(None)
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._listener.close()
        for thread in self._attended():
            thread.join(max(deadline - time.monotonic(), 0))
        with self._lock:
            # Those that still run wait for a peer in the middle of an object: it goes.
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._attended():
            thread.join()
        os.close(self._awake)
        os.close(self._wake)
        self.spool.close()

    def _attended(self) -> list[threading.Thread]:
        with self._lock:
            return list(self._connections)

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._awake, select.POLLIN)
        while not self._stop.is_set():
            poll.poll()
            if self._stop.is_set() or not self._free.acquire(timeout=0.5):
                continue
            try:
                connection, address = self._listener.accept()
            except OSError:  # no descriptor is free, or the peer is gone already
                self._free.release()
                self._stop.wait(0.1)
                continue
            with self._lock:
                crowded = len(self._connections) >= self.options.max_associations
                thread = threading.Thread(
                    target=self._attend, args=(connection, str(address[0]), crowded), daemon=True
                )
                self._connections[thread] = connection
            thread.start()

    def _attend(self, connection: socket.socket, host: str, crowded: bool) -> None:
        totals = Totals(host=host)
        try:
            self._serve(connection, totals, crowded)
        except ssl.SSLError:
            totals.outcome = "tls refused"
        except OSError:
            totals.outcome = "broken" if totals.calling else "no-request"
        except Exception as error:  # noqa: BLE001 - one association must never end the others
            totals.outcome = f"failed: {type(error).__name__}"
        finally:
            connection.close()
            self._ended.put(totals)
            with self._lock:
                del self._connections[threading.current_thread()]
            self._free.release()

    def _serve(self, connection: socket.socket, totals: Totals, crowded: bool) -> None:
        if self._tls is not None:
            connection.settimeout(ARTIM)
            connection = self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._connections[threading.current_thread()] = connection
        with connection:
            wire = Wire(connection, self._awake, self.options.silence)
            Association(wire, self, totals, crowded).serve()
            wire.finish(_FAREWELL)

    def _report(self) -> None:
        while (waiting := self._reports.get()) is not None and not self._stop.is_set():
            title, asked = waiting
            peer = self.options.report_to[title]
            totals = Totals(title, self.options.title, peer.host, "report not delivered")
            begun = time.monotonic()
            try:
                answered = commitment.answer(self.spool, asked)
                if self._delivered(peer, answered):
                    totals.outcome = "reported"
                    totals.committed = len(answered.committed)
                    totals.not_committed = len(answered.failed)
            except OSError:
                totals.outcome = "disk failed"
            totals.seconds = round(time.monotonic() - begun, 3)
            self._ended.put(totals)

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

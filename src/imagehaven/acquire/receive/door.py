"""A listening socket: accepts connections, gives each a thread, and ends them in order.

Threads are bounded: as many as may be served, and a few more that turn others away. When all are
taken, connections wait in the listening socket's queue.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Final

#: Threads beyond those that serve, which only say that there are too many.
_DOORKEEPERS: Final = 8

#: Serves one connection from a host, or turns it away where too many are served; raises nothing.
Serve = Callable[[socket.socket, str, bool], None]


class Door:
    """Connections to one port. ``awake`` becomes readable, and ``stop`` is set, when it closes."""

    def __init__(
        self,
        listening: socket.socket,
        serve: Serve,
        *,
        most: int,
        tls: ssl.SSLContext | None,
        stop: threading.Event,
        awake: int,
    ) -> None:
        self._listening = listening
        self._serve = serve
        self._most = most
        self._tls = tls
        self._stop = stop
        self._awake = awake
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._free = threading.Semaphore(most + _DOORKEEPERS)
        self._accepting = threading.Thread(target=self._accept, name="receiver door", daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port that is listened on; it was chosen by the system where 0 was asked for."""
        return int(self._listening.getsockname()[1])

    def secured(self, connection: socket.socket, seconds: float) -> socket.socket:
        """The connection of this thread, behind a TLS handshake where the door has a certificate.

        Raises :class:`ssl.SSLError` or another OSError.
        """
        if self._tls is None:
            return connection
        connection.settimeout(seconds)
        secured = self._tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._connections[threading.current_thread()] = secured
        return secured

    def close(self, deadline: float) -> None:
        """Accept no more, wait for those served until ``deadline``, then cut them off."""
        self._accepting.join()
        self._listening.close()
        for thread in self._attended():
            thread.join(max(deadline - time.monotonic(), 0))
        with self._lock:
            # Those that still run wait for a peer in the middle of an object: it goes.
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._attended():
            thread.join()

    def _attended(self) -> list[threading.Thread]:
        with self._lock:
            return list(self._connections)

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        poll.register(self._awake, select.POLLIN)
        while not self._stop.is_set():
            poll.poll()
            if self._stop.is_set() or not self._free.acquire(timeout=0.5):
                continue
            try:
                connection, address = self._listening.accept()
            except OSError:  # no descriptor is free, or the peer is gone already
                self._free.release()
                self._stop.wait(0.1)
                continue
            with self._lock:
                crowded = len(self._connections) >= self._most
                thread = threading.Thread(
                    target=self._attend, args=(connection, str(address[0]), crowded), daemon=True
                )
                self._connections[thread] = connection
            thread.start()

    def _attend(self, connection: socket.socket, host: str, crowded: bool) -> None:
        try:
            self._serve(connection, host, crowded)
        finally:
            with self._lock:
                served = self._connections.pop(threading.current_thread())
            served.close()
            connection.close()
            self._free.release()

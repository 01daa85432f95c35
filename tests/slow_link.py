"""A bad network in between: a TCP proxy that delays, throttles, splits and cuts connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Link:
    """What the link does to each direction of each connection."""

    #: Seconds before each piece.
    delay: float = 0.0
    #: Bytes in a piece at most.
    piece: int = 65536
    #: Bytes from the sender after which a connection is cut, hard; None for never.
    cut_after: int | None = None
    port: int = 0
    passed: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)


@contextmanager
def slow_link(to: int, link: Link) -> Iterator[Link]:
    """Listen on ``link.port`` and pass on to the port ``to`` of this machine until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        link.port = int(listening.getsockname()[1])
        accepting = threading.Thread(target=_accept, args=(listening, to, link))
        accepting.start()
        try:
            yield link
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in link._threads:
                thread.join()


def _accept(listening: socket.socket, to: int, link: Link) -> None:
    while True:
        try:
            near, _ = listening.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", to))
        thread = threading.Thread(target=_join, args=(near, far, link))
        link._threads.append(thread)
        thread.start()


def _join(near: socket.socket, far: socket.socket, link: Link) -> None:
    back = threading.Thread(target=_pass, args=(far, near, link, False))
    back.start()
    _pass(near, far, link, True)
    back.join()
    near.close()
    far.close()


def _pass(source: socket.socket, sink: socket.socket, link: Link, forth: bool) -> None:
    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    passed = 0
    try:
        while content := source.recv(link.piece):
            time.sleep(link.delay)
            passed += len(content)
            link.passed += len(content) if forth else 0
            if forth and link.cut_after is not None and passed >= link.cut_after:
                # A reset in both directions, as of a router that lost its mind.
                for one in (source, sink):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                return
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

"""Reads PDUs from a socket through one fixed buffer, and P-DATA fragment by fragment.

A fragment's bytes are handed on as views of the buffer and are never gathered: memory does not
grow with an object, and a peer that ignores the longest PDU agreed on does no harm.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imagehaven.acquire.receive.upperlayer import pdu
from imagehaven.acquire.receive.upperlayer.pdu import ProtocolError

BUFFER: Final = 4 * 65536
#: No association request that a peer means well is longer.
LONGEST_REQUEST: Final = 65536 * 2
#: Seconds in which a peer may release an association that the receiver is about to abort.
_FAREWELL: Final = 1.0

_HEAD: Final = struct.Struct(">BBI")
_FRAGMENT: Final = struct.Struct(">IBB")
#: Linux only: answer each segment at once, for senders that wait for it (Nagle's algorithm).
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


class Closed(Exception):
    """The peer closed the connection, or it broke."""


class Released(Exception):
    """The peer asks to release the association."""


class Aborted(Exception):
    """The peer aborted the association."""


class Stopped(Exception):
    """The receiver is to stop, and the association is between two messages."""


@dataclass(frozen=True)
class Fragment:
    """The head of a presentation data value (PS3.8 section 9.3.5.1); ``length`` bytes follow."""

    context: int
    command: bool
    last: bool
    length: int


class Wire:
    """One connection. ``wake`` becomes readable when the receiver is to stop."""

    def __init__(self, connection: socket.socket, wake: int | None, timeout: float) -> None:
        self._socket = connection
        self._wake = wake
        self._timeout = timeout
        self._buffer = memoryview(bytearray(BUFFER))
        self._start = self._end = 0
        self._left = 0  # of the P-DATA PDU that is being read
        connection.settimeout(timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, content: bytes) -> None:
        """Send all of ``content``; raises :class:`Closed` where the peer is gone."""
        try:
            self._socket.sendall(content)
        except OSError as error:
            raise Closed("the peer took no answer") from error

    def request(self, kind: int, seconds: float) -> bytes:
        """The body of the first PDU, which must be of this ``kind`` and come within ``seconds``.

        The whole of it: a peer that sends one byte now and then gets no longer.
        """
        deadline = time.monotonic() + seconds
        found, length = self._head(deadline)
        if found != kind:
            raise ProtocolError("another PDU than the one due", 2)
        if length > LONGEST_REQUEST:
            raise ProtocolError("an association PDU without end", 6)
        body = bytes(self._take(length, deadline))
        self._socket.settimeout(self._timeout)
        return body

    def wait(self, idle: float) -> None:
        """Wait for the next message; raises :class:`Stopped`, or Closed after ``idle`` seconds.

        A peer that is told to stop may still release the association, if it does so at once.
        """
        pending = self.pending
        ready = self._poll(0 if pending else idle, self._socket, self._wake)
        if self._wake in ready:
            if not self._releasing():
                raise Stopped
        elif not pending and not ready:
            raise Closed("the peer was silent for too long")

    def _releasing(self) -> bool:
        if self._left or not (self.pending or self._poll(_FAREWELL, self._socket)):
            return False
        if self._start == self._end:
            self._receive()
        return self._buffer[self._start] == pdu.RELEASE_RQ

    def _poll(self, seconds: float, *readable: socket.socket | int | None) -> list[int]:
        poll = select.poll()
        for one in readable:
            if one is not None:
                poll.register(one, select.POLLIN)
        return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]

    @property
    def pending(self) -> bool:
        """Whether bytes have been read that nobody has looked at."""
        if self._left or self._end > self._start:
            return True
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def fragment(self) -> Fragment:
        """The head of the next fragment; its bytes must be poured before the next call.

        Raises :class:`Released`, :class:`Aborted`, :class:`Closed` or :class:`ProtocolError`.
        """
        while not self._left:
            kind, length = self._head()
            if kind == pdu.P_DATA:
                self._left = length
            elif kind == pdu.RELEASE_RQ:
                raise Released
            elif kind == pdu.ABORT:
                raise Aborted
            else:
                known = pdu.ASSOCIATE_RQ <= kind <= pdu.ABORT
                raise ProtocolError("a PDU that has no place here", 2 if known else 1)
        if self._left < 6:
            raise ProtocolError("a P-DATA PDU ends early", 6)
        length, context, control = _FRAGMENT.unpack(self._take(6))
        if length < 2 or length + 4 > self._left:
            raise ProtocolError("a fragment is longer than its PDU", 6)
        self._left -= length + 4
        return Fragment(context, bool(control & 1), bool(control & 2), length - 2)

    def pour(self, length: int) -> Iterator[memoryview]:
        """Yield the next ``length`` bytes in pieces; each is valid until the next one is asked."""
        while length:
            if self._end == self._start:
                self._receive()
            piece = min(length, self._end - self._start)
            start, self._start = self._start, self._start + piece
            length -= piece
            yield self._buffer[start : start + piece]

    def release_answered(self, seconds: float) -> None:
        """After our own release request: read until its answer, or until the peer is gone."""
        deadline = time.monotonic() + seconds
        while self._head(deadline)[0] != pdu.RELEASE_RP:
            pass

    def finish(self, seconds: float) -> None:
        """Say that nothing more comes, and let the peer close first.

        A socket closed with unread bytes is reset, and the last answer in it could be lost.
        """
        deadline = time.monotonic() + seconds
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            while True:
                self._start = self._end = 0
                self._receive(1, deadline)
        except (OSError, Closed):
            return

    def _head(self, deadline: float | None = None) -> tuple[int, int]:
        kind, _, length = _HEAD.unpack(self._take(6, deadline))
        return int(kind), int(length)

    def _take(self, length: int, deadline: float | None = None) -> memoryview:
        while self._end - self._start < length:
            self._receive(length, deadline)
        start, self._start = self._start, self._start + length
        return self._buffer[start : start + length]

    def _receive(self, needed: int = 1, deadline: float | None = None) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > BUFFER:
            kept = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(kept)] = kept
            self._start, self._end = 0, len(kept)
        try:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(left)
            count = self._socket.recv_into(self._buffer[self._end :])
            if _QUICK_ACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        except OSError as error:
            raise Closed("the connection broke or was silent for too long") from error
        if not count:
            raise Closed("the peer closed the connection")
        self._end += count

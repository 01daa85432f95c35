"""One HTTP/1.1 connection, request after request; h11 (RFC 9112) does the talking.

Every wait is bounded: a request's head has to be complete within half a minute, a body has to come
without long silence and not below a kilobyte a second on average.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11

#: Seconds for a request's head, and for what a refused client still sends.
HEAD: Final = 30.0
_FAREWELL: Final = 3.0
#: Seconds in which a client may begin another request.
_BETWEEN: Final = 60.0
#: Bytes a second that a body has to come with, on average.
SLOWEST: Final = 1024
_LONGEST_HEAD: Final = 16384
_BUFFER: Final = 256 * 1024


class Gone(Exception):
    """The client closed the connection, fell silent, or it broke."""


class Refused(Exception):
    """This request is not done; ``status`` and ``why`` are what the client hears."""

    def __init__(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {why}")
        self.status = status
        self.why = why
        self.headers = headers or {}


@dataclass(frozen=True)
class Request:
    """The head of a request; names of header fields are in lower case, repeated ones joined."""

    method: str
    target: str
    headers: dict[str, str]


class Http:
    """A server's side of a connection. ``awake`` becomes readable when it is to end."""

    def __init__(self, connection: socket.socket, awake: int, silence: float) -> None:
        self._socket = connection
        self._awake = awake
        self._silence = silence
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD)
        self._first = True
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self) -> Request | None:
        """The next request; None where there is none any more.

        Raises :class:`Gone`, and :class:`Refused` for what is no HTTP.
        """
        if not self._first:
            if self._h11.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                return None
            self._h11.start_next_cycle()
        if not self._begun():
            return None
        self._first = False
        event = self._event(time.monotonic() + HEAD)
        if not isinstance(event, h11.Request):
            return None
        headers: dict[str, str] = {}
        for raw, value in event.headers:
            name, text = raw.decode("ascii"), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        return Request(event.method.decode("ascii"), event.target.decode("ascii"), headers)

    def body(self) -> Iterator[bytes]:
        """The request's body in pieces; raises :class:`Gone` and :class:`Refused`."""
        begun, size = time.monotonic(), 0
        while True:
            event = self._event(begun + self._silence + size / SLOWEST)
            if isinstance(event, h11.EndOfMessage):
                return
            if not isinstance(event, h11.Data):
                raise Gone
            size += len(event.data)
            yield bytes(event.data)

    def respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer; the connection ends where the client has not said all of its request."""
        fields = {**headers, "Content-Length": str(len(body))}
        if self._h11.their_state is not h11.DONE:
            fields["Connection"] = "close"
        reason = HTTPStatus(status).phrase
        response = h11.Response(status_code=status, reason=reason, headers=list(fields.items()))
        said = (response, h11.Data(data=body), h11.EndOfMessage())
        try:
            self._socket.settimeout(self._silence)
            self._socket.sendall(b"".join(self._h11.send(event) or b"" for event in said))
        except OSError as error:
            raise Gone from error

    def finish(self) -> None:
        """Say that nothing more comes, and let the client read what was said before it closes.

        A socket closed with unread bytes is reset, and the answer in it could be lost.
        """
        deadline = time.monotonic() + _FAREWELL
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            while self._received(deadline):
                pass
        except (OSError, Gone):
            return

    def _begun(self) -> bool:
        """Wait for a request's first byte; False where none comes, or the receiver is to stop."""
        if self._h11.trailing_data[0]:
            return True
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._awake, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(_BETWEEN * 1000)]
        return bool(ready) and self._awake not in ready

    def _event(self, deadline: float) -> object:
        try:
            while (event := self._h11.next_event()) is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(
                        status_code=100, reason="Continue", headers=[]
                    )
                    self._socket.sendall(self._h11.send(go_on) or b"")
                self._h11.receive_data(self._received(deadline))
        except h11.RemoteProtocolError as error:
            if self._h11.their_state is h11.ERROR and self._h11.trailing_data[1]:
                raise Gone from error  # it hung up in the middle
            raise Refused(error.error_status_hint, "This is not HTTP/1.1.") from error
        except OSError as error:
            raise Gone from error
        return event

    def _received(self, deadline: float) -> bytes:
        left = min(self._silence, deadline - time.monotonic())
        if left <= 0:
            raise Gone
        self._socket.settimeout(left)
        try:
            return self._socket.recv(_BUFFER)
        except OSError as error:
            raise Gone from error

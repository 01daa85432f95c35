"""One association that we requested: opened, messages one way and the other, released.

Its sockets are blocking; every wait has the source's timeout as its bound. What has no place in a
conversation ends it. The wire underneath is the receiver's.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

from imagehaven.acquire.receive.upperlayer import command, pdu
from imagehaven.acquire.receive.upperlayer.command import Command
from imagehaven.acquire.receive.upperlayer.pdu import Accepted, Proposed, ProtocolError
from imagehaven.acquire.receive.upperlayer.requester import send_message
from imagehaven.acquire.receive.upperlayer.wire import Aborted, Closed, Released, Wire
from imagehaven.acquire.retrieve.dimse.explain import rejected
from imagehaven.acquire.retrieve.dimse.proposal import encode_associate
from imagehaven.acquire.retrieve.peer import NotServed, PeerError, Refused, Unavailable
from imagehaven.acquire.retrieve.sources.source import Dimse

PRIORITY: Final = 0x0700
DESTINATION: Final = 0x0600
FAILED: Final = 0x1022

_LONGEST_COMMAND: Final = 65536
#: No identifier that a peer means well is longer.
_LONGEST_IDENTIFIER: Final = 16 * 2**20
_LONGEST_ANSWER: Final = 2 * 65536
_CONNECT: Final = 30.0

#: What the wire raises when the other side is gone or talks nonsense.
ENDED: Final = (Aborted, Closed, ProtocolError, Released)


class Conversation:
    """An association with the contexts that the peer accepted, by class and transfer syntax."""

    def __init__(self, wire: Wire, connection: socket.socket, where: str, most: int) -> None:
        self._wire = wire
        self._connection = connection
        self._where = where
        self._longest = most
        self._message = 0
        self.contexts: dict[int, tuple[str, str]] = {}

    def context(self, sop_class: str) -> int:
        """The number of a context for the class; raises KeyError where the peer took none."""
        for number, (abstract, _) in self.contexts.items():
            if abstract == sop_class:
                return number
        raise KeyError(sop_class)

    def ask(self, context: int, kind: int, more: dict[int, int | str], identifier: bytes) -> int:
        """Send a request with its identifier; returns its message number."""
        self._message = self._message % 65535 + 1
        values: dict[int, int | str] = {
            command.AFFECTED_CLASS: self.contexts[context][0],
            command.FIELD: kind,
            command.MESSAGE: self._message,
            command.DATA_SET: command.WITH_DATA,
            **more,
        }
        send_message(self._wire, context, self._longest, command.encode_command(values), identifier)
        return self._message

    def answer(self, context: int, asked: Command, status: int) -> None:
        """Answer a C-STORE of the peer's."""
        send_message(self._wire, context, self._longest, command.answer(asked, status))

    def hear(self) -> tuple[int, Command]:
        """The next command, with its context. Its data set, if any, is to be heard next."""
        raw = bytearray()
        first = None
        while True:
            part = self._wire.fragment()
            first = part.context if first is None else first
            if not part.command or part.context != first:
                raise ProtocolError("a data set where a command is due", 2)
            if len(raw) + part.length > _LONGEST_COMMAND:
                raise ProtocolError("a command without end", 6)
            for piece in self._wire.pour(part.length):
                raw += piece
            if part.last:
                if part.context not in self.contexts:
                    raise ProtocolError("a message in a context that was not accepted", 6)
                return part.context, command.decode_command(bytes(raw))

    def pieces(self, context: int) -> Iterator[memoryview]:
        """The data set that follows, piece by piece; each is valid until the next one."""
        last = False
        while not last:
            part = self._wire.fragment()
            if part.command or part.context != context:
                raise ProtocolError("a command where the data set goes on", 2)
            last = part.last
            yield from self._wire.pour(part.length)

    def identifier(self, context: int, asked: Command) -> bytes:
        """The short data set that follows; empty where none does."""
        raw = bytearray()
        if asked.has_data:
            for piece in self.pieces(context):
                if len(raw) + len(piece) > _LONGEST_IDENTIFIER:
                    raise ProtocolError("an identifier without end", 6)
                raw += piece
        return bytes(raw)

    def release(self) -> None:
        """End the association in order; nothing where the peer is gone."""
        with contextlib.suppress(*ENDED):
            self._wire.send(pdu.encode(pdu.RELEASE_RQ, bytes(4)))
            self._wire.release_answered(2.0)
        self._connection.close()

    def abort(self) -> None:
        """End the association at once."""
        with contextlib.suppress(Closed):
            self._wire.send(pdu.encode_abort(0, 0))
        self._connection.close()

    def broken(self, operation: str, seconds: float) -> NotServed:
        """What is to be said when the other side ended the conversation."""
        return NotServed(
            "broken-off",
            f"{self._where}, {operation}: the connection broke, or it was silent for more than "
            f"{seconds:g} s. See that it runs and that nothing on the way (a firewall's idle "
            "time) ends associations; a slow source wants a longer `timeout:` in pacs.yaml.",
            distress=True,
        )


def converse(
    peer: Dimse,
    where: str,
    seconds: float,
    contexts: Sequence[Proposed],
    provided: Sequence[str] = (),
) -> Conversation:
    """Request an association; raises Unavailable or Refused, with cause and remedy."""
    connection = _connected(peer, where, seconds)
    try:
        connection.sendall(encode_associate(peer.title, peer.our_title, contexts, provided))
        kind, body = _answer(connection)
        answers, most = _accepted(where, kind, body)
    except PeerError:
        connection.close()
        raise
    except (OSError, ProtocolError) as error:
        connection.close()
        raise Unavailable(
            f"{where}: it took the connection and did not answer as DICOM does "
            f"({type(error).__name__}). See that the port is its DICOM port, and whether it "
            "speaks TLS there."
        ) from error
    made = Conversation(Wire(connection, None, seconds), connection, where, most)
    proposed = {context.identifier: context for context in contexts}
    for one in answers:
        if one.result == 0 and one.identifier in proposed:
            made.contexts[one.identifier] = (
                proposed[one.identifier].abstract_syntax,
                one.transfer_syntax,
            )
    return made


def _connected(peer: Dimse, where: str, seconds: float) -> socket.socket:
    context = peer.tls.context() if peer.tls is not None else None
    try:
        connection = socket.create_connection((peer.host, peer.port), min(_CONNECT, seconds))
    except socket.gaierror as error:
        raise Unavailable(
            f"{where}: this machine cannot look up the host's name. Correct `host:` in pacs.yaml, "
            "or write its address."
        ) from error
    except OSError as error:
        raise Unavailable(
            f"{where}: no connection ({error.strerror or 'no answer in time'}). See that it runs, "
            "that host and port in pacs.yaml are right, and that firewalls let us through."
        ) from error
    connection.settimeout(min(_CONNECT, seconds))
    if context is None:
        return connection
    try:
        return context.wrap_socket(connection, server_hostname=_named(peer))
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise Refused(
            f"{where}: its certificate does not prove that it is {_named(peer)}. Give the "
            "authority that signed it under `tls:`, and what it names as `name:`."
        ) from error
    except OSError as error:
        connection.close()
        raise Unavailable(
            f"{where}: TLS was not agreed on ({type(error).__name__}). See that the port speaks "
            "TLS 1.2 or later, and whether it demands a certificate from us."
        ) from error


def _named(peer: Dimse) -> str:
    return (peer.tls.name if peer.tls is not None else None) or peer.host


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    head = _exactly(connection, 6)
    length = int.from_bytes(head[2:])
    if length > _LONGEST_ANSWER:
        raise ProtocolError("an association PDU without end", 6)
    return head[0], _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        piece = connection.recv(length - len(found))
        if not piece:
            raise ConnectionError
        found += piece
    return found


def _accepted(where: str, kind: int, body: bytes) -> tuple[tuple[Accepted, ...], int]:
    if kind == pdu.ASSOCIATE_RJ and len(body) >= 4:
        raise rejected(where, body[1], body[2], body[3])
    if kind == pdu.ABORT:
        raise Unavailable(
            f"{where}: it aborts the association while it is negotiated. It may be restarting, or "
            "demand TLS; its log says why."
        )
    if kind != pdu.ASSOCIATE_AC:
        raise ProtocolError("no answer to an association request", 2)
    return pdu.decode_accept(body)

"""The other role: opens an association to deliver one N-EVENT-REPORT, and releases it.

The report goes out in the SCP's role, which the requester has to ask for (PS3.7 D.3.3.4).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from imagehaven.acquire.receive.upperlayer import command, pdu
from imagehaven.acquire.receive.upperlayer.negotiation import COMMITMENT, EXPLICIT, IMPLICIT
from imagehaven.acquire.receive.upperlayer.pdu import Proposed
from imagehaven.acquire.receive.upperlayer.wire import Closed, Wire

_SECONDS: Final = 30.0
_CONTEXT: Final = 1
_LONGEST_COMMAND: Final = 65536

#: Makes command and data set for a message number and a transfer syntax.
Report = Callable[[int, str], tuple[bytes, bytes]]


def deliver(address: tuple[str, int], called: str, calling: str, report: Report) -> bool:
    """Send one report; returns whether the peer took it with success.

    Raises ProtocolError, :class:`Closed`, Aborted or Released where it was not heard.
    """
    try:
        connection = socket.create_connection(address, _SECONDS)
    except OSError as error:
        raise Closed("nobody listens there") from error
    with connection:
        wire = Wire(connection, None, _SECONDS)
        proposed = Proposed(_CONTEXT, COMMITMENT, (IMPLICIT, EXPLICIT))
        wire.send(pdu.encode_request(called, calling, proposed, as_provider=True))
        answers, longest = pdu.decode_accept(wire.request(pdu.ASSOCIATE_AC, _SECONDS))
        syntaxes = [one.transfer_syntax for one in answers if one.result == 0]
        taken = bool(syntaxes) and _sent(wire, longest, *report(1, syntaxes[0]))
        wire.send(pdu.encode(pdu.RELEASE_RQ, bytes(4)))
        wire.release_answered(_SECONDS)
        return taken


def _sent(wire: Wire, longest: int, asked: bytes, content: bytes) -> bool:
    send_message(wire, _CONTEXT, longest, asked, content)
    raw = b""
    while True:
        part = wire.fragment()
        if not part.command or len(raw) + part.length > _LONGEST_COMMAND:
            return False
        raw += b"".join(bytes(piece) for piece in wire.pour(part.length))
        if part.last:
            return command.decode_command(raw).number(command.STATUS) == command.SUCCESS


def send_message(
    wire: Wire, context: int, longest: int, asked: bytes, content: bytes | None = None
) -> None:
    """Send a command, and the data set that belongs to it."""
    parts = list(command.fragments(context, asked, longest, command=True))
    if content is not None:
        parts += command.fragments(context, content, longest, command=False)
    wire.send(b"".join(parts))

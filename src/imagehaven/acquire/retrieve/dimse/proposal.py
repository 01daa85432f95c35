"""The association request of a requester (PS3.8 section 9.3.2), with roles (PS3.7 D.3.3.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from imagehaven.acquire.receive.upperlayer import pdu
from imagehaven.acquire.receive.upperlayer.pdu import Proposed

#: What the number of a context leaves room for: the odd numbers up to 255.
MOST_CONTEXTS = 128


def encode_associate(
    called: str, calling: str, contexts: Sequence[Proposed], provided: Sequence[str] = ()
) -> bytes:
    """An A-ASSOCIATE-RQ. Of the classes ``provided`` we want to be the SCP, as C-GET needs."""
    body = b"\0\1\0\0" + called.ljust(16).encode("ascii") + calling.ljust(16).encode("ascii")
    body += bytes(32) + _item(0x10, pdu.APPLICATION_CONTEXT.encode())
    for context in contexts:
        inside = _item(0x30, context.abstract_syntax.encode())
        inside += b"".join(_item(0x40, uid.encode()) for uid in context.transfer_syntaxes)
        body += _item(0x20, bytes((context.identifier, 0, 0, 0)) + inside)
    user = _item(0x51, pdu.MAX_PDU.to_bytes(4)) + _item(0x52, pdu.IMPLEMENTATION_UID.encode())
    for sop_class in provided:
        uid = sop_class.encode()
        user += _item(0x54, len(uid).to_bytes(2) + uid + b"\0\1")
    user += _item(0x55, pdu.IMPLEMENTATION_VERSION.encode())
    return pdu.encode(pdu.ASSOCIATE_RQ, body + _item(0x50, user))


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value

"""The layout of association PDUs (PS3.8 section 9.3): bytes to frozen records and back."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

ASSOCIATE_RQ: Final = 0x01
ASSOCIATE_AC: Final = 0x02
ASSOCIATE_RJ: Final = 0x03
P_DATA: Final = 0x04
RELEASE_RQ: Final = 0x05
RELEASE_RP: Final = 0x06
ABORT: Final = 0x07

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
#: The receiver's own UID, in file meta and in associations.
IMPLEMENTATION_UID: Final = "2.25.240693417582136940172365517398042265109"
IMPLEMENTATION_VERSION: Final = "IMAGEHAVEN_RECV"
#: What a peer may put into one P-DATA PDU. DCMTK sends no more than this either.
MAX_PDU: Final = 131072

_FIXED: Final = struct.Struct(">HH16s16s32s")


class ProtocolError(Exception):
    """The peer broke the protocol; ``reason`` is the diagnostic of A-ABORT (PS3.8 table 9-26)."""

    def __init__(self, detail: str, reason: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Proposed:
    """One presentation context that a requester proposes; its ``identifier`` is odd."""

    identifier: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """The answer to one presentation context; ``result`` 0 accepts (PS3.8 table 9-18)."""

    identifier: int
    result: int
    transfer_syntax: str


@dataclass(frozen=True)
class AssociateRequest:
    """What an A-ASSOCIATE-RQ says. Titles are stripped; ``fixed`` repeats its first 68 bytes."""

    version: int
    called: str
    calling: str
    application_context: str
    contexts: tuple[Proposed, ...]
    max_pdu: int
    fixed: bytes


def decode_request(body: bytes) -> AssociateRequest:
    """Decode the body of an A-ASSOCIATE-RQ; raises :class:`ProtocolError` for anything else."""
    if len(body) < _FIXED.size:
        raise ProtocolError("an association request ends early", 6)
    version, _, called, calling, _ = _FIXED.unpack_from(body)
    application, maximum = "", 0
    contexts: list[Proposed] = []
    for kind, value in _items(body[_FIXED.size :]):
        if kind == 0x10:
            application = uid_of(value)
        elif kind == 0x20:
            contexts.append(_proposed(value))
        elif kind == 0x50:
            maximum = _max_length(value)
    fixed = body[: _FIXED.size]
    return AssociateRequest(
        version, title_of(called), title_of(calling), application, tuple(contexts), maximum, fixed
    )


def encode_accept(request: AssociateRequest, answers: Sequence[Accepted]) -> bytes:
    """The A-ASSOCIATE-AC for a request: its titles repeated, each context answered."""
    items = [_item(0x10, APPLICATION_CONTEXT.encode())]
    for answer in answers:
        head = bytes((answer.identifier, 0, answer.result, 0))
        items.append(_item(0x21, head + _item(0x40, answer.transfer_syntax.encode())))
    # Only version 1 exists; titles and reserved bytes are sent back as they came.
    body = b"\0\1\0\0" + request.fixed[4:] + b"".join(items) + _user_information()
    return encode(ASSOCIATE_AC, body)


def encode_request(called: str, calling: str, proposed: Proposed, *, as_provider: bool) -> bytes:
    """An A-ASSOCIATE-RQ with one context; ``as_provider`` asks for the SCP's role in it."""
    titles = called.ljust(16).encode("ascii") + calling.ljust(16).encode("ascii")
    syntaxes = b"".join(_item(0x40, uid.encode()) for uid in proposed.transfer_syntaxes)
    context = bytes((proposed.identifier, 0, 0, 0))
    context += _item(0x30, proposed.abstract_syntax.encode()) + syntaxes
    body = b"\0\1\0\0" + titles + bytes(32) + _item(0x10, APPLICATION_CONTEXT.encode())
    role = b""
    if as_provider:  # PS3.7 D.3.3.4: no SCU, but SCP
        uid = proposed.abstract_syntax.encode()
        role = _item(0x54, len(uid).to_bytes(2) + uid + b"\0\1")
    return encode(ASSOCIATE_RQ, body + _item(0x20, context) + _user_information(role))


def decode_accept(body: bytes) -> tuple[tuple[Accepted, ...], int]:
    """The answers of an A-ASSOCIATE-AC and the longest PDU that the peer takes (0: any)."""
    answers: list[Accepted] = []
    maximum = 0
    for kind, value in _items(body[_FIXED.size :]):
        if kind == 0x21 and len(value) >= 4:
            syntaxes = [uid_of(inner) for part, inner in _items(value[4:]) if part == 0x40]
            answers.append(Accepted(value[0], value[2], syntaxes[0] if syntaxes else ""))
        elif kind == 0x50:
            maximum = _max_length(value)
    return tuple(answers), maximum


def encode_reject(result: int, source: int, reason: int) -> bytes:
    """An A-ASSOCIATE-RJ (PS3.8 table 9-21)."""
    return encode(ASSOCIATE_RJ, bytes((0, result, source, reason)))


def encode_abort(source: int, reason: int) -> bytes:
    """An A-ABORT; ``source`` is 0 for the service user, 2 for the provider."""
    return encode(ABORT, bytes((0, 0, source, reason)))


def encode(kind: int, body: bytes) -> bytes:
    """A PDU of this kind around its body."""
    return struct.pack(">BBI", kind, 0, len(body)) + body


def title_of(raw: bytes) -> str:
    """An AE title without its padding; whatever is not printable ASCII becomes ``?``."""
    text = raw.decode("ascii", errors="replace").strip(" \0")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def uid_of(raw: bytes) -> str:
    """A UID without its padding."""
    return raw.decode("ascii", errors="replace").strip(" \0")


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(body):
        if position + 4 > len(body):
            raise ProtocolError("an item ends early", 6)
        kind, _, length = struct.unpack_from(">BBH", body, position)
        position += 4
        if position + length > len(body):
            raise ProtocolError("an item is longer than its PDU", 6)
        yield kind, body[position : position + length]
        position += length


def _proposed(value: bytes) -> Proposed:
    if len(value) < 4 or value[0] % 2 == 0:
        raise ProtocolError("a presentation context has no valid number", 6)
    parts = list(_items(value[4:]))
    abstract = [uid_of(inner) for kind, inner in parts if kind == 0x30]
    if len(abstract) != 1:
        raise ProtocolError("a presentation context has not one abstract syntax", 6)
    syntaxes = tuple(uid_of(inner) for kind, inner in parts if kind == 0x40)
    return Proposed(value[0], abstract[0], syntaxes)


def _max_length(value: bytes) -> int:
    lengths = [inner for kind, inner in _items(value) if kind == 0x51 and len(inner) == 4]
    return int.from_bytes(lengths[0]) if lengths else 0


def _user_information(more: bytes = b"") -> bytes:
    version = IMPLEMENTATION_VERSION.encode()
    own = _item(0x51, MAX_PDU.to_bytes(4)) + _item(0x52, IMPLEMENTATION_UID.encode())
    return _item(0x50, own + more + _item(0x55, version))


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value

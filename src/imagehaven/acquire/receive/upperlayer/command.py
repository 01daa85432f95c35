"""Command sets (PS3.7 section 6.3 and annex E): implicit little endian, group 0000 only."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imagehaven.acquire.receive.upperlayer.pdu import P_DATA, ProtocolError, encode, uid_of

C_STORE: Final = 0x0001
C_ECHO: Final = 0x0030
N_ACTION: Final = 0x0130
N_EVENT_REPORT: Final = 0x0100
C_CANCEL: Final = 0x0FFF
RESPONSE: Final = 0x8000

NO_DATA: Final = 0x0101
WITH_DATA: Final = 0x0001

SUCCESS: Final = 0x0000
NO_SUCH_ACTION: Final = 0x0123
PROCESSING_FAILURE: Final = 0x0110
UNRECOGNIZED_OPERATION: Final = 0x0211
RESOURCE_LIMIT: Final = 0x0213
OUT_OF_RESOURCES: Final = 0xA700
CANNOT_UNDERSTAND: Final = 0xC000

# Elements of group 0000 by their number (PS3.7 table E.1-1).
AFFECTED_CLASS: Final = 0x0002
REQUESTED_CLASS: Final = 0x0003
FIELD: Final = 0x0100
MESSAGE: Final = 0x0110
ANSWERED: Final = 0x0120
DATA_SET: Final = 0x0800
STATUS: Final = 0x0900
AFFECTED_INSTANCE: Final = 0x1000
REQUESTED_INSTANCE: Final = 0x1001
EVENT_TYPE: Final = 0x1002
ACTION_TYPE: Final = 0x1008

_UIDS: Final = frozenset({AFFECTED_CLASS, REQUESTED_CLASS, AFFECTED_INSTANCE, REQUESTED_INSTANCE})


@dataclass(frozen=True)
class Command:
    """One command: its elements' values by element number, as they came."""

    elements: dict[int, bytes]

    @property
    def field(self) -> int:
        """The Command Field: what is asked or answered."""
        return self.number(FIELD)

    @property
    def has_data(self) -> bool:
        """Whether a data set follows."""
        return self.number(DATA_SET) != NO_DATA

    def number(self, element: int) -> int:
        """An unsigned short; raises :class:`ProtocolError` where it is absent or no short."""
        value = self.elements.get(element, b"")
        if len(value) != 2:
            raise ProtocolError("a command lacks an element that it must have")
        return int.from_bytes(value, "little")

    def uid(self, element: int) -> str:
        """A UID without its padding, '' where it is absent."""
        return uid_of(self.elements.get(element, b""))


def decode_command(raw: bytes) -> Command:
    """Decode a command set; raises :class:`ProtocolError` where it is not one."""
    elements: dict[int, bytes] = {}
    position = 0
    while position < len(raw):
        if position + 8 > len(raw):
            raise ProtocolError("a command set ends early")
        group, element, length = struct.unpack_from("<HHI", raw, position)
        position += 8
        if group != 0 or length > len(raw) - position:
            raise ProtocolError("a command set holds what is no command element")
        elements[element] = raw[position : position + length]
        position += length
    return Command(elements)


def answer(request: Command, status: int) -> bytes:
    """The response to a request, without a data set (PS3.7 sections 9.3 and 10.3)."""
    values: dict[int, int | str] = {
        FIELD: request.field | RESPONSE,
        ANSWERED: request.number(MESSAGE),
        DATA_SET: NO_DATA,
        STATUS: status,
    }
    affected = request.uid(AFFECTED_CLASS) or request.uid(REQUESTED_CLASS)
    instance = request.uid(AFFECTED_INSTANCE) or request.uid(REQUESTED_INSTANCE)
    if affected:
        values[AFFECTED_CLASS] = affected
    if instance:
        values[AFFECTED_INSTANCE] = instance
    if request.field == N_ACTION and status == SUCCESS:
        values[ACTION_TYPE] = request.number(ACTION_TYPE)
    return encode_command(values)


def encode_command(values: dict[int, int | str]) -> bytes:
    """A command set with its group length; UIDs are padded with a null."""
    parts = []
    for element in sorted(values):
        value = values[element]
        if isinstance(value, int):
            raw = value.to_bytes(2, "little")
        else:
            raw = value.encode("ascii", errors="replace")
            raw += b"\0" * (len(raw) % 2)
        parts.append(struct.pack("<HHI", 0, element, len(raw)) + raw)
    body = b"".join(parts)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def fragments(context: int, content: bytes, longest: int, *, command: bool) -> Iterable[bytes]:
    """P-DATA PDUs with a command or a data set, none longer than the peer takes (0: any)."""
    # A fragment's own head takes 6 bytes of the PDU (PS3.8 section 9.3.5).
    room = max(longest - 6, 1) if longest else max(len(content), 1)
    for start in range(0, max(len(content), 1), room):
        part = content[start : start + room]
        control = int(command) | (2 if start + room >= len(content) else 0)
        head = struct.pack(">IBB", len(part) + 2, context, control)
        yield encode(P_DATA, head + part)

"""Where an object goes and what is written before its data set.

The name is the object's own: its SOP instance UID and a hash of its transfer syntax and data set.
The same object has the same name whoever sends it, and another object under the same UID another
one. Objects of a study share a folder, whose name is a hash of the study's UID.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from typing import Final

from imagehaven.acquire.receive.upperlayer.pdu import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION

#: Bytes at a data set's beginning in which the study is looked for.
HEAD: Final = 65536
#: Bytes before the first element that the group length of the file meta counts.
META: Final = 144
NO_STUDY: Final = "no-study"
SUFFIX: Final = ".dcm"

_DIGITS: Final = 32
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"})
_STUDY: Final = 0x0020000D
_ITEMS: Final = frozenset({0xFFFEE000, 0xFFFEE00D})
_END_OF_SEQUENCE: Final = 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_LONG: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN",
                          b"UR", b"UT", b"UV"})  # fmt: skip


@dataclass(frozen=True)
class Incoming:
    """What the association says of an object that is about to come."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    sender: str


def file_head(incoming: Incoming) -> bytes:
    """Preamble, prefix and file meta (PS3.10 section 7.1), as the association has it."""
    elements = b"".join(
        (
            _element(0x0001, b"OB", b"\0\1"),
            _element(0x0002, b"UI", incoming.sop_class.encode()),
            _element(0x0003, b"UI", incoming.sop_instance.encode()),
            _element(0x0010, b"UI", incoming.transfer_syntax.encode()),
            _element(0x0012, b"UI", IMPLEMENTATION_UID.encode()),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION.encode()),
            _element(0x0016, b"AE", incoming.sender.encode()),
        )
    )
    length = _element(0x0000, b"UL", struct.pack("<I", len(elements)))
    return bytes(128) + b"DICM" + length + elements


def first_hash(transfer_syntax: str) -> hashlib._Hash:
    """The hash that goes into the name; the data set is to be added to it."""
    return hashlib.sha256(transfer_syntax.encode() + b"\0")


def file_name(sop_instance: str, digest: str) -> str:
    """The object's file name."""
    return f"{stem(sop_instance)}-{digest[:_DIGITS]}{SUFFIX}"


def stem(sop_instance: str) -> str:
    """The UID as part of a name; one that is no UID could be a path, so its hash stands for it."""
    if _UID.fullmatch(sop_instance) and len(sop_instance) <= 64:
        return sop_instance
    return "x" + hashed(sop_instance.encode(errors="surrogatepass"))


def study_folder(head: bytes, transfer_syntax: str) -> str:
    """The folder of an object's study, from the first bytes of its data set.

    ``no-study`` where they do not show the Study Instance UID: it is absent, deflated, or behind
    more than 64 KiB.
    """
    uid = study_uid(head, transfer_syntax)
    return hashed(uid) if uid else NO_STUDY


def study_uid(head: bytes, transfer_syntax: str) -> bytes:
    """The Study Instance UID in the first bytes of a data set; empty where they do not show it."""
    return b"" if transfer_syntax in _DEFLATED else _study(head, transfer_syntax)


def hashed(uid: bytes) -> str:
    """What stands for a UID in a name."""
    return hashlib.sha256(uid).hexdigest()[:_DIGITS]


def _study(head: bytes, transfer_syntax: str) -> bytes:
    order = ">" if transfer_syntax == _BIG_ENDIAN else "<"
    implicit = transfer_syntax == _IMPLICIT
    position = depth = 0
    while position + 8 <= len(head):
        group, number, length = struct.unpack_from(order + "HHI", head, position)
        tag = group << 16 | number
        position += 8
        if tag in _ITEMS:
            # Walked through, not over: what they hold comes next, one level down.
            continue
        if tag == _END_OF_SEQUENCE:
            depth -= 1
            continue
        if not implicit:
            kind = head[position - 4 : position - 2]
            if kind in _LONG:
                if position + 4 > len(head):
                    break
                (length,) = struct.unpack_from(order + "I", head, position)
                position += 4
            else:
                (length,) = struct.unpack_from(order + "H", head, position - 2)
            if kind == b"UN" and length == _UNDEFINED:
                break  # its inside is implicit
        if depth == 0 and tag >= _STUDY:
            found = head[position : position + length].strip(b" \0")
            return found if tag == _STUDY and position + length <= len(head) else b""
        if length == _UNDEFINED:
            depth += 1
        else:
            position += length
    return b""


def _element(number: int, kind: bytes, value: bytes) -> bytes:
    padding = b"\0" if kind in (b"UI", b"OB") else b" "
    value += padding * (len(value) % 2)
    head = struct.pack("<HH2s", 2, number, kind)
    if kind == b"OB":
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value

"""Nightmares: the odd files that every archive holds, each with what ingest should make of it.

`TROUBLES` names them. A duplicate is the same bytes again, a conflict the same SOPInstanceUID
with other content; the rest belongs in quarantine under the reason that follows its name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from imagehaven.synth.filing.encode import IMPLEMENTATION_UID

TROUBLES: dict[str, str] = {
    "duplicate": "",
    "conflict": "",
    "text": "not-dicom",
    "zero-bytes": "empty",
    "cut-in-pixels": "truncated",
    "cut-in-header": "truncated",
    "anonymous": "no-sop-instance-uid",
    "deep": "too-deep",
    "long": "hostile-length",
    "strange-syntax": "unreadable-transfer-syntax",
    "no-items": "malformed",
    "picture": "not-dicom",
}

_EXPLICIT = b"1.2.840.10008.1.2.1"
_CT = b"1.2.840.10008.5.1.4.1.1.2"
_LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}


@dataclass(frozen=True)
class Trouble:
    """One odd file: its name, its bytes, and the state and reason it should end in."""

    name: str
    content: bytes
    state: str
    reason: str


def element(group: int, number: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """Return an explicit little endian element, with a lie for its length where one is given."""
    value += (b"\0" if vr in {b"UI", b"OB"} else b" ") * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", group, number, vr)
    if vr in _LONG:
        return head + b"\0\0" + struct.pack("<I", size) + value
    return head + struct.pack("<H", size) + value


def _file(uid: bytes, body: bytes, *, syntax: bytes = _EXPLICIT, named: bool = True) -> bytes:
    meta = b"".join([
        element(2, 1, b"OB", b"\0\1"),
        element(2, 2, b"UI", _CT),
        element(2, 3, b"UI", uid),
        element(2, 0x10, b"UI", syntax),
        element(2, 0x12, b"UI", str(IMPLEMENTATION_UID).encode()),
    ])  # fmt: skip
    start = element(8, 0x16, b"UI", _CT) + (element(8, 0x18, b"UI", uid) if named else b"")
    length = element(2, 0, b"UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + start + body


def _deep(uid: bytes) -> bytes:
    opened = element(0x40, 0xA730, b"SQ", b"", 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    closed = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return _file(uid, opened * 200 + element(0x40, 0xA160, b"UT", b"the bottom") + closed * 200)


_MADE: dict[str, Callable[[bytes], bytes]] = {
    "anonymous": lambda uid: _file(uid, element(8, 0x60, b"CS", b"CT"), named=False),
    "deep": _deep,
    "long": lambda uid: _file(uid, element(9, 0x1001, b"OB", b"\0\0", 0xF0000000)),
    "strange-syntax": lambda uid: _file(
        uid, element(8, 0x60, b"CS", b"CT"), syntax=b"JPEG 2000 PART 9"
    ),
    "no-items": lambda uid: _file(uid, element(8, 0x1140, b"SQ", b"no items!", 0xFFFFFFFF)),
    "picture": lambda _: b"\x89PNG\r\n\x1a\n" + bytes(56),
    "zero-bytes": lambda _: b"",
    "text": lambda _: b"Burnt for the clinic, please return the CD to Radiology.\n",
}


def make_trouble(kind: str, original: bytes, uid: str) -> Trouble:
    """Return a trouble of ``kind``, which is a name of `TROUBLES` but not duplicate or conflict.

    ``original`` is the file that the cut ones are cut from, ``uid`` a new SOPInstanceUID.
    """
    if kind == "cut-in-pixels":
        content = original[: len(original) * 9 // 10]
    elif kind == "cut-in-header":
        content = original[:700]
    else:
        content = _MADE[kind](uid.encode())
    name = {"text": "README.txt", "picture": "thumb.png"}.get(kind, f"{kind}.dcm")
    return Trouble(name, content, "quarantined", TROUBLES[kind])


def altered(original: bytes) -> bytes:
    """Return a file of the same SOPInstanceUID with other content: one bit of the last pixel."""
    return original[:-1] + bytes([original[-1] ^ 1])

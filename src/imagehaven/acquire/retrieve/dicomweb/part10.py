"""Where the data set of a DICOM file begins, and what its file meta says (PS3.10 section 7.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Final

_SOP_CLASS, _SOP_INSTANCE, _SYNTAX = 0x00020002, 0x00020003, 0x00020010
_LONG: Final = frozenset({b"OB", b"OW", b"UN", b"UT", b"SQ"})
_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"})
#: Bytes of a data set in which its SOP class and instance are looked for.
IDENTIFYING: Final = 4096
#: No file meta that a server means well is longer.
LONGEST: Final = 2**20


class NoFile(Exception):
    """What came is no DICOM file."""


@dataclass(frozen=True)
class Meta:
    """The file meta's own words, and where the data set begins."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    offset: int


def read_meta(head: bytes) -> Meta | None:
    """The file meta at the beginning of a file; None where more bytes are needed.

    Raises :class:`NoFile` where there is none, or where it lacks what a name needs.
    """
    if len(head) < 132:
        return None
    if head[128:132] != b"DICM":
        raise NoFile
    values: dict[int, bytes] = {}
    position = 132
    while True:
        if position + 12 > len(head):
            _bounded(head)
            return None
        group, element = struct.unpack_from("<HH", head, position)
        if group != 2:
            break
        kind = head[position + 4 : position + 6]
        if kind in _LONG:
            (length,) = struct.unpack_from("<I", head, position + 8)
            position += 12
        else:
            (length,) = struct.unpack_from("<H", head, position + 6)
            position += 8
        if length > LONGEST:
            raise NoFile
        if position + length > len(head):
            _bounded(head)
            return None
        values[group << 16 | element] = head[position : position + length]
        position += length
    texts = [
        values.get(tag, b"").decode("ascii", errors="replace").strip(" \0")
        for tag in (_SOP_CLASS, _SOP_INSTANCE, _SYNTAX)
    ]
    if not all(text and text.isascii() for text in texts):
        raise NoFile
    return Meta(texts[0], texts[1], texts[2], position)


def named_by_data_set(meta: Meta, head: bytes) -> Meta:
    """The meta with class and instance as the data set itself has them, where its head shows them.

    Servers list an object by its data set, and a file meta may say otherwise.
    """
    if meta.transfer_syntax in _DEFLATED:
        return meta
    order = ">" if meta.transfer_syntax == _BIG_ENDIAN else "<"
    found: dict[int, str] = {}
    position = 0
    while position + 12 <= len(head):
        group, element = struct.unpack_from(order + "HH", head, position)
        tag = group << 16 | element
        if tag > 0x00080018:
            break
        length, skip = _length(head, position, order, implicit=meta.transfer_syntax == _IMPLICIT)
        position += skip
        if length > len(head) - position:
            break  # also of undefined length: a sequence, and not what is looked for
        if tag in (0x00080016, 0x00080018):
            value = head[position : position + length].decode("ascii", errors="replace")
            found[tag] = value.strip(" \0")
        position += length
    sop_class, instance = found.get(0x00080016, ""), found.get(0x00080018, "")
    if not (sop_class.isascii() and instance.isascii() and sop_class and instance):
        return meta
    return replace(meta, sop_class=sop_class, sop_instance=instance)


def _length(head: bytes, position: int, order: str, *, implicit: bool) -> tuple[int, int]:
    """The length of a value, and how far its first byte is from the element's."""
    if implicit:
        return int(struct.unpack_from(order + "I", head, position + 4)[0]), 8
    if head[position + 4 : position + 6] in _LONG:
        return int(struct.unpack_from(order + "I", head, position + 8)[0]), 12
    return int(struct.unpack_from(order + "H", head, position + 6)[0]), 8


def _bounded(head: bytes) -> None:
    if len(head) > LONGEST:
        raise NoFile

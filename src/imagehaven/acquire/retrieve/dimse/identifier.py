"""Identifiers of C-FIND, C-GET and C-MOVE in implicit VR little endian (PS3.5 section 7.1.3).

Every element that is asked for holds short text. Others are walked over, so that nothing of a
patient is taken up that was not asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

TAGS: Final = {
    "StudyDate": 0x00080020,
    "StudyTime": 0x00080030,
    "AccessionNumber": 0x00080050,
    "QueryRetrieveLevel": 0x00080052,
    "FailedSOPInstanceUIDList": 0x00080058,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "Modality": 0x00080060,
    "ModalitiesInStudy": 0x00080061,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "NumberOfStudyRelatedSeries": 0x00201206,
    "NumberOfStudyRelatedInstances": 0x00201208,
    "NumberOfSeriesRelatedInstances": 0x00201209,
}
_KEYWORDS: Final = {tag: keyword for keyword, tag in TAGS.items()}
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Unreadable(Exception):
    """An identifier that ends early or is nested without end."""


def encode_identifier(values: Mapping[str, str]) -> bytes:
    """The values by keyword, in the order of their tags; UIDs are padded with a null."""
    parts = []
    for tag, value in sorted((TAGS[keyword], value) for keyword, value in values.items()):
        raw = value.encode("ascii")
        padding = b"\0" if _KEYWORDS[tag].endswith("UID") else b" "
        raw += padding * (len(raw) % 2)
        parts.append(struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw)
    return b"".join(parts)


def decode_identifier(raw: bytes) -> dict[str, str]:
    """The values of the elements that :data:`TAGS` names; raises :class:`Unreadable`."""
    found: dict[str, str] = {}
    position = depth = 0
    while position < len(raw):
        if position + 8 > len(raw):
            raise Unreadable
        group, element, length = struct.unpack_from("<HHI", raw, position)
        tag = group << 16 | element
        position += 8
        if tag == _ITEM_END:
            depth -= length == 0 and depth > 0
        elif tag == _SEQUENCE_END:
            depth = max(depth - 1, 0)
        elif length == _UNDEFINED:
            depth += 1
        elif tag == _ITEM and depth:
            continue  # walked through: its elements come next
        else:
            if position + length > len(raw):
                raise Unreadable
            if not depth and tag in _KEYWORDS:
                value = raw[position : position + length].decode("ascii", errors="replace")
                found[_KEYWORDS[tag]] = value.strip(" \0")
            position += length
    return found

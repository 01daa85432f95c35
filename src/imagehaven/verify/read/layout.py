"""Where the pixels and the end of a data set lie in a file, by walking its bytes (PS3.5 7, A.4).

This walk is apart from pydicom's reading, and says which bytes of a file are pixels. Everything
else is searched as bytes: what the walk cannot make sense of counts as trailing bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Protocol

_PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_TRAILING_PADDING: Final = 0xFFFCFFFC
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_DEEPEST: Final = 256


class Bytes(Protocol):
    """Bytes or a memory map."""

    def __getitem__(self, key: slice, /) -> bytes: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Layout:
    """Byte ranges of the pixel elements' values, and what follows them.

    From ``tail`` on stand the elements after the pixels, padding, and bytes that are no elements:
    all small, and searched as bytes. ``lost`` is where bytes stop to be elements, None for a data
    set that is whole to the end of the file (zero bytes after it count for nothing).
    """

    pixels: tuple[tuple[int, int], ...]
    tail: int
    lost: int | None


class _LostError(Exception):
    """The bytes at ``position`` are no element."""


def layout(data: Bytes, start: int, *, implicit: bool, little: bool) -> Layout:
    """Return the layout of the data set that starts at ``start`` and runs to the end of ``data``.

    Never raises on garbage: the walk ends where the bytes stop to be elements. Files that declare
    the wrong kind of VR are common, so the other kind is tried where the walk is lost.
    """
    found = _walk(data, start, implicit, little)
    if found.pixels or found.lost is None:
        return found
    other = _walk(data, start, not implicit, little)
    return other if other.tail > found.tail else found


def _walk(data: Bytes, start: int, implicit: bool, little: bool) -> Layout:
    position, previous, tail = start, -1, None
    pixels: list[tuple[int, int]] = []
    while position + 8 <= len(data):
        try:
            tag, vr, length, value = _element(data, position, implicit, little)
            if tag <= previous:
                break
            end = _end_of(data, (vr, length, value), implicit, little, 0)
        except (_LostError, struct.error):
            break
        if tag in _PIXEL_TAGS:
            pixels.append((value, end))
            tail = None
        elif tail is None and (pixels or tag == _TRAILING_PADDING):
            tail = position
        position, previous = end, tag
    rest = data[position : len(data)]
    lost = position if rest.strip(b"\0") else None
    return Layout(tuple(pixels), position if tail is None else tail, lost)


def _element(
    data: Bytes, position: int, implicit: bool, little: bool
) -> tuple[int, bytes, int, int]:
    """Return (tag, VR, length, offset of the value) of the element at ``position``."""
    order = "<" if little else ">"
    group, element = struct.unpack(order + "HH", data[position : position + 4])
    tag = group << 16 | element
    if implicit or group == 0xFFFE:
        (length,) = struct.unpack(order + "L", data[position + 4 : position + 8])
        return tag, b"", length, position + 8
    vr = data[position + 4 : position + 6]
    if not (vr.isalpha() and vr.isupper()):
        raise _LostError
    if vr in _LONG_VRS:
        (length,) = struct.unpack(order + "L", data[position + 8 : position + 12])
        return tag, vr, length, position + 12
    (length,) = struct.unpack(order + "H", data[position + 6 : position + 8])
    return tag, vr, length, position + 8


def _end_of(
    data: Bytes, element: tuple[bytes, int, int], implicit: bool, little: bool, depth: int
) -> int:
    """Return where the value of an element, given as (VR, length, offset), ends.

    Raises:
        _LostError: it would end behind the end of the file, or its items make no sense.
    """
    vr, length, value = element
    if length != _UNDEFINED:
        if value + length > len(data):
            raise _LostError
        return value + length
    if depth > _DEEPEST:
        raise _LostError
    # An unknown element of undefined length holds implicit VR items (PS3.5 6.2.2 note 4).
    implicit = implicit or vr == b"UN"
    position = value
    while True:
        tag, _, size, inner = _element(data, position, True, little)
        if tag == _SEQUENCE_END:
            return inner
        if tag != _ITEM:
            raise _LostError
        if size != _UNDEFINED:
            position = inner + size
            if position > len(data):
                raise _LostError
        else:
            position = _end_of_item(data, inner, implicit, little, depth + 1)


def _end_of_item(data: Bytes, position: int, implicit: bool, little: bool, depth: int) -> int:
    while True:
        tag, vr, length, value = _element(data, position, implicit, little)
        if tag == _ITEM_END:
            return value
        position = _end_of(data, (vr, length, value), implicit, little, depth)

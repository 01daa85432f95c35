"""Write data sets as bytes in explicit VR (PS3.5 section 7.1.2), or in implicit VR little endian.

The values are bytes already, so the same data set always gives the same bytes. File meta is built
from nothing: what the source's file meta, preamble or private information held cannot follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack
from typing import Any, Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.values import element, join_text

IMPLEMENTATION_CLASS_UID: Final = "2.25.103389231586724613540266480231107164921"
IMPLEMENTATION_VERSION: Final = "IMAGEHAVEN"
IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"
UNDEFINED: Final = 0xFFFFFFFF
LONG: Final = frozenset(
    ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
)
"""VRs with a four-byte length."""
_SHORT_LIMIT: Final = 0xFFFE


def encode(dataset: Dataset, syntax: str) -> bytes:
    """Return the elements of ``dataset`` in the encoding of a transfer syntax, sorted by tag.

    Sequences and items get defined lengths. A value too long for its VR's length field is written
    as UN (PS3.5 section 6.2.2) in explicit VR.
    """
    order = ">" if syntax == EXPLICIT_BIG else "<"
    return b"".join(_elements(dataset, order, syntax == IMPLICIT_LITTLE))


def has_long_values(dataset: Dataset) -> bool:
    """Say whether a value is too long for its VR in explicit VR, as long contours are."""
    for part in _held(dataset):
        if part.VR == "SQ":
            if any(has_long_values(item) for item in part.value or ()):
                return True
        elif part.VR not in LONG and len(part.value or b"") > _SHORT_LIMIT:
            return True
    return False


def element_head(tag: int, vr: str, length: int, syntax: str) -> bytes:
    """Return tag, VR and length of an element in the encoding of a transfer syntax."""
    order = ">" if syntax == EXPLICIT_BIG else "<"
    return _head(tag, vr, length, order, syntax == IMPLICIT_LITTLE)


def file_head(sop_class: str, instance: str, syntax: str) -> bytes:
    """Return an empty preamble, the prefix and the file meta (PS3.10 section 7.1)."""
    meta = Dataset()
    for tag, vr, text in (
        (0x00020002, "UI", sop_class),
        (0x00020003, "UI", instance),
        (0x00020010, "UI", syntax),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
        (0x00020013, "SH", IMPLEMENTATION_VERSION),
    ):
        meta[tag] = element(tag, vr, join_text([text], vr), little=True)
    meta[0x00020001] = element(0x00020001, "OB", b"\0\1", little=True)
    body = encode(meta, EXPLICIT_LITTLE)
    length = encode(_group_length(len(body)), EXPLICIT_LITTLE)
    return bytes(128) + b"DICM" + length + body


def _group_length(length: int) -> Dataset:
    group = Dataset()
    group[0x00020000] = element(0x00020000, "UL", pack("<L", length), little=True)
    return group


def _held(dataset: Dataset) -> Iterator[Any]:
    for tag in sorted(dataset.keys()):
        yield dataset.get_item(tag)


def _elements(dataset: Dataset, order: str, implicit: bool) -> Iterator[bytes]:
    for part in _held(dataset):
        vr = str(part.VR)
        value = _items(part.value, order, implicit) if vr == "SQ" else part.value
        value += b"\0" * (len(value) % 2)
        yield _head(int(part.tag), vr, len(value), order, implicit)
        yield value


def _items(items: list[Dataset], order: str, implicit: bool) -> bytes:
    parts: list[bytes] = []
    for item in items:
        body = b"".join(_elements(item, order, implicit))
        parts.append(pack(f"{order}HHL", 0xFFFE, 0xE000, len(body)) + body)
    return b"".join(parts)


def _head(tag: int, vr: str, length: int, order: str, implicit: bool) -> bytes:
    if implicit:
        return pack(f"{order}HHL", tag >> 16, tag & 0xFFFF, length)
    if vr not in LONG and length > _SHORT_LIMIT:
        vr = "UN"
    code = vr.encode("ascii")
    if vr in LONG:
        return pack(f"{order}HH2sHL", tag >> 16, tag & 0xFFFF, code, 0, length)
    return pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, code, length)

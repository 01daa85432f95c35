"""Overlay planes that may stay: their bitmaps searched for text and blanked (PS3.3 C.9.2).

Overlays are removed with everything that stands in their groups. Under the Clean Graphics Option
(PS3.15 E.3.3) the drawing itself is kept: the plane, its place and its kind, but no label, comment
or statistics, and no plane in which text could not be blanked.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import stored, tags, text_of
from imagehaven.deidentify.elements.values import element, join_text
from imagehaven.deidentify.pixels.areas import painted
from imagehaven.deidentify.pixels.policy import Plan
from imagehaven.deidentify.pixels.reading import reader_for
from imagehaven.deidentify.pixels.search import search
from imagehaven.deidentify.pixels.text import Rendering
from imagehaven.dicom.pixels import Shape
from imagehaven.errors import Withheld

_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN, _FIRST = 0x10, 0x11, 0x15, 0x40, 0x50, 0x51
_ALLOCATED, _POSITION, _DATA = 0x0100, 0x0102, 0x3000
_SPELLED: Final = re.compile(rb"[ -~]{6,}")
_LARGEST: Final = 2**28
"""Bits of all frames of a plane; a larger one is not looked at, and so not kept."""


def keep_overlays(source: Dataset, cleaned: Dataset, *, little: bool) -> int:
    """Put into ``cleaned`` what may stay of the overlays of ``source``; return how many stay."""
    groups = {tag >> 16 for tag in tags(source) if tag & 0xFFFF == _DATA}
    kept = 0
    for group in sorted(group for group in groups if 0x6000 <= group <= 0x601E and group % 2 == 0):
        planes = _planes(source, group, little)
        clean = None if planes is None else _blanked(planes, source)
        if clean is not None:
            _put(cleaned, source, group, clean, little)
            kept += 1
    return kept


def _planes(source: Dataset, group: int, little: bool) -> npt.NDArray[np.uint8] | None:
    """Return the frames of an overlay as zeros and ones, None where it makes no sense."""
    rows, columns = _number(source, group, _ROWS, little), _number(source, group, _COLUMNS, little)
    says = text_of(source, group << 16 | _FRAMES) or "1"
    frames = int(says) if says.isdecimal() else 0
    found = stored(source, group << 16 | _DATA, little=little)
    data = found.value if found is not None else None
    bits = (rows or 0) * (columns or 0) * frames
    if (
        not isinstance(data, bytes)
        or _number(source, group, _POSITION, little)
        or not 0 < bits <= min(8 * len(data), _LARGEST)
    ):
        return None
    octets = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2")
    unpacked = np.unpackbits(octets.astype("<u2").view(np.uint8), bitorder="little", count=bits)
    return unpacked.reshape(frames, rows or 0, columns or 0)


def _blanked(planes: npt.NDArray[np.uint8], source: Dataset) -> npt.NDArray[np.uint8] | None:
    """Return the planes without text, None where some is still there."""
    frames, rows, columns = planes.shape
    shape = Shape(rows, columns, 1, frames, 8, False, False, False, "MONOCHROME2", 8, 7)
    reader = reader_for(source, shape, Rendering())
    plan = Plan(shape, (), search=True, declared=False)
    try:
        found = search(lambda: iter(planes * np.uint8(255)), plan, reader)
    except Withheld:
        return None
    clean = [painted(plane, areas, (0,)) for plane, areas in zip(planes, found.areas, strict=True)]
    return np.stack(clean)


def _put(
    cleaned: Dataset, source: Dataset, group: int, planes: npt.NDArray[Any], little: bool
) -> None:
    order: Literal["little", "big"] = "little" if little else "big"
    data = np.packbits(planes.ravel(), bitorder="little")
    # A drawing hardly spells words in its bytes; a hidden text does.
    if _SPELLED.search(data.tobytes()):
        return
    words = np.pad(data, (0, data.size % 2)).view("<u2").astype("<u2" if little else ">u2")
    kind = "R" if text_of(source, group << 16 | _TYPE) == "R" else "G"
    numbers = {_ROWS: planes.shape[1], _COLUMNS: planes.shape[2], _ALLOCATED: 1, _POSITION: 0}
    values = {at: ("US", number.to_bytes(2, order)) for at, number in numbers.items()}
    values[_TYPE] = ("CS", join_text([kind], "CS"))
    one = (1).to_bytes(2, order)
    values[_ORIGIN] = ("SS", _bytes(source, group, _ORIGIN, 4, little) or one * 2)
    if planes.shape[0] > 1:
        values[_FRAMES] = ("IS", join_text([str(planes.shape[0])], "IS"))
        values[_FIRST] = ("US", _bytes(source, group, _FIRST, 2, little) or one)
    values[_DATA] = ("OW", words.tobytes())
    for at, (vr, value) in values.items():
        cleaned[group << 16 | at] = element(group << 16 | at, vr, value, little)


def _number(source: Dataset, group: int, at: int, little: bool) -> int | None:
    value = _bytes(source, group, at, 2, little)
    return None if value is None else int.from_bytes(value, "little" if little else "big")


def _bytes(source: Dataset, group: int, at: int, length: int, little: bool) -> bytes | None:
    found = stored(source, group << 16 | at, little=little)
    value = found.value if found is not None else None
    return value if isinstance(value, bytes) and len(value) == length else None

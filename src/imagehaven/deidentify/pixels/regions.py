"""Where an ultrasound image is, and so what lies outside of it (PS3.3 C.8.5.5).

Scanners print names and numbers around the image; SequenceOfUltrasoundRegions says where the image
is. What lies outside is blanked, whether or not text is found there.
"""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import items_of, stored
from imagehaven.deidentify.pixels.areas import Area, outside
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Shape
from imagehaven.errors import Withheld

REASON: Final = "ultrasound-outside-regions"


def outside_regions(header: Header, shape: Shape) -> tuple[Area, ...]:
    """Return the areas outside the regions, none when there are no regions.

    Raises :class:`Withheld` when a region is nowhere or lies outside the image: the header then
    describes another picture than this one.
    """
    little = header.transfer_syntax != EXPLICIT_BIG
    kept: list[Area] = []
    for item in items_of(header.dataset, 0x00186011):
        left, top, right, bottom = _corners(item, little)
        if not (left < right < shape.columns and top < bottom < shape.rows):
            raise Withheld(REASON, "a region lies outside the image")
        kept.append(Area(left, top, right + 1, bottom + 1))
    return outside(kept, shape) if kept else ()


def _corners(item: Dataset, little: bool) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region, both ends inside it."""
    found: list[int] = []
    for tag in (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E):
        element = stored(item, tag, little=little)
        value = element.value if element is not None else None
        if not isinstance(value, bytes) or len(value) != 4:
            raise Withheld(REASON, "a region has no location")
        found.append(int.from_bytes(value, "little" if little else "big"))
    return found[0], found[1], found[2], found[3]

"""What becomes of the pixels of one instance: which areas of which frames are blanked, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imagehaven.deidentify.pixels.areas import Area, painted
from imagehaven.dicom.pixels import Frame, Shape, values_of
from imagehaven.dicom.recode import Recoding

SAME: Final = 0.5
"""Areas that have this share in common are the same text."""


@dataclass(frozen=True)
class Redaction:
    """How the pixels of one instance change.

    ``areas`` holds those of each frame, fitted to it; ``fill`` is the word that stands for black,
    per sample, in the frame as it is decoded; ``clear`` empties the bits that no value uses.
    ``recoding`` says how a changed frame is written.
    """

    shape: Shape
    areas: tuple[tuple[Area, ...], ...]
    fill: tuple[int, ...]
    clear: bool
    recoding: Recoding

    def changes(self, number: int) -> bool:
        """Say whether the frame with this index (from 0) is not written as it was."""
        return self.clear or bool(self.areas[number]) or not self.recoding.same

    def applied(self, frame: Frame, number: int) -> Frame:
        """Return a decoded frame as it may be released."""
        return painted(self.emptied(frame), self.areas[number], self.fill)

    def emptied(self, words: Frame) -> Frame:
        """Return words without what stands in the bits that no value uses, if that is to go."""
        return without_spare_bits(words, self.shape) if self.clear else words


def without_spare_bits(words: Frame, shape: Shape) -> Frame:
    """Return words whose spare bits are zero, or copies of the sign where values are signed."""
    values = values_of(words, shape).astype(np.int64) << (shape.high + 1 - shape.stored)
    return values.astype(words.dtype)


def persistent(found: Sequence[Sequence[Area]]) -> list[Area]:
    """Return the areas that were found in many frames at the same place.

    Text that a machine writes stands still while the picture under it moves: where it was found
    in a tenth of the frames, and twice at least, it is there in the others too.
    """
    needed = max(2, len(found) // 10)
    every = {area for areas in found for area in areas}
    if not every:
        return []
    extent = max(area.bottom for area in every), max(area.right for area in every)
    count = np.zeros(extent, np.uint32)
    for areas in found:
        covered = np.zeros(extent, np.bool_)
        for area in areas:
            covered[area.top : area.bottom, area.left : area.right] = True
        count += covered
    often = count >= needed
    # Where one frame's box is cut in two in the next one, both count for the pixels they share.
    stands = (a for a in every if often[a.top : a.bottom, a.left : a.right].mean() >= SAME)
    return sorted(stands, key=lambda area: (area.top, area.left, area.bottom, area.right))

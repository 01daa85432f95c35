"""Look for pictures in the bits of pixels that no value uses (PS3.5 section 8.1.1).

Older machines drew text into the bits above BitsStored, as overlays (PS3.3 C.9.2.1.1). Where the
header says so, the bits are emptied; copies of the sign bit are harmless; anything else may be a
picture or mean that BitsStored is wrong, and nobody can tell which.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import stored, tags
from imagehaven.dicom.pixels import Frame, Shape
from imagehaven.errors import Withheld

_BIT_POSITION = 0x0102


class SpareBits:
    """Watches what stands in the spare bits of the frames of one image."""

    def __init__(self, dataset: Dataset, shape: Shape, *, little: bool) -> None:
        self._value_bits = ((1 << shape.stored) - 1) << (shape.high + 1 - shape.stored)
        self._above = (1 << shape.bits) - (1 << (shape.high + 1))
        self._shape = shape
        self._overlays = 0
        for tag in tags(dataset):
            if _is_overlay(tag) and tag & 0xFFFF == _BIT_POSITION:
                found = stored(dataset, tag, little=little)
                value = found.value if found is not None else None
                if isinstance(value, bytes) and len(value) == 2:
                    bit = int.from_bytes(value, "little" if little else "big")
                    self._overlays |= (1 << bit if bit < shape.bits else 0) & ~self._value_bits
        self.used = False
        """Whether overlays stand in the bits, which have to be emptied."""

    @property
    def possible(self) -> bool:
        """Whether the words have bits that no value uses."""
        return self._shape.bits in (8, 16, 32) and self._shape.stored < self._shape.bits

    def see(self, words: Frame) -> None:
        """Look at one decoded frame.

        Raises :class:`Withheld` ``overlay`` when the bits hold what the header does not mention.
        """
        if not self.possible or words.dtype.kind == "f":
            return
        unsigned = words.astype(words.dtype.newbyteorder("=")).view(f"u{words.itemsize}")
        container = (1 << (8 * words.itemsize)) - 1
        left = unsigned & unsigned.dtype.type(container & ~self._value_bits)
        if not left.any():
            return
        sign = unsigned >> unsigned.dtype.type(self._shape.high) & 1
        signs = np.where(sign, unsigned.dtype.type(self._above & container), 0)
        drawn = left[(left != 0) & (left != signs)]
        if not drawn.size:
            return
        if (drawn & unsigned.dtype.type(container & ~self._overlays)).any():
            raise Withheld("overlay", "bits of the pixels that no value uses may show text")
        self.used = True


def _is_overlay(tag: int) -> bool:
    return 0x6000 <= tag >> 16 <= 0x60FF and tag >> 16 & 1 == 0

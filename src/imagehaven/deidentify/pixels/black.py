"""Which stored value is shown as black, so that what is blanked neither glares nor tells anything.

Grey images take the darkest value that they hold, padding included: it is as dark as the image
gets under every window, and it widens no histogram. MONOCHROME1 and a negative rescale slope turn
dark and bright around (PS3.3 C.7.6.3.1.2, C.11.1); a palette has its darkest entry.
"""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import text_of
from imagehaven.deidentify.pixels.palette import darkest_entry, palette_of
from imagehaven.dicom.pixels import Frame, Shape, values_of
from imagehaven.errors import Withheld

REASON: Final = "photometric-unknown"
_GREY: Final = frozenset(["MONOCHROME1", "MONOCHROME2"])
_PALETTE: Final = "PALETTE COLOR"


class Darkest:
    """Finds the word that is shown darkest, over all frames of an image that are given to it."""

    def __init__(self, dataset: Dataset, shape: Shape, photometric: str, *, little: bool) -> None:
        self._shape, self._photometric = shape, photometric
        self._bright_is_low = (photometric == "MONOCHROME1") != _falls(dataset)
        palette = palette_of(dataset, little=little) if photometric == _PALETTE else None
        self._palette = darkest_entry(palette) if palette else 0
        self._seen: tuple[int, int] | None = None

    def see(self, words: Frame) -> None:
        """Take one decoded frame into account."""
        if self._photometric not in _GREY or not words.size:
            return
        values = values_of(words, self._shape)
        place = int(values.argmax() if self._bright_is_low else values.argmin())
        found = int(values.flat[place])
        if self._seen is None or (found > self._seen[0]) == self._bright_is_low:
            self._seen = (found, int(words.flat[place]))

    def fill(self) -> tuple[int, ...]:
        """Return the word for black, per sample.

        Raises :class:`Withheld` ``photometric-unknown`` where nobody knows what black is.
        """
        half = 1 << (self._shape.stored - 1)
        if self._photometric in _GREY and self._shape.samples == 1:
            return ((self._seen or (0, 0))[1],)
        if self._photometric == _PALETTE and self._shape.samples == 1:
            return (self._palette,)
        if self._photometric in ("RGB", "YBR_FULL") and self._shape.samples == 3:
            return (0, 0, 0) if self._photometric == "RGB" else (0, half, half)
        raise Withheld(
            REASON, "it is not known which value of this photometric interpretation is black"
        )


def _falls(dataset: Dataset) -> bool:
    """Say whether a larger stored value means a smaller one after rescaling."""
    try:
        return float(text_of(dataset, 0x00281053) or "1") < 0
    except ValueError:
        return False

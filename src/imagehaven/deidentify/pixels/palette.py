"""The colour tables of PALETTE COLOR images (PS3.3 C.7.6.3.1.5, C.7.9)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import stored
from imagehaven.deidentify.pixels.text import Palette

_RED, _GREEN, _BLUE = (0x00281101, 0x00281201), (0x00281102, 0x00281202), (0x00281103, 0x00281203)
_ENTRIES: Final = 65536
"""What a descriptor means by zero entries."""


def palette_of(dataset: Dataset, *, little: bool) -> Palette | None:
    """Return the palette of an image; None when it has none, or one in segments or out of order."""
    channels = [_channel(dataset, *tags, little=little) for tags in (_RED, _GREEN, _BLUE)]
    red, green, blue = channels
    if red is None or green is None or blue is None:
        return None
    if not red[1].size or not red[1].shape == green[1].shape == blue[1].shape:
        return None
    return Palette(red[1], green[1], blue[1], red[0])


def darkest_entry(palette: Palette) -> int:
    """Return the stored value whose colour is darkest."""
    total = sum(table.astype(np.int64) for table in (palette.red, palette.green, palette.blue))
    return palette.first + int(np.asarray(total).argmin())


def _channel(
    dataset: Dataset, descriptor: int, table: int, *, little: bool
) -> tuple[int, npt.NDArray[Any]] | None:
    """Return the first value mapped, and the entries, of one colour."""
    order = "<" if little else ">"
    says, entries = (stored(dataset, tag, little=little) for tag in (descriptor, table))
    if says is None or entries is None:
        return None
    if not isinstance(says.value, bytes) or not isinstance(entries.value, bytes):
        return None
    if len(says.value) != 6 or len(entries.value) % 2:
        return None
    count, first, bits = (int(number) for number in np.frombuffer(says.value, f"{order}u2"))
    count = count or _ENTRIES
    narrow = bits == 8 and len(entries.value) < 2 * count
    return first, np.frombuffer(entries.value, "u1" if narrow else f"{order}u2")[:count]

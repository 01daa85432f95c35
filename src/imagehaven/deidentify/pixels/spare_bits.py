"""Look for pictures in the bits of native pixels that no value uses (PS3.5 section 8.1.1).

Older machines drew text into the bits above BitsStored, as overlays that a header may no longer
mention. Copies of the sign bit are there too, and harmless; anything else is withheld.
"""

from __future__ import annotations

from typing import BinaryIO, Final

import numpy as np

from imagehaven.deidentify.elements.stored import stored
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import decode_frames
from imagehaven.errors import Withheld

_ALLOCATED, _STORED, _HIGH = 0x00280100, 0x00280101, 0x00280102
_UNPACKED: Final = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99", ".5"))
_BIG: Final = "1.2.840.10008.1.2.2"


def check_spare_bits(stream: BinaryIO, header: Header) -> None:
    """Return when the bits outside BitsStored hold nothing; :class:`Withheld` ``overlay`` else."""
    if header.pixel_tag != 0x7FE00010 or header.transfer_syntax not in _UNPACKED:
        return
    allocated, used, high = (_number(header, tag) for tag in (_ALLOCATED, _STORED, _HIGH))
    if (
        not 0 < used < allocated
        or allocated not in (8, 16, 32)
        or not used <= high + 1 <= allocated
    ):
        return  # every bit is used, or the header makes no sense of them and viewers use them all
    unsigned = np.dtype(f"u{allocated // 8}")
    value_bits = ((1 << used) - 1) << (high + 1 - used)
    spare = unsigned.type((1 << allocated) - 1 - value_bits)
    above = unsigned.type((1 << allocated) - (1 << (high + 1)))
    for frame in decode_frames(stream, header):
        values = frame.astype(unsigned)  # of any byte order and sign
        left = values & spare
        signs = np.where(values >> high & 1, above, unsigned.type(0))
        if np.any((left != 0) & (left != signs)):
            raise Withheld("overlay", "bits of the pixels that no value uses may show text")


def _number(header: Header, tag: int) -> int:
    little = header.transfer_syntax != _BIG
    found = stored(header.dataset, tag, little=little)
    value = found.value if found is not None else None
    return int.from_bytes(value, "little" if little else "big") if isinstance(value, bytes) else 0

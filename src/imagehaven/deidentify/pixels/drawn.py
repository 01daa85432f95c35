"""Say whether somebody may have drawn on a scanner's picture, without reading it.

What a program draws has one value, the brightest of the frame, in many more pixels than any value
near it; what a scanner measures thins out towards its brightest. A picture that is taken to hold no
text, because a known scanner made it, is searched all the same where it has such a peak. A false
alarm, as of a picture whose values were cut off, costs a search.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from imagehaven.dicom.pixels import Frame, Shape, values_of

_FEWEST: Final = 40
"""Pixels of the brightest value that a short word needs."""

_NEAR: Final = 0.02
"""Values that are this share of the frame's range below the brightest come near it."""

_PEAK: Final = 8
"""As many times as the values near it, on average, the brightest value of a drawing occurs."""


def may_be_drawn_on(frames: Iterable[Frame], shape: Shape) -> bool:
    """Say whether the brightest value of a frame occurs in many pixels, and those near it do not.

    ``frames`` are decoded words; where a pixel has several samples this is not judged, but true.
    """
    if shape.samples > 1:
        return True
    return any(_has_peak(values_of(frame, shape)) for frame in frames)


def _has_peak(values: Frame) -> bool:
    brightest, darkest = int(values.max()), int(values.min())
    count = int(np.count_nonzero(values == brightest))
    if count < _FEWEST or brightest == darkest:
        return False
    step = max(1, int((brightest - darkest) * _NEAR))
    near = int(np.count_nonzero(values >= brightest - step)) - count
    return count > _PEAK * near / step

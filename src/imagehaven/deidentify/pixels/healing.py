"""Fill areas of a frame with what surrounds them, so that nothing new stands out there.

Blanked areas are black in what is released; but black boxes have edges and corners, in which a text
detector sees letters. A picture that is searched again has its areas filled smoothly instead: known
pixels are averaged over coarser and coarser grids until every cell has a value, and what is unknown
takes its value from the finest grid that has one ("pull-push", Gortler et al. 1996).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.areas import Area
from imagehaven.dicom.pixels import Frame

Floats = npt.NDArray[np.float32]


def healed(frame: Frame, areas: Iterable[Area]) -> Frame:
    """Return a copy of a decoded frame in which the areas continue their surroundings."""
    known = np.ones(frame.shape[:2], np.float32)
    for area in areas:
        known[area.top : area.bottom, area.left : area.right] = 0
    if known.all():
        return frame
    samples = frame.astype(np.float32).reshape(*known.shape, -1)
    filled = _filled(samples, known).reshape(frame.shape)
    if frame.dtype.kind in "iu":  # rounded at random, or the steps of a slow slope would be lines
        filled = np.floor(filled + np.random.default_rng(0).random(frame.shape, np.float32))
    blank = (known == 0).reshape(*known.shape, *([1] * (frame.ndim - 2)))
    new: Frame = np.where(blank, _within(filled, frame).astype(frame.dtype), frame)
    return new


def _within(filled: Floats, frame: Frame) -> npt.NDArray[np.float64]:
    """Return values between those that the frame has."""
    # Double precision, because single rounds the largest 32-bit numbers up to ones that are none.
    return np.clip(filled.astype(np.float64), float(frame.min()), float(frame.max()))


def _filled(samples: Floats, known: Floats) -> Floats:
    weight = known[..., np.newaxis]
    if known.all() or min(known.shape) <= 2:
        mean = (samples * weight).sum(axis=(0, 1)) / max(float(known.sum()), 1)
        return np.where(weight > 0, samples, mean.astype(np.float32))
    half = ((known.shape[1] + 1) // 2, (known.shape[0] + 1) // 2)
    total = _resized(samples * weight, half, cv2.INTER_AREA)
    count = _resized(weight, half, cv2.INTER_AREA)
    rough: Floats = (total / np.maximum(count, 1e-6)).astype(np.float32)
    coarse = _filled(rough, (count[..., 0] > 0).astype(np.float32))
    fine = _resized(coarse, (known.shape[1], known.shape[0]), cv2.INTER_LINEAR)
    return np.where(weight > 0, samples, fine)


def _resized(samples: Floats, size: tuple[int, int], how: int) -> Floats:
    made: npt.NDArray[Any] = cv2.resize(samples, size, interpolation=how)
    return np.asarray(made, np.float32).reshape(size[1], size[0], -1)

"""Show a decoded frame for the verifier's reader, and cut it to a size that bounds the cost.

Its own displays, apart from the de-identifier's: the header's window, the range that holds nearly
all pixels and the whole range (PS3.3 C.11.2), the palette and raw entries of PALETTE COLOR
(C.7.6.3.1.5), and RGB of YBR (C.7.6.3.1.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut

Frame = npt.NDArray[Any]
Image = npt.NDArray[np.uint8]

LONGEST: Final = 1280
"""Pixels of the longer side that a reader gets at most; the corners come at full size as well."""
_CORNER: Final = (384, 1024)
_SHORT: Final = 512
_LARGER: Final = 3.0
_SAME: Final = 6.0
"""Two displays whose grey levels differ less than this on average show the same."""


@dataclass(frozen=True)
class Piece:
    """A part of a display: where its left top corner stands in the frame, and its scale."""

    image: Image
    left: int = 0
    top: int = 0
    scale: float = 1.0


def displays(frame: Frame, photometric: str, bits: int, dataset: Dataset) -> list[Image]:
    """Return the displays, rows x columns x 3, of a decoded frame of values.

    ``photometric`` is that of the frame as decoded, ``bits`` its BitsStored.
    """
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = frame[..., 0]
    if frame.ndim == 3:
        return [_rgb(frame[..., :3], photometric, bits)]
    shown: list[Image] = []
    if photometric == "PALETTE COLOR" and (painted := _painted(frame, dataset)) is not None:
        shown.append(painted)
    values = np.nan_to_num(frame.astype(np.float32))
    for low, high in _ranges(values, dataset):
        grey = np.clip((values - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
        if photometric == "MONOCHROME1":
            grey = np.asarray(255 - grey, np.uint8)
        image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
        if not any(_same(image, other) for other in shown):
            shown.append(image)
    return shown


def _same(one: Image, other: Image) -> bool:
    step = np.abs(one[::3, ::3].astype(np.int16) - other[::3, ::3])
    return float(step.mean()) < _SAME


def _ranges(values: Frame, dataset: Dataset) -> Iterator[tuple[float, float]]:
    least, most = float(values.min()), float(values.max())
    if most <= least:
        return
    slope = _number(dataset, "RescaleSlope") or 1.0
    intercept = _number(dataset, "RescaleIntercept") or 0.0
    centre, width = (_number(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    if centre is not None and width:
        ends = sorted((centre + side * width / 2 - intercept) / slope for side in (-1, 1))
        low, high = max(ends[0], least), min(ends[1], most)
        if high > low:
            yield low, high
    low, high = (float(value) for value in np.percentile(values[::3, ::3], (1, 99)))
    if high > low:
        yield low, high
    yield least, most


def _number(dataset: Dataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    first = value[0] if isinstance(value, MultiValue) and len(value) else value
    try:
        number = float(str(first))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _rgb(frame: Frame, photometric: str, bits: int) -> Image:
    samples = frame.astype(np.float32) * (255 / (2 ** min(bits, 32) - 1))
    if photometric.startswith("YBR"):
        y, blue, red = samples[..., 0], samples[..., 1] - 128, samples[..., 2] - 128
        green = y - 0.344136 * blue - 0.714136 * red
        samples = np.stack([y + 1.402 * red, green, y + 1.772 * blue], axis=-1)
    return np.ascontiguousarray(np.clip(samples + 0.5, 0, 255).astype(np.uint8))


def _painted(frame: Frame, dataset: Dataset) -> Image | None:
    """Return the colours of a palette; None where its tables make no sense (raw entries stay)."""
    if frame.dtype.kind != "u":
        frame = np.clip(frame, 0, 65535).astype(np.uint16)
    try:
        painted = apply_color_lut(frame, dataset)
    except (ValueError, AttributeError, KeyError, TypeError, IndexError):
        return None
    wide = painted.dtype.itemsize > 1 and int(painted.max()) > 255
    return np.ascontiguousarray((painted >> 8 if wide else painted).astype(np.uint8)[..., :3])


def pieces(image: Image) -> Iterator[Piece]:
    """Yield a display at a size that can be read at bounded cost; large ones with their corners."""
    rows, columns = image.shape[:2]
    longer = max(rows, columns)
    if longer > LONGEST:
        yield _scaled(image, LONGEST / longer)
        high, wide = min(_CORNER[0], rows // 2), min(_CORNER[1], columns // 2)
        for top in (0, rows - high):
            for left in (0, columns - wide):
                part = image[top : top + high, left : left + wide]
                yield Piece(np.ascontiguousarray(part), left, top)
        return
    yield _scaled(image, min(_LARGER, _SHORT / longer)) if longer < _SHORT else Piece(image)


def _scaled(image: Image, scale: float) -> Piece:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    return Piece(np.asarray(cv2.resize(image, size, interpolation=how), np.uint8), scale=scale)

"""From a map of how likely each cell shows text to the boxes that are blanked.

A cell belongs to text when it is likely, or when it touches a likely cell and is not unlikely: the
faint end of a string counts because its strong start does. The box of an L-shaped or scattered
group would blank much picture, so such a group is cut until its boxes are mostly text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_FULL_ENOUGH: Final = 0.75
"""A box of which this share is text is not cut any further."""


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels that shows text: left, top, size, and how sure the detector is."""

    x: int
    y: int
    width: int
    height: int
    score: float = 1.0

    @property
    def right(self) -> int:
        """The first column to the right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the box."""
        return self.y + self.height


@dataclass(frozen=True)
class Cut:
    """How a map is cut into boxes: the two likelihoods, and the margin around the cells."""

    likely: float
    possible: float
    margin: float
    """Pixels on each side, whatever the size of the text."""
    margin_share: float = 0.0
    """And this share of the box's shorter side."""
    least_cells: int = 1


def boxes_of(likelihood: Map, shape: tuple[int, int], cut: Cut) -> list[Box]:
    """Return the boxes of the text in a frame of ``shape``, from a coarser map over all of it."""
    possible = likelihood >= cut.possible
    _, labels, stats, _ = cv2.connectedComponentsWithStats(possible.astype(np.uint8))
    found: list[Box] = []
    for label in range(1, len(stats)):
        left, top, width, height, cells = (int(value) for value in stats[label][:5])
        window = (slice(top, top + height), slice(left, left + width))
        own: Mask = labels[window] == label
        score = float(likelihood[window][own].max())
        if score < cut.likely or cells < cut.least_cells:
            continue
        for part in _compact_parts(own, left, top):
            found.append(_in_pixels(part, score, likelihood.shape, shape, cut))
    return found


def _compact_parts(mask: Mask, left: int, top: int) -> Iterable[tuple[int, int, int, int]]:
    """Yield left, top, right and bottom of rectangles that cover ``mask`` and little else."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    first, last = int(rows[0]), int(rows[-1]) + 1
    start, end = int(columns[0]), int(columns[-1]) + 1
    tight = mask[first:last, start:end]
    left, top = left + start, top + first
    height, width = tight.shape
    if tight.mean() >= _FULL_ENOUGH or max(height, width) <= 4:
        yield left, top, left + width, top + height
    elif height > width:
        middle = height // 2
        yield from _compact_parts(tight[:middle], left, top)
        yield from _compact_parts(tight[middle:], left, top + middle)
    else:
        middle = width // 2
        yield from _compact_parts(tight[:, :middle], left, top)
        yield from _compact_parts(tight[:, middle:], left + middle, top)


def _in_pixels(
    part: tuple[int, int, int, int],
    score: float,
    cells: tuple[int, ...],
    shape: tuple[int, int],
    cut: Cut,
) -> Box:
    down, across = shape[0] / cells[0], shape[1] / cells[1]
    left, top, right, bottom = part
    shorter = min((right - left) * across, (bottom - top) * down)
    margin = cut.margin + cut.margin_share * shorter
    x, y = max(0, int(left * across - margin)), max(0, int(top * down - margin))
    end = min(shape[1], int(np.ceil(right * across + margin)))
    last = min(shape[0], int(np.ceil(bottom * down + margin)))
    return Box(x, y, end - x, last - y, round(score, 4))


def covered(boxes: Iterable[Box], shape: tuple[int, ...]) -> Mask:
    """Return which pixels of a frame of ``shape`` lie in one of the boxes."""
    mask: npt.NDArray[Any] = np.zeros(shape[:2], dtype=np.bool_)
    for box in boxes:
        mask[box.y : box.bottom, box.x : box.right] = True
    return mask

"""Rectangles of pixels to blank, and how they are painted over in a decoded frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from imagehaven.dicom.pixels import Frame, Shape


@dataclass(frozen=True, order=True)
class Area:
    """A rectangle of pixels; ``right`` and ``bottom`` lie just outside it."""

    left: int
    top: int
    right: int
    bottom: int

    def holds(self, other: Area) -> bool:
        """Say whether all of ``other`` lies inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def share_in(self, other: Area) -> float:
        """Return which share of both areas together they have in common, from 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        common = max(0, width) * max(0, height)
        return common / (self.size + other.size - common) if common else 0.0

    @property
    def size(self) -> int:
        """The number of pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def fitted(areas: Iterable[Area], shape: Shape) -> tuple[Area, ...]:
    """Return the areas cut to the frame, sorted, each once; empty ones are dropped.

    Where two pixels share their colour (YBR_FULL_422), both of a pair are taken.
    """
    step = 2 if shape.subsampled else 1
    found: set[Area] = set()
    for area in areas:
        left, right = area.left - area.left % step, area.right + area.right % step
        cut = Area(
            max(0, left), max(0, area.top), min(shape.columns, right), min(shape.rows, area.bottom)
        )
        if cut.left < cut.right and cut.top < cut.bottom:
            found.add(cut)
    return tuple(sorted(found))


def outside(kept: Sequence[Area], shape: Shape) -> tuple[Area, ...]:
    """Return areas that cover every pixel of a frame that lies in none of ``kept``."""
    across = sorted({0, shape.columns, *(x for area in kept for x in (area.left, area.right))})
    down = sorted({0, shape.rows, *(y for area in kept for y in (area.top, area.bottom))})
    cells = (
        Area(left, top, right, bottom)
        for top, bottom in pairwise(down)
        for left, right in pairwise(across)
    )
    return tuple(cell for cell in cells if not any(area.holds(cell) for area in kept))


def painted(frame: Frame, areas: Iterable[Area], fill: Sequence[int]) -> Frame:
    """Return a copy of a decoded frame in which the areas have the value ``fill`` (per sample)."""
    new = frame.copy()
    for area in areas:
        new[area.top : area.bottom, area.left : area.right] = fill[0] if new.ndim == 2 else fill
    return new

"""Complete lines of text of which a part was found: the faint end, the gap between two words.

On a restless ground the detector may see a line's clear half well and the other barely. Where text
is known to be, less is asked of what continues it: within the rows of a box, to its left and right,
and within its columns, above and below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box, Map

_SURE: Final = 0.2
"""Only a line of which the detector is that sure is followed further."""
_CONTINUES: Final = 0.05
"""A cell of this likelihood continues a line."""
_STEP: Final = 0.25
"""What is less likely ends it, unless it goes on within this share of its height."""
_FARTHEST: Final = 3.0
"""A line goes on for at most this many times its height on either side."""
_GAP: Final = 0.7
"""Boxes of one line that are no further apart than this share of its height are joined."""
_ALIKE: Final = 0.5
"""Of the higher of two boxes of one line this share lies beside the other."""

Spans = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def completed(boxes: Sequence[Box], likelihood: Map, shape: tuple[int, int]) -> list[Box]:
    """Return the boxes, longer where their lines go on, and boxes for the gaps between them.

    A box that lies in another is left out.

    ``likelihood`` is the coarser map of the frame of ``shape`` in which they were found.
    """
    grown = [_grown(box, likelihood, shape) if box.score >= _SURE else box for box in boxes]
    return _outermost([*grown, *_gaps(grown)])


def _outermost(boxes: list[Box]) -> list[Box]:
    """Return the boxes but for those that lie in another whole."""
    ends = np.array([(-box.x, -box.y, box.right, box.bottom) for box in boxes]).reshape(-1, 4)
    within: Marks = np.logical_and.reduce(ends[:, None] <= ends[None], axis=2)  # row in column
    same = within & within.T
    first: Marks = np.tril(same, -1)
    swallowed: Marks = np.logical_or.reduce((within & ~same) | first, axis=1)
    return [box for box, gone in zip(boxes, swallowed, strict=True) if not gone]


def _grown(box: Box, likelihood: Map, shape: tuple[int, int]) -> Box:
    down, across = likelihood.shape[0] / shape[0], likelihood.shape[1] / shape[1]
    top, bottom = _middle(box.y * down, box.bottom * down)
    left, right = _middle(box.x * across, box.right * across)
    x, end, y, last = box.x, box.right, box.y, box.bottom
    if box.width >= 0.8 * box.height:
        line = likelihood[top:bottom].max(axis=0) >= _CONTINUES
        before, after = _reach(line, left, right, box.height * across)
        x, end = x - round(before / across), end + round(after / across)
    if box.height >= 0.8 * box.width:
        line = likelihood[:, left:right].max(axis=1) >= _CONTINUES
        before, after = _reach(line, top, bottom, box.width * down)
        y, last = y - round(before / down), last + round(after / down)
    x, y = max(0, x), max(0, y)
    return Box(x, y, min(shape[1], end) - x, min(shape[0], last) - y, box.score)


def _middle(start: float, end: float) -> tuple[int, int]:
    """Return the cells within a span without its margins: one at least."""
    first, last = int(np.ceil(start + 0.75)), int(end - 0.75)
    return (first, last) if last > first else (int((start + end) / 2), int((start + end) / 2) + 1)


def _reach(line: Marks, start: int, end: int, height: float) -> tuple[int, int]:
    """Return how many cells a line goes on before ``start`` and from ``end`` on."""
    step, most = max(1, round(_STEP * height)), int(_FARTHEST * height)
    before = line[max(0, start - most) : start][::-1]
    return _run(before, step), _run(line[end : end + most], step)


def _run(cells: Marks, step: int) -> int:
    """Return how far set cells reach from the start; up to ``step`` unset ones do not end it."""
    places = np.flatnonzero(cells)
    breaks = np.flatnonzero(np.diff(places, prepend=-1) > step + 1)
    kept = places[: breaks[0]] if breaks.size else places
    return int(kept[-1]) + 1 if kept.size else 0


def _gaps(boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield a box for each gap between two boxes of one line, upright or on its side."""
    if len(boxes) < 2:
        return
    upright = np.array([(box.x, box.right, box.y, box.bottom) for box in boxes])
    for spans, turned in ((upright, False), (upright[:, [2, 3, 0, 1]], True)):
        for one, other in zip(*_neighbours(spans), strict=True):
            start, end = int(spans[one, 1]), int(spans[other, 0])
            first = int(min(spans[one, 2], spans[other, 2]))
            last = int(max(spans[one, 3], spans[other, 3]))
            score = min(boxes[one].score, boxes[other].score)
            if turned:
                yield Box(first, start, last - first, end - start, score)
            else:
                yield Box(start, first, end - start, last - first, score)


def _neighbours(spans: Spans) -> tuple[Spans, Spans]:
    """Return pairs of boxes (start, end, top, bottom) of a line: the second begins after the first.

    Both are as high, roughly, and the gap is no wider than that.
    """
    start, end, top, bottom = spans.T
    height = bottom - top
    gap = start[None, :] - end[:, None]
    beside = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    higher, lower = np.maximum(height[:, None], height), np.minimum(height[:, None], height)
    pairs = (gap > 0) & (gap <= _GAP * lower) & (beside >= _ALIKE * higher)
    first, second = np.nonzero(pairs)
    return first, second

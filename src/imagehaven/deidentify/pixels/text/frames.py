"""Find text in every frame of an instance without looking at what stands still.

In a cine the overlay stays and the anatomy moves. A frame is compared, in blocks, with the one
before it: where no value of a block changed, the boxes found before still hold; the blocks that did
change are looked at again, with the text that reaches into them. So text that only one frame shows
is found, because it changed values. Nothing is saved in a stack of slices, where all changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box
from imagehaven.deidentify.pixels.text.detector import find_text
from imagehaven.deidentify.pixels.text.displays import Displayed, Rendering, displays
from imagehaven.deidentify.pixels.text.planes import together

_BLOCK: Final = 32
_CONTEXT: Final = 64
"""Pixels around a changed block that the detector sees with it."""
_MOST: Final = 0.5
"""From this share of changed picture on, the whole frame is looked at."""

Stored = npt.NDArray[Any]
Blocks = npt.NDArray[np.bool_]


def find_text_in_frames(
    frames: Iterable[Stored], how: Rendering | None = None
) -> Iterator[list[Box]]:
    """Yield the boxes of all text of each decoded frame, in all its :func:`displays`.

    ``frames`` are arrays of stored values; boxes of several displays may overlap.
    """
    before: Stored | None = None
    boxes: list[Box] = []
    for frame in frames:
        changed = _changed_blocks(frame, before)
        for box in boxes:  # text that any change touches is looked for again, as a whole
            if changed[_blocks_of(box)].any():
                changed[_blocks_of(box)] = True
        kept = [box for box in boxes if not changed[_blocks_of(box)].any()]
        found = _in_changed(together(displays(frame, how)), changed) if changed.any() else []
        boxes = list(dict.fromkeys(kept + found))
        before = frame
        yield list(boxes)


def _in_changed(shown: list[Displayed], changed: Blocks) -> list[Box]:
    if changed.mean() > _MOST:
        return [box for one in shown for box in find_text(one)]
    return [box for one in shown for place in _places(changed) for box in _within(one, *place)]


def _changed_blocks(frame: Stored, before: Stored | None) -> Blocks:
    """Return the blocks in which any value changed; all of them where nothing can be compared."""
    rows, columns = (-(-side // _BLOCK) for side in frame.shape[:2])
    if before is None or before.shape != frame.shape:
        return np.ones((rows, columns), np.bool_)
    moved: Stored = np.not_equal(frame, before)
    if moved.ndim == 3:
        moved = np.logical_or.reduce(moved, axis=-1)
    down, across = -moved.shape[0] % _BLOCK, -moved.shape[1] % _BLOCK
    padded = np.pad(moved, ((0, down), (0, across)))
    in_blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK)
    blocks: Blocks = np.logical_or.reduce(in_blocks, axis=(1, 3))
    return blocks


def _blocks_of(box: Box) -> tuple[slice, slice]:
    return (
        slice(box.y // _BLOCK, -(-box.bottom // _BLOCK)),
        slice(box.x // _BLOCK, -(-box.right // _BLOCK)),
    )


def _places(changed: Blocks) -> Iterator[tuple[int, int, int, int]]:
    """Yield left, top, right and bottom, in pixels, of each group of changed blocks."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8))
    for label in range(1, count):
        left, top, width, height = (int(value) * _BLOCK for value in stats[label][:4])
        yield left, top, left + width, top + height


def _within(shown: Displayed, left: int, top: int, right: int, bottom: int) -> Iterator[Box]:
    """Yield the boxes, in the whole display, that reach into a part of it."""
    x, y = max(0, left - _CONTEXT), max(0, top - _CONTEXT)
    part = np.ascontiguousarray(shown[y : bottom + _CONTEXT, x : right + _CONTEXT])
    for box in find_text(part):
        found = Box(box.x + x, box.y + y, box.width, box.height, box.score)
        if found.x < right and found.right > left and found.y < bottom and found.bottom > top:
            yield found

"""Find text in one frame as displayed, whatever it says.

The house's own small network looks at every pixel, at full size and at half; it was trained on
strings drawn over real and synthetic backgrounds (``training/text_detector``), bright on dark and
dark on bright, so polarity does not matter. Large frames are read in tiles, so that memory does not
grow with them. A box of which it is not sure is looked at again by the reader's network.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box, Cut, Map, boxes_of
from imagehaven.deidentify.pixels.text.networks import ours
from imagehaven.deidentify.pixels.text.second_look import confirmed

Frame = npt.NDArray[np.uint8]

CELL: Final = 4
"""Pixels of the frame, each way, that one cell of the map stands for."""
_MULTIPLE: Final = 32
_LARGEST_TILE: Final = 1152
_OVERLAP: Final = 64
"""Pixels that tiles share, so that every character is whole in one of them."""
_LONG_SIDE: Final = 2200
_LEAST_SCALE: Final = 0.85
_CUT: Final = Cut(likely=0.12, possible=0.12, margin=3, margin_share=0.08)
_COARSE_DISCOUNT: Final = 0.1
"""Halving turns fine anatomy into something like letters: large text must be clearer to count."""


def find_text(frame: Frame) -> list[Box]:
    """Return the boxes of all text in ``frame``: rows x columns (x 3), uint8, as displayed.

    Boxes cover whole glyphs with a margin. Raises :class:`ValueError` for another shape or type.
    """
    return confirmed(frame, boxes_of(likelihood_of(frame), frame.shape[:2], _CUT))


def likelihood_of(frame: Frame) -> Map:
    """Return how likely each cell, of about 4 x 4 pixels, shows text; together they are the frame.

    Raises :class:`ValueError` for another shape or type.
    """
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or frame.shape[2:] not in ((), (3,)):
        raise ValueError("a displayed frame is rows x columns, or rows x columns x 3, of uint8")
    frame = _reduced(frame)
    fine = _at_one_size(frame)
    if min(frame.shape[:2]) < 4 * _MULTIPLE:
        return fine
    rows, columns = frame.shape[:2]
    half = cv2.resize(frame, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    coarse = _at_one_size(np.asarray(half, np.uint8))
    twice = cv2.resize(coarse, fine.shape[::-1], interpolation=cv2.INTER_NEAREST)
    found: Map = np.maximum(fine, twice - np.float32(_COARSE_DISCOUNT))
    return found


def _reduced(frame: Frame) -> Frame:
    """Return a frame beyond the usual sizes a little smaller, as its text is larger, too."""
    rows, columns = frame.shape[:2]
    scale = max(_LEAST_SCALE, _LONG_SIDE / max(rows, columns))
    if scale >= 1:
        return frame
    size = (round(columns * scale), round(rows * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _at_one_size(frame: Frame) -> Map:
    rows, columns = frame.shape[:2]
    found = np.zeros((-(-rows // CELL), -(-columns // CELL)), np.float32)
    for top, bottom in _spans(rows):
        for left, right in _spans(columns):
            cells = _run(frame[top:bottom, left:right])
            place = found[top // CELL :, left // CELL :][: cells.shape[0], : cells.shape[1]]
            np.maximum(place, cells, out=place)
    return found


def _spans(length: int) -> list[tuple[int, int]]:
    """Return where tiles of about one size start and end that overlap and cover ``length``."""
    count = max(1, -(-(length - _OVERLAP) // (_LARGEST_TILE - _OVERLAP)))
    step = -(-(length - _OVERLAP) // (count * CELL)) * CELL
    starts = [number * step for number in range(count)]
    return [(start, min(length, start + step + _OVERLAP)) for start in starts]


def _run(tile: Frame) -> Map:
    rows, columns = tile.shape[:2]
    down, across = -rows % _MULTIPLE, -columns % _MULTIPLE
    down += _MULTIPLE * (rows <= _MULTIPLE)
    across += _MULTIPLE * (columns <= _MULTIPLE)
    padded = cv2.copyMakeBorder(tile, 0, down, 0, across, cv2.BORDER_REPLICATE)
    planes: npt.NDArray[Any] = np.asarray(padded, np.float32)
    planes = np.stack([planes] * 3) if planes.ndim == 2 else planes.transpose(2, 0, 1)
    (likelihood,) = ours().run(None, {"frame": np.ascontiguousarray(planes)[None]})
    whole: Map = likelihood[0, 0, : -(-rows // CELL), : -(-columns // CELL)]
    return whole

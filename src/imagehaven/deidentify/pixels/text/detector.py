"""Find text in one frame as displayed, whatever it says.

The house's own small network looks at every pixel, at full size and at half, and at small frames
enlarged; it was trained on strings drawn over real and synthetic backgrounds
(``training/text_detector``), bright on dark and dark on bright, so polarity does not matter. Large
frames are read in tiles, so that memory does not grow with them; what is one plain colour is left
out. A box of which it is not sure is looked at again by the reader's network.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box, Cut, Map, boxes_of
from imagehaven.deidentify.pixels.text.lines import completed
from imagehaven.deidentify.pixels.text.networks import ours
from imagehaven.deidentify.pixels.text.second_look import confirmed

Frame = npt.NDArray[np.uint8]

CELL: Final = 4
"""Pixels of the frame, each way, that one cell of the map stands for."""
_MULTIPLE: Final = 32
_LARGEST_TILE: Final = 1152
_OVERLAP: Final = 64
"""Pixels that tiles share, so that every character is whole in one of them."""
_MARGIN: Final = 2
"""Pixels around a tile that the network's first convolution reaches."""
_LONG_SIDE: Final = 2200
_LEAST_SCALE: Final = 0.85
_WANTED_SIDE: Final = 960
_MOST_ENLARGED: Final = 2.0
"""Frames whose longer side is shorter are enlarged, their letters having few pixels."""
_LEAST_ENLARGED: Final = 32
"""But for those with fewer rows or columns, in which letters and noise look the same."""
_CUT: Final = Cut(likely=0.1, possible=0.1, margin=4, margin_share=0.08)
_COARSE_DISCOUNT: Final = 0.1
"""Halving turns fine anatomy into something like letters: large text must be clearer to count."""


def find_text(frame: Frame) -> list[Box]:
    """Return the boxes of all text in ``frame``: rows x columns (x 3), uint8, as displayed.

    Boxes cover whole glyphs with a margin. Raises :class:`ValueError` for another shape or type.
    """
    likelihood, shape = likelihood_of(frame), frame.shape[:2]
    return completed(confirmed(frame, boxes_of(likelihood, shape, _CUT)), likelihood, shape)


def likelihood_of(frame: Frame) -> Map:
    """Return how likely each cell, of about 4 x 4 pixels, shows text; together they are the frame.

    Raises :class:`ValueError` for another shape or type.
    """
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or frame.shape[2:] not in ((), (3,)):
        raise ValueError("a displayed frame is rows x columns, or rows x columns x 3, of uint8")
    frame = _resized(frame)
    fine = _at_one_size(frame)
    if min(frame.shape[:2]) < 4 * _MULTIPLE:
        return fine
    rows, columns = frame.shape[:2]
    half = cv2.resize(frame, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    coarse = _at_one_size(np.asarray(half, np.uint8))
    twice = cv2.resize(coarse, fine.shape[::-1], interpolation=cv2.INTER_NEAREST)
    found: Map = np.maximum(fine, twice - np.float32(_COARSE_DISCOUNT))
    return found


def _resized(frame: Frame) -> Frame:
    """Return a large frame a little smaller, as its text is larger, too, and a small one larger."""
    rows, columns = frame.shape[:2]
    longer, shorter = max(rows, columns), min(rows, columns)
    if longer < _WANTED_SIDE and shorter >= _LEAST_ENLARGED:
        scale, way = min(_MOST_ENLARGED, _WANTED_SIDE / longer), cv2.INTER_CUBIC
    elif longer > _LONG_SIDE:
        scale, way = max(_LEAST_SCALE, _LONG_SIDE / longer), cv2.INTER_AREA
    else:
        return frame
    size = (round(columns * scale), round(rows * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=way), np.uint8)


def _at_one_size(frame: Frame) -> Map:
    rows, columns = frame.shape[:2]
    found = np.zeros((-(-rows // CELL), -(-columns // CELL)), np.float32)
    for top, bottom in _spans(rows):
        for left, right in _spans(columns):
            tile = frame[top:bottom, left:right]
            down, across = _varied(tile)
            if down.stop == 0:
                continue
            cells = _run(tile[down, across])
            y, x = (top + down.start) // CELL, (left + across.start) // CELL
            place = found[y:, x:][: cells.shape[0], : cells.shape[1]]
            np.maximum(place, cells, out=place)
    return found


def _spans(length: int) -> list[tuple[int, int]]:
    """Return where tiles of about one size start and end that overlap and cover ``length``."""
    count = max(1, -(-(length - _OVERLAP) // (_LARGEST_TILE - _OVERLAP)))
    step = -(-(length - _OVERLAP) // (count * CELL)) * CELL
    starts = [number * step for number in range(count)]
    return [(start, min(length, start + step + _OVERLAP)) for start in starts]


def _varied(tile: Frame) -> tuple[slice, slice]:
    """Return the rows and columns of a tile beyond which it is one plain colour, in whole cells."""
    rows, columns = tile.shape[:2]
    changes = tile.reshape(rows, -1) != np.tile(tile[0, 0].ravel(), columns)
    by_column = np.logical_or.reduce(changes, axis=0).reshape(columns, -1)
    spans = []
    for varies in (changes.any(axis=1), by_column.any(axis=1)):
        places = np.flatnonzero(varies)
        if not places.size:
            return slice(0, 0), slice(0, 0)
        start = max(0, int(places[0]) - _OVERLAP) // CELL * CELL
        spans.append(slice(start, min(len(varies), int(places[-1]) + 1 + _OVERLAP)))
    return spans[0], spans[1]


def _run(tile: Frame) -> Map:
    rows, columns = tile.shape[:2]
    down, across = -rows % _MULTIPLE, -columns % _MULTIPLE
    down += _MULTIPLE * (rows <= _MULTIPLE)
    across += _MULTIPLE * (columns <= _MULTIPLE)
    edges = (_MARGIN, down + _MARGIN, _MARGIN, across + _MARGIN)
    padded = cv2.copyMakeBorder(tile, *edges, cv2.BORDER_REPLICATE)
    planes = np.empty((1, 3, *padded.shape[:2]), np.float32)
    planes[0] = padded if padded.ndim == 2 else padded.transpose(2, 0, 1)
    (likelihood,) = ours().run(None, {"frame": planes})
    whole: Map = likelihood[0, 0, : -(-rows // CELL), : -(-columns // CELL)]
    return whole

"""How text is found in the frames of one instance: what they look like, and what is harmless."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import texts_of
from imagehaven.deidentify.pixels.areas import Area
from imagehaven.deidentify.pixels.palette import palette_of
from imagehaven.deidentify.pixels.search import Reader
from imagehaven.deidentify.pixels.text import (
    Box,
    Rendering,
    displays,
    find_text_in_frames,
    read_text,
)
from imagehaven.deidentify.text import is_harmless, known_people
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Frame, Shape, values_of

_WIDEST_LETTER: Final = 1.2
"""Letters are hardly ever wider than their line is high."""
Shown = npt.NDArray[np.uint8]

_PAGE: Final = 24
"""More pieces of text than this make a page, which is blanked without being read."""
SURE: Final = 0.9
"""How sure, from 0 to 1, every character must be of what may stay."""
_GUESS: Final = 0.5
"""And of what counts as something to be read."""
_SMALLEST_LETTER: Final = 5
"""Fewer rows of pixels make no letter."""
_CENTRE, _WIDTH, _INTERCEPT, _SLOPE = 0x00281050, 0x00281051, 0x00281052, 0x00281053


def reader_of(header: Header, shape: Shape, photometric: str) -> Reader:
    """Return how to find text in the decoded frames of an instance.

    ``photometric`` is that of the frames as decoded.
    """
    return reader_for(header.dataset, shape, rendering_of(header, shape, photometric))


def reader_for(dataset: Dataset, shape: Shape, rendering: Rendering) -> Reader:
    """Return how to find text in frames of ``shape`` that are shown in one way.

    ``dataset`` is the source's, whose people nothing that stays may name.
    """
    cv2.setNumThreads(1)  # workers are processes: threads of their own would only be in the way
    people = known_people(dataset)

    def find(frames: Iterable[Frame]) -> Iterator[list[Area]]:
        shown = (values_of(frame, shape) for frame in frames)
        if min(shape.rows, shape.columns) < _SMALLEST_LETTER:
            yield from ([] for _ in shown)
            return
        for boxes in find_text_in_frames(shown, rendering):
            yield [Area(box.x, box.y, box.right, box.bottom) for box in boxes]

    def shown(frame: Frame) -> list[Shown]:
        return displays(values_of(frame, shape), rendering)

    def harmless(frame: Frame, areas: Sequence[Area]) -> list[bool]:
        boxes = [_box(area) for area in areas]
        if len(boxes) > _PAGE:
            return [False] * len(boxes)
        return _harmless(boxes, shown(frame), lambda text: is_harmless(text, people))

    def legible(frame: Frame, areas: Sequence[Area]) -> bool:
        boxes = [_box(area) for area in areas]
        return any(
            _says_something(text)
            for one in shown(frame)
            for box in boxes
            for text in read_text(one, [box], least=_GUESS)
        )

    return Reader(find, harmless, legible)


def _box(area: Area) -> Box:
    return Box(area.left, area.top, area.right - area.left, area.bottom - area.top)


def _says_something(text: str) -> bool:
    """Say whether more than one letter or digit was read: edges are taken for a single one."""
    return sum(character.isalnum() for character in text) > 1


def _harmless(
    boxes: Sequence[Box], shown: Sequence[Shown], is_harmless: Callable[[str], bool]
) -> list[bool]:
    """Say which boxes are read in some rendering, and say nothing about anybody in any."""
    stays: dict[int, bool] = dict.fromkeys(range(len(boxes)), False)
    for one in shown:  # what one rendering tells about somebody is not read in the others
        texts = read_text(one, [boxes[place] for place in stays], least=SURE)
        for place, text in zip(list(stays), texts, strict=True):
            if text.strip() and not (_fills(boxes[place], text) and is_harmless(text)):
                del stays[place]
            elif text.strip():
                stays[place] = True
    return [stays.get(place, False) for place in range(len(boxes))]


def _fills(box: Box, text: str) -> bool:
    """Say whether a text is as long as its box, or the box holds more than was read."""
    longer, shorter = max(box.width, box.height), min(box.width, box.height)
    return longer <= (len(text.strip()) + 1) * _WIDEST_LETTER * shorter


def rendering_of(header: Header, shape: Shape, photometric: str) -> Rendering:
    """Return what the header says about how a frame is shown."""
    dataset = header.dataset
    little = header.transfer_syntax != EXPLICIT_BIG
    centres, widths = _numbers(dataset, _CENTRE), _numbers(dataset, _WIDTH)
    slopes, intercepts = _numbers(dataset, _SLOPE), _numbers(dataset, _INTERCEPT)
    return Rendering(
        photometric=photometric,
        bits_stored=shape.stored,
        windows=tuple(zip(centres, widths, strict=False)),
        slope=slopes[0] if slopes else 1.0,
        intercept=intercepts[0] if intercepts else 0.0,
        palette=palette_of(dataset, little=little) if photometric == "PALETTE COLOR" else None,
    )


def _numbers(dataset: Dataset, tag: int) -> list[float]:
    """Return the numbers of a DS element, none when one of them is no finite number."""
    try:
        found = [float(text) for text in texts_of(dataset, tag)]
    except ValueError:
        return []
    return found if all(isfinite(number) for number in found) else []

"""Search every frame for text, blank what is found, and search again what is left.

Text is blanked because it is found, not because it is read and recognised as a name. Reading serves
to keep what is proven harmless: a side marker, a scale, the values of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imagehaven.deidentify.pixels.areas import Area, fitted
from imagehaven.deidentify.pixels.healing import healed
from imagehaven.deidentify.pixels.policy import Plan
from imagehaven.deidentify.pixels.redaction import SAME, persistent
from imagehaven.dicom.pixels import Frame
from imagehaven.errors import Withheld

REASON: Final = "text-remains"
ROUNDS: Final = 2
"""How often what is found is blanked before text that is still there withholds the instance."""

_LEFT: Final = 0.3
"""The share of a found area that must lie outside of what is blank."""


@dataclass(frozen=True)
class Reader:
    """How text is found in decoded frames.

    ``find`` takes all frames, in order, and yields the areas of text in each as it comes;
    ``harmless`` says of some areas of one frame whether what they say may stay, and ``legible``
    whether any of them says something.
    """

    find: Callable[[Iterable[Frame]], Iterator[list[Area]]]
    harmless: Callable[[Frame, Sequence[Area]], list[bool]]
    legible: Callable[[Frame, Sequence[Area]], bool]


@dataclass(frozen=True)
class Found:
    """The areas to blank in each frame, and whether anything at all was found, harmless or not."""

    areas: tuple[tuple[Area, ...], ...]
    anything: bool


def search(frames: Callable[[], Iterator[Frame]], plan: Plan, reader: Reader) -> Found:
    """Return what is to be blanked in each frame, the areas of ``plan`` among it.

    What was found is filled with its surroundings before the frame is searched again, and what is
    found then and cannot be read is blanked as well.

    ``frames`` decodes the instance from its first frame whenever it is called. Raises
    :class:`Withheld` ``text-remains`` when there is still something to be read after two rounds.
    """
    areas = [plan.areas] * plan.shape.frames
    kept: list[list[Area]] = [[] for _ in areas]
    anything = bool(plan.areas) and any(_hides_something(one, plan.areas) for one in frames())
    for turn in range(ROUNDS + 1):
        fresh: list[list[Area]] = []
        for found, frame in _round(frames(), areas, kept, reader, first=turn == 0):
            if turn == ROUNDS and found and reader.legible(frame, found):
                raise Withheld(REASON, "text is still found after what was found was blanked twice")
            fresh.append(found)
        anything = anything or any(fresh) or any(kept)
        if not any(fresh):
            break
        everywhere = persistent(fresh)
        areas = [
            fitted((*known, *found, *everywhere), plan.shape)
            for known, found in zip(areas, fresh, strict=True)
        ]
    return Found(tuple(areas), anything)


def _round(
    frames: Iterator[Frame],
    areas: Sequence[Sequence[Area]],
    kept: list[list[Area]],
    reader: Reader,
    *,
    first: bool,
) -> Iterator[tuple[list[Area], Frame]]:
    """Yield the text that is left in each frame, with the frame; note in ``kept`` what may stay."""
    current: list[Frame] = []

    def left() -> Iterator[Frame]:
        for frame, blank in zip(frames, areas, strict=True):
            current[:] = [healed(frame, blank)]
            yield current[0]

    for number, found in enumerate(reader.find(left())):
        new = [
            area
            for area in found
            if not _is_among(area, kept[number]) and _is_left(area, areas[number])
        ]
        # Only what the picture itself shows can be proven harmless, not what is left of it.
        may_stay = reader.harmless(current[0], new) if new and first else [False] * len(new)
        fresh = [area for area, stays in zip(new, may_stay, strict=True) if not stays]
        kept[number] += [area for area, stays in zip(new, may_stay, strict=True) if stays]
        # What is blanked takes with it what it touches: half a marker is no marker.
        kept[number] = [
            area for area in kept[number] if not any(area.share_in(other) for other in fresh)
        ]
        yield fresh, current[0]


def _is_left(area: Area, blank: Sequence[Area]) -> bool:
    """Say whether enough of a found area is not blank yet: what was filled in says nothing."""
    left = np.ones((area.bottom - area.top, area.right - area.left), np.bool_)
    for other in blank:
        rows = slice(max(0, other.top - area.top), max(0, other.bottom - area.top))
        left[rows, max(0, other.left - area.left) : max(0, other.right - area.left)] = False
    return bool(left.mean() > _LEFT)


def _is_among(area: Area, kept: Sequence[Area]) -> bool:
    return any(other.holds(area) or area.share_in(other) >= SAME for other in kept)


def _hides_something(frame: Frame, areas: Sequence[Area]) -> bool:
    """Say whether blanking areas takes more than plain colours away."""
    pixels = frame if frame.ndim == 3 else frame[:, :, np.newaxis]
    for area in areas:
        part = pixels[area.top : area.bottom, area.left : area.right]
        if (part != part[0, 0]).any():
            return True
    return False

"""Look again at the boxes of which the detector is not sure: can the reader make letters of them?

A trabecula or a speck of noise resembles a small, faint letter. A box stays when the detector is
sure of it, when the reader's sureness makes up for what the detector's lacks, or when it touches
one that stays: the faint end of a string belongs to its strong start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box
from imagehaven.deidentify.pixels.text.reader import sureness

SURE: Final = 0.95
"""From this likelihood on a box stays without being read."""
ENOUGH: Final = 1.1
"""What a box's likelihood and the weighted sureness of its reading add up to at least."""
READING: Final = 1.5
"""The weight of that sureness, which is that of the least sure character."""


def confirmed(frame: npt.NDArray[Any], boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes that show text, in order; ``frame`` is the one they were found in."""
    stays = {place for place, box in enumerate(boxes) if box.score >= SURE}
    stays = _with_touching(stays, boxes)
    for place, box in enumerate(boxes):
        if place not in stays and box.score + READING * sureness(frame, box) >= ENOUGH:
            stays = _with_touching(stays | {place}, boxes)
    return [boxes[place] for place in sorted(stays)]


def _with_touching(stays: Iterable[int], boxes: Sequence[Box]) -> set[int]:
    """Return those places and the places of all boxes that touch them, at one remove or more."""
    found, fresh = set(stays), list(stays)
    while fresh:
        box = boxes[fresh.pop()]
        for place, other in enumerate(boxes):
            if place not in found and _touch(box, other):
                found.add(place)
                fresh.append(place)
    return found


def _touch(one: Box, other: Box) -> bool:
    across = one.x < other.right and other.x < one.right
    return across and one.y < other.bottom and other.y < one.bottom

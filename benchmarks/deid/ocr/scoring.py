"""What was covered, what was blanked in vain, and how long it took."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.deid.ocr.pictures import Picture
from benchmarks.deid.ocr.planting import Planted
from benchmarks.deid.ocr.strings import words
from benchmarks.deid.ocr.systems import System

Array = npt.NDArray[Any]

COVERED = 0.9
"""The share of a string's glyph pixels that must be blanked."""
SIDE, TELLING = "a lone L or R", "anything else"
"""What a string says: which side is shown, or something that has to be covered."""
_INK = 0.5
_ROUND = 0.6
"""Around a string, this share of its size is not counted as needless."""


@dataclass
class Score:
    """Strings by key (``all``, ``legible``, ``size 12``, ...), areas and times of one system."""

    strings: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[Picture, Planted, float]] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    in_vain: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def add(score: Score, picture: Picture, mask: Array) -> None:
    """Add what a system blanked in a picture."""
    for one in picture.planted:
        ink = one.ink > _INK
        if not ink.any():  # strokes thinner than a pixel: what is darkest of them
            ink = one.ink >= 0.8 * one.ink.max()
        share = float(mask[one.rows, one.columns][ink].mean())
        for key in keys(picture, one):
            score.strings[key] += 1
            score.covered[key] += share >= COVERED
        if share < COVERED:
            score.missed.append((picture, one, share))
    if picture.background.text_free:
        score.beside.append(float((mask & ~_near(picture)).mean()))


def keys(picture: Picture, one: Planted) -> Iterator[str]:
    """Yield every group of the tables that a string belongs to."""
    yield "all"
    groups = {
        "size": f"{one.size:2d} px",
        "contrast": f"{one.contrast:3d}",
        "turned": f"{one.orientation}°",
        "polarity": "bright" if one.bright else "dark (inverted)",
        "modality": picture.background.modality,
        "photometric": picture.photometric,
        "face": one.face,
        "length": "one to three characters" if len(one.text) < 4 else "longer",
        "says": SIDE if one.text in words()["sides"] else TELLING,
        "background": "seen in another encoding" if picture.background.seen else "never seen",
    }
    for group, value in groups.items():
        yield f"{group}: {value}"
    if one.legible:
        yield "legible"
        for group, value in groups.items():
            yield f"legible {group}: {value}"


def _near(picture: Picture) -> Array:
    near = np.zeros(picture.shown.shape[:2], np.uint8)
    for one in picture.planted:
        margin = int(_ROUND * one.size) + 4
        cv2.rectangle(
            near,
            (one.columns.start - margin, one.rows.start - margin),
            (one.columns.stop + margin, one.rows.stop + margin),
            1,
            -1,
        )
    return near > 0


def measure(
    systems: list[System], shown: list[Picture], bare: list[Picture], repeats: int
) -> dict[str, Score]:
    """Ask all systems about each picture in turn; ``bare`` are frames without any text."""
    scores = {system.name: Score() for system in systems}
    for picture in shown:
        spent: dict[str, list[float]] = defaultdict(list)
        for turn in range(repeats):
            for system in systems:
                mask, milliseconds = system.find(picture)
                spent[system.name].append(milliseconds)
                if not turn:
                    add(scores[system.name], picture, mask)
        for name, values in spent.items():
            scores[name].times[picture.background.modality].append(statistics.median(values))
    for picture in bare:
        for system in systems:
            share = float(system.find(picture)[0].mean())
            scores[system.name].in_vain[picture.background.modality].append(share)
    return scores

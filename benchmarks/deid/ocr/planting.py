"""Draw strings on a real frame, in stored values, and keep where their glyphs are.

Contrast is in grey levels of 256, as a viewer with the header's window shows it. Strings stand in
corners and along edges (half of them) and anywhere else, upright or on their side, brighter or
darker than what they stand on, and only where a person could tell them from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.deid.ocr.frames import Background
from benchmarks.deid.ocr.strings import SIZES, faces, glyphs, words

Array = npt.NDArray[Any]
Chance = np.random.Generator

CONTRASTS = (25, 40, 60, 80, 120, 180, 255)
"""Grey levels; 255 stands for black or white, whichever is further, at least 200 away."""
ORIENTATIONS = (0, 90, 270)
LEGIBLE_SIZE, LEGIBLE_CONTRAST = 12, 80
MOST_SPREAD = 0.4
"""The standard deviation beneath a string, as a share of its contrast, that it may stand on."""
STRINGS = 8
_TRIES = 60
_INK = 0.5
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Planted:
    """One string in a picture: its glyph pixels at ``rows`` and ``columns``, and its kind."""

    text: str
    face: str
    size: int
    contrast: int
    orientation: int
    bright: bool
    rows: slice
    columns: slice
    ink: Array = field(repr=False)

    @property
    def legible(self) -> bool:
        """Say whether a person reads it without effort: 12 px and 80 levels or more."""
        return self.size >= LEGIBLE_SIZE and self.contrast >= LEGIBLE_CONTRAST


def plant(frame: Background, chance: Chance, count: int = STRINGS) -> tuple[Array, list[Planted]]:
    """Return a copy of a frame's values (float) with up to ``count`` strings, and the strings."""
    values = frame.values.astype(np.float32)
    if values.ndim == 2:  # what a viewer shows as black or white is not far beyond it here either
        values = np.clip(values, frame.low, frame.high)
    taken = np.zeros(values.shape[:2], bool)
    planted: list[Planted] = []
    for _ in range(_TRIES):
        if len(planted) == count:
            break
        one = _place(frame, values, taken, chance)
        if one is not None:
            planted.append(one)
    out = frame.values.astype(np.float32)
    changed = np.zeros(out.shape[:2], bool)
    for one in planted:
        changed[one.rows, one.columns] |= one.ink > 0
    out[changed] = values[changed]
    return out, planted


def _place(frame: Background, values: Array, taken: Array, chance: Chance) -> Planted | None:
    """Try to draw one string; None where it does not fit or could not be told from its place."""
    kind = "short" if chance.random() < 0.15 else "long"
    text = str(chance.choice(words()[kind]))
    face, size = str(chance.choice(list(faces()))), int(chance.choice(SIZES))
    orientation = int(chance.choice(ORIENTATIONS, p=(0.7, 0.15, 0.15)))
    ink = np.rot90(glyphs(text, face, size), orientation // 90)
    room = [side - ink_side - 4 for side, ink_side in zip(taken.shape, ink.shape, strict=True)]
    if min(room) < 1:
        return None
    top, left = _corner(room, chance)
    rows, columns = slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])
    margin = size // 2 + 6
    around = (slice(max(0, top - margin), rows.stop + margin),
              slice(max(0, left - margin), columns.stop + margin))  # fmt: skip
    if taken[around].any():
        return None
    under = values[rows, columns]
    grey = (under @ _LUMA if under.ndim == 3 else under) - frame.low
    levels = grey * (255 / (frame.high - frame.low))
    step = _step(float(levels.mean()), float(levels.std()), chance)
    if step is None:
        return None
    contrast, signed = step
    shade = under.reshape(-1, *under.shape[2:]).mean(0) + signed * (frame.high - frame.low) / 255
    shade = np.clip(shade, frame.low, frame.high)
    cover = ink[..., None] if under.ndim == 3 else ink
    values[rows, columns] = under * (1 - cover) + shade * cover
    taken[around] = True
    return Planted(text, face, size, contrast, orientation, signed > 0, rows, columns, ink)


def _corner(room: list[int], chance: Chance) -> tuple[int, int]:
    """Return top and left: at an edge or corner for half of the strings."""
    top, left = (2 + int(chance.integers(0, space)) for space in room)
    if chance.random() < 0.5:
        top = int(chance.choice([2, 2 + room[0] - 1]))
        if chance.random() < 0.6:
            left = int(chance.choice([2, 2 + room[1] - 1]))
    return top, left


def _step(mean: float, spread: float, chance: Chance) -> tuple[int, float] | None:
    """Return a nominal contrast and the signed step in grey levels that the place allows."""
    contrast = int(chance.choice(CONTRASTS))
    if contrast == 255:
        signed = 255 - mean if mean < 128 else -mean
        possible = [signed] if abs(signed) >= 200 else []
    else:
        possible = [sign * contrast for sign in (1.0, -1.0) if 0 <= mean + sign * contrast <= 255]
    if not possible or spread > MOST_SPREAD * contrast:
        return None
    return contrast, float(chance.choice(possible))

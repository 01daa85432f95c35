"""One frame with strings on it, in one photometric interpretation, as stored and as shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.deid.ocr.frames import Background
from benchmarks.deid.ocr.planting import Planted, plant
from imagehaven.deidentify.pixels.text import Palette, Rendering

Array = npt.NDArray[Any]

GREY_KINDS = ("MONOCHROME2", "MONOCHROME1", "PALETTE COLOR", "RGB", "YBR_FULL")
COLOUR_KINDS = ("RGB", "YBR_FULL")
_SHARES = (0.5, 0.2, 0.1, 0.1, 0.1)
_SEPIA = (1.1, 1.0, 0.75)


@dataclass(frozen=True)
class Picture:
    """A frame as stored with how to show it, and as a viewer shows it (uint8), for peers."""

    background: Background
    photometric: str
    stored: Array = field(repr=False)
    rendering: Rendering = field(repr=False)
    shown: Array = field(repr=False)
    planted: tuple[Planted, ...]
    number: int


def pictures(frames: list[Background], count: int, seed: int) -> Iterator[Picture]:
    """Yield ``count`` pictures, modality by modality in turn, the same ones for the same seed."""
    groups: dict[str, list[Background]] = {}
    for frame in frames:
        groups.setdefault(frame.modality, []).append(frame)
    names = sorted(groups)
    for number in range(count):
        group = groups[names[number % len(names)]]
        frame = group[(number // len(names)) % len(group)]
        yield picture(frame, number, np.random.default_rng((seed, number)))


def picture(frame: Background, number: int, chance: np.random.Generator) -> Picture:
    """Return one picture; everything about it but the frame comes from ``chance``."""
    values, planted = plant(frame, chance)
    if values.ndim == 3:
        kind = str(chance.choice(COLOUR_KINDS))
    else:
        kind = str(chance.choice(GREY_KINDS, p=_SHARES))
    stored, rendering, shown = encoded(frame, values, kind)
    return Picture(frame, kind, stored, rendering, shown, tuple(planted), number)


def encoded(frame: Background, values: Array, kind: str) -> tuple[Array, Rendering, Array]:
    """Return values as stored in one photometric interpretation, its rendering, and as shown."""
    shown = np.clip((values - frame.low) * (255 / (frame.high - frame.low)) + 0.5, 0, 255)
    eight = shown.astype(np.uint8)
    if kind in ("RGB", "YBR_FULL"):
        colour = eight if eight.ndim == 3 else np.stack([eight] * 3, axis=-1)
        stored = colour if kind == "RGB" else _ybr(colour)
        return stored, Rendering(kind, 8), colour
    if kind == "PALETTE COLOR":
        ramp = np.arange(255, -1, -1, dtype=np.float32)  # the first entry is the brightest
        tables = [np.clip(ramp * tint, 0, 255).astype(np.uint8) for tint in _SEPIA]
        entries = 255 - eight
        colour = np.stack([table[entries] for table in tables], axis=-1)
        return entries, Rendering(kind, 8, palette=Palette(*tables)), colour
    whole = np.round(values).astype(np.int32)
    low, high = frame.low, frame.high
    if kind == "MONOCHROME1":
        top = int(whole.max()) + int(min(0, whole.min()))
        whole, low, high = top - whole, top - frame.high, top - frame.low
    stored = _narrowed(whole, frame.values.dtype)
    window = ((low + high) / 2, max(high - low, 1.0))
    return stored, Rendering(kind, frame.bits, windows=(window,)), eight


def _narrowed(whole: Array, original: np.dtype[Any]) -> Array:
    """Return values in the frame's own type where they fit into it."""
    if original.kind in "iu":
        limits = np.iinfo(original)
        if limits.min <= whole.min() and whole.max() <= limits.max:
            return whole.astype(original)
    return whole


def _ybr(colour: Array) -> Array:
    """Return RGB as full-range YBR (PS3.3 C.7.6.3.1.2)."""
    red, green, blue = (colour[..., i].astype(np.float32) for i in range(3))
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [y, 128 + (blue - y) / 1.772, 128 + (red - y) / 1.402]
    return np.clip(np.stack(planes, axis=-1) + 0.5, 0, 255).astype(np.uint8)

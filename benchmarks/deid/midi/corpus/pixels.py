"""Text burned into real pixels, and whether it can still be seen."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.key import Burned
from benchmarks.deid.midi.corpus.people import Person

_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
_PICTURES = {"CT", "MR", "CR", "DX", "US", "MG", "OT", "XA", "RF"}
_SMALLEST = 96
_LEGIBLE = 0.03
"""Share of the picture's range within a letter's strip above which it counts as visible."""


def can_carry(dataset: Dataset) -> bool:
    """Whether this module can write into the pixels: native, grey or RGB by pixel, big enough."""
    meta = getattr(dataset, "file_meta", Dataset())
    return (
        str(meta.get("TransferSyntaxUID", "")) in _NATIVE
        and str(dataset.get("Modality", "")) in _PICTURES
        and "PixelData" in dataset
        and dataset.get("BitsAllocated") in (8, 16)
        and dataset.get("BitsStored") in (8, 12, 16)
        and dataset.get("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2", "RGB")
        and not dataset.get("PlanarConfiguration", 0)
        and min(int(dataset.get("Rows", 0)), int(dataset.get("Columns", 0))) >= _SMALLEST
    )


def burn(dataset: Dataset, person: Person, chance: random.Random) -> list[Burned]:
    """Write name, number and birth date into a corner of every frame; returns their boxes."""
    frames = as_frames(dataset).copy()
    rows, columns = frames.shape[1:3]
    size = max(12, rows // chance.choice((20, 24, 32)))
    lines = (person.tokens["comma"], person.tokens["chi_spaced"], person.tokens["born_slash"])
    drawn = [_letters(line, size) for line in lines[: 2 + chance.randrange(2)]]
    tall = sum(letters.shape[0] + 3 for letters in drawn)
    wide = max(letters.shape[1] for letters in drawn)
    if tall + 4 > rows or wide + 4 > columns:
        return []
    x = chance.choice((2, columns - wide - 2))
    y = chance.choice((2, rows - tall - 2))
    ink = _ink(dataset, frames)
    burned = []
    for line, letters in zip(lines, drawn, strict=False):
        height, width = letters.shape
        frames[:, y : y + height, x : x + width][:, letters > 96] = ink
        burned.append(Burned(line, 0, frames.shape[0] - 1, x, y, width, height))
        y += height + 3
    dataset.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    return burned


def as_frames(dataset: Dataset) -> NDArray[Any]:
    """All pixels as (frames, rows, columns[, 3])."""
    pixels = dataset.pixel_array
    if int(dataset.get("NumberOfFrames", 1) or 1) == 1:
        pixels = pixels[np.newaxis]
    return np.asarray(pixels)


def hidden(burned: Burned, before: NDArray[Any], after: NDArray[Any]) -> bool:
    """Whether no letter of the text stands out in any frame.

    The box is cut into as many upright strips as there are letters: in each, all pixels must have
    nearly one value. Someone who blanks all but one letter has not hidden the text.
    """
    if before.shape[:3] != after.shape[:3]:
        return False
    box = after[
        burned.first : burned.last + 1,
        burned.y : burned.y + burned.height,
        burned.x : burned.x + burned.width,
    ]
    scale = float(np.ptp(before)) or 1.0
    step = max(1, burned.width // max(1, len(burned.text)))
    for left in range(0, burned.width, step):
        strip = box[:, 1:-1, left : left + step].astype(np.float64)
        if strip.size and float(np.ptp(strip, axis=(1, 2)).max()) > _LEGIBLE * scale:
            return False
    return True


def unchanged_outside(burned: list[Burned], before: NDArray[Any], after: NDArray[Any]) -> float:
    """The share of pixels outside all boxes, widened by their height, that stayed as they were."""
    if before.shape != after.shape:
        return 0.0
    outside = np.ones(before.shape[:3], dtype=bool)
    for box in burned:
        margin = box.height
        top, left = max(0, box.y - margin), max(0, box.x - margin)
        bottom, right = box.y + box.height + margin, box.x + box.width + margin
        outside[box.first : box.last + 1, top:bottom, left:right] = False
    same = before == after
    if same.ndim == 4:
        same = same.all(axis=3)
    return float(same[outside].mean()) if outside.any() else 1.0


def _letters(text: str, size: int) -> NDArray[np.uint8]:
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas)


def _ink(dataset: Dataset, frames: NDArray[Any]) -> Any:
    """The value that shows bright: the largest one there is, the smallest for MONOCHROME1."""
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        return frames.min()
    return frames.max() or (1 << (int(dataset.BitsStored) - 1)) - 1

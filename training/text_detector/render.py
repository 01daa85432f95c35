"""Make one training example: a background, marks, strings upon it, and where the strings are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from training.text_detector.clutter import add_marks, bands, texture
from training.text_detector.strings import draw
from training.text_detector.windows import in_windows

Array = npt.NDArray[Any]
Chance = np.random.Generator

CELL = 4
SMALLEST_CONTRAST = 18.0
LINE = 1500.0
"""Pixels of a line's box that need no emphasis."""
MOST_EMPHASIS = 3.5
WITHOUT_TEXT = 0.35
"""The share of examples that are real renderings in which nothing is to be found."""
EMPHASIS_WITHOUT_TEXT = 2.0
ENLARGED = 0.15
"""The share of the others that are drawn at half the size and enlarged, as small frames are."""
WHOLE = 0.6
"""Nobody can say what a line is of which the picture's edge leaves less than this share."""
CLEAR = 1.5
"""Text that differs from its ground by less than so many standard deviations may be missed."""
SPECK, SPECK_CONTRAST = 150.0, 45.0
"""A character in a smaller box (pixels) and fainter than this looks like a piece of anatomy."""

Maps = tuple[Array, Array, Array, Array]
"""The picture, where text is, where nobody can say, and the emphasis, all size x size."""


@dataclass(frozen=True)
class Example:
    """An image (size x size x 3, uint8) and, per cell, text (0 or 1) and how much it counts."""

    image: Array
    text: Array
    counts: Array


@dataclass(frozen=True)
class Background:
    """A real frame and where it may already show text."""

    frame: Array
    text: Array


@dataclass(frozen=True)
class Backgrounds:
    """Frames to draw on, and renderings that show no text, to be taken as they are."""

    real: list[Background]
    without_text: list[Background]


def backgrounds(folder: Path) -> Backgrounds:
    """Load the frames that :mod:`training.text_detector.backgrounds` collected."""
    return Backgrounds(_loaded(folder), _loaded(folder / "without_text"))


def _loaded(folder: Path) -> list[Background]:
    found = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            found.append(Background(stored["frame"], stored["text"]))
    return found


def example(chance: Chance, known: Backgrounds, size: int) -> Example:
    """Return one example; everything about it comes from ``chance``."""
    if known.without_text and chance.random() < WITHOUT_TEXT:
        return _without_text(chance, known.without_text, size)
    if chance.random() < ENLARGED:
        return _enlarged(chance, _drawn(chance, known, size // 2))
    return _drawn(chance, known, size)


def _enlarged(chance: Chance, small: Example) -> Example:
    """Return an example twice as large, as a small frame is enlarged before it is looked at."""
    way = cv2.INTER_CUBIC if chance.random() < 0.7 else cv2.INTER_LINEAR
    image = cv2.resize(small.image, None, fx=2, fy=2, interpolation=way)
    twice = np.ones((2, 2), np.float32)
    return Example(image, np.kron(small.text, twice), np.kron(small.counts, twice))


def _drawn(chance: Chance, known: Backgrounds, size: int) -> Example:
    canvas, ignore = _canvas(chance, known.real + known.without_text, size)
    if chance.random() < 0.55:
        add_marks(chance, canvas)
    text, weight = np.zeros((size, size), np.float32), np.ones((size, size), np.float32)
    ignore = ignore.astype(np.float32)
    if chance.random() < 0.8:
        _write(chance, (canvas, text, ignore, weight))
    image = _degraded(chance, np.clip(canvas, 0, 255))
    share = _per_cell(text)
    counts = (_per_cell(ignore) < 0.05) | (share > 0.6)
    counts &= (share < 0.15) | (share > 0.45)  # a cell on the edge may go either way
    return Example(image, (share > 0.3).astype(np.float32), counts * _per_cell(weight))


def _without_text(chance: Chance, free: list[Background], size: int) -> Example:
    """Return a part of a rendering as it is, at the sizes that the detector looks at."""
    frame = free[chance.integers(0, len(free))].frame
    scale = float(chance.choice([1, 1, 0.5, 0.85, 2, chance.uniform(0.4, 1.5)]))
    top, left = (
        int(chance.integers(0, max(1, side - size / scale + 1))) for side in frame.shape[:2]
    )
    piece = frame[top : top + int(size / scale), left : left + int(size / scale)]
    if scale != 1:
        shape = (max(2, int(piece.shape[1] * scale)), max(2, int(piece.shape[0] * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        piece = cv2.resize(piece, shape, interpolation=way)
    if piece.ndim == 2:
        piece = in_windows(chance, np.stack([piece.astype(np.float32)] * 3, axis=-1))
        piece = np.clip(piece, 0, 255).astype(np.uint8)
    piece = np.rot90(piece, int(chance.integers(0, 4)))
    piece = piece[::-1] if chance.random() < 0.5 else piece
    rows, columns = piece.shape[:2]
    counts = np.zeros((size // CELL, size // CELL), np.float32)
    counts[: -(-rows // CELL), : -(-columns // CELL)] = EMPHASIS_WITHOUT_TEXT
    image = np.pad(piece, ((0, size - rows), (0, size - columns), (0, 0)), mode="edge")
    return Example(image, np.zeros_like(counts), counts)


def _per_cell(mask: Array) -> Array:
    rows, columns = mask.shape
    return mask.reshape(rows // CELL, CELL, columns // CELL, CELL).mean((1, 3))


def _canvas(chance: Chance, real: list[Background], size: int) -> tuple[Array, Array]:
    none = np.zeros((size, size), np.float32)
    if chance.random() < 0.08:
        return bands(chance, size), none
    if not real or chance.random() < 0.35:
        grey = texture(chance, size)
        if chance.random() < 0.7:
            return np.stack([grey] * 3, axis=-1), none
        tint = chance.uniform(0, 1, 3).astype(np.float32)
        return grey[..., None] * tint + chance.uniform(0, 60) * (1 - tint), none
    source = real[chance.integers(0, len(real))]
    cut = int(size / float(chance.choice([1, 1, 1, 0.5, 0.75, 1.5, 2])))
    rows, columns = source.frame.shape[:2]
    top, left = (int(chance.integers(0, max(1, side - cut))) for side in (rows, columns))
    window = (slice(top, top + cut), slice(left, left + cut))
    piece = source.frame[window].astype(np.float32)
    ignore = source.text[window].astype(np.float32)
    short = ((0, cut - piece.shape[0]), (0, cut - piece.shape[1]))
    piece = np.pad(piece, short + ((0, 0),) * (piece.ndim - 2))
    ignore = cv2.resize(np.pad(ignore, short), (size, size))
    piece = cv2.resize(piece, (size, size), interpolation=cv2.INTER_AREA)
    if piece.ndim == 2:
        piece = np.stack([piece] * 3, axis=-1)
    turns, mirrored = int(chance.integers(0, 4)), chance.random() < 0.5
    piece, ignore = np.rot90(piece, turns), np.rot90(ignore, turns)
    if mirrored:
        piece, ignore = piece[::-1], ignore[::-1]
    if chance.random() < 0.5:  # another window
        gain = chance.uniform(0.4, 2.2)
        piece = (piece - 128) * gain + 128 + chance.uniform(-60, 60)
    if chance.random() < 0.2:
        piece = 255 - piece
    return np.ascontiguousarray(np.clip(piece, 0, 255)), (ignore > 0).astype(np.float32)


def _write(chance: Chance, maps: Maps) -> None:
    """Put strings onto the canvas: one, a few, or a block of lines in one style."""
    size = maps[0].shape[0]
    block = chance.random() < 0.3
    count = int(chance.integers(3, 10)) if block else int(chance.integers(1, 7))
    height, left, top = _height(chance), chance.integers(-20, size - 20), chance.integers(0, size)
    shade = _shade(chance)
    for _ in range(count):
        if not block:
            height, shade = _height(chance), _shade(chance)
            left, top = (int(v) for v in chance.integers(-30, size - 6, 2))
        ink, box = draw(chance, height)
        _put(chance, maps, (ink, box), (int(left), int(top)), shade)
        top += int(ink.shape[0] * chance.uniform(1.0, 1.8)) if block else 0


def _height(chance: Chance) -> float:
    if chance.random() < 0.08:
        return float(chance.uniform(30, 90))
    return float(np.exp(chance.uniform(np.log(6), np.log(30))))


def _shade(chance: Chance) -> Array | None:
    """Return a fixed colour, or None for a grey at some contrast to what lies beneath."""
    kind = chance.random()
    if kind < 0.25:
        return np.full(3, chance.choice([255.0, 0.0]), np.float32)
    if kind < 0.45:
        return np.asarray(chance.choice([0, 64, 128, 200, 255], 3), np.float32)
    return None


def _put(
    chance: Chance,
    maps: Maps,
    drawn: tuple[Array, Array],
    corner: tuple[int, int],
    shade: Array | None,
) -> None:
    """Put one string's ink at a corner (left, top); note where it is, or that nobody can say."""
    canvas, text, ignore, weight = maps
    ink, box = drawn
    left, top = corner
    size = canvas.shape[0]
    x, y = max(left, 0), max(top, 0)
    right, bottom = min(left + ink.shape[1], size), min(top + ink.shape[0], size)
    if right - x < 3 or bottom - y < 3:
        return
    inner = (slice(y - top, bottom - top), slice(x - left, right - left))
    outer = (slice(y, bottom), slice(x, right))
    whole = min(ink.shape)
    ink, box, under = ink[inner], box[inner], canvas[outer]
    if not (ink > 0.5).any() or not box.any():
        return
    style = chance.random()
    if style < 0.12:  # on a plate of its own
        plate = chance.choice([0.0, 255.0, chance.uniform(0, 255)])
        under = np.where(box[..., None] > 0.5, np.float32(plate), under)
    elif style < 0.2:  # with a dark or bright outline
        edge = cv2.dilate(np.ascontiguousarray(ink), np.ones((3, 3), np.uint8))[..., None]
        under = under * (1 - edge) + edge * chance.choice([0.0, 255.0])
    near = under[box > 0.5] if (box > 0.5).any() else under.reshape(-1, 3)
    around, spread = near.mean(0), float(near.mean(1).std())
    if shade is None:
        contrast = float(np.exp(chance.uniform(np.log(20), np.log(255))))
        sign = 1 if around.mean() + contrast <= 255 else -1
        if around.mean() - contrast >= 0 and chance.random() < 0.5:
            sign = -1
        shade = np.clip(around + sign * contrast, 0, 255)
    strength = float(np.abs(shade - around).max())
    seen = under * (1 - ink[..., None]) + shade * ink[..., None]
    if chance.random() < 0.08:  # see-through
        seen = 0.5 * seen + 0.5 * under
        strength /= 2
    canvas[outer] = seen
    least = SPECK_CONTRAST if box.sum() < SPECK else SMALLEST_CONTRAST
    halved = min(ink.shape) < WHOLE * whole
    if strength >= max(least, CLEAR * spread) and not halved:
        text[outer] = np.maximum(text[outer], box)
        # A digit alone must not be outweighed by a line that has thirty times its cells.
        emphasis = float(np.clip(np.sqrt(LINE / box.sum()), 1, MOST_EMPHASIS))
        weight[outer] = np.where(box > 0.5, emphasis, weight[outer])
    else:  # nobody could say whether this can be seen
        ignore[outer] = np.maximum(ignore[outer], box)
        text[outer] *= 1 - box


def _degraded(chance: Chance, canvas: Array) -> Array:
    """Blur, noise, colour to grey and JPEG, as secondary captures and cines have them."""
    image = canvas
    if chance.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), chance.uniform(0.3, 0.9))
    if chance.random() < 0.25:
        image = image + chance.standard_normal(image.shape[:2])[..., None] * chance.uniform(1, 9)
    grey = chance.random() < 0.65
    if grey:
        image = in_windows(chance, np.repeat(image.mean(-1, keepdims=True), 3, axis=-1))
    image = np.clip(image, 0, 255).astype(np.uint8)
    if chance.random() < (0.15 if grey else 0.4):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(35, 96))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    if chance.random() < 0.15:
        image = 255 - image
    return image

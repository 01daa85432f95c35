"""Draw what is not text: synthetic backgrounds, and the marks that are mistaken for letters."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Chance = np.random.Generator


def texture(chance: Chance, size: int) -> Array:
    """Return a grey background of ``size`` x ``size``, float 0 to 255."""
    kind = chance.integers(0, len(_TEXTURES))
    level = chance.choice([0, 0, 0, 255, chance.uniform(0, 255), chance.uniform(0, 60)])
    return _TEXTURES[kind](chance, np.full((size, size), float(level), np.float32))


def _plain(_: Chance, canvas: Array) -> Array:
    return canvas


def _noisy(chance: Chance, canvas: Array) -> Array:
    return canvas + _noise(chance, len(canvas), 1) * chance.uniform(1, 30)


def _tissue(chance: Chance, canvas: Array) -> Array:
    """Return a few scales of smooth noise."""
    for scale in (4, 12, 40):
        canvas = canvas + _noise(chance, len(canvas), scale) * chance.uniform(2, 40)
    return canvas


def _gradient(chance: Chance, canvas: Array) -> Array:
    across, down = chance.uniform(-1, 1, 2)
    rows, columns = np.mgrid[0 : len(canvas), 0 : len(canvas)].astype(np.float32) / len(canvas)
    return canvas + 200 * (across * columns + down * rows)


def _trabeculae(chance: Chance, canvas: Array) -> Array:
    field = _noise(chance, len(canvas), float(chance.uniform(2, 9)))
    return 128 + 90 * np.tanh(3 * field) * chance.uniform(0.2, 1)


def _noise(chance: Chance, size: int, scale: float) -> Array:
    coarse = max(2, int(size / scale))
    field = chance.standard_normal((coarse, coarse)).astype(np.float32)
    return cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)


def _glitter(chance: Chance, canvas: Array) -> Array:
    """Return bright specks on a darker ground, longer than high: noise, foliage, wet ground."""
    size = len(canvas)
    scale, longer = float(chance.uniform(1.2, 5)), float(chance.uniform(1, 4))
    rough = _noise(chance, size, scale) + 0.7 * _noise(chance, size, 3 * scale)
    rough = cv2.resize(rough[:, : max(2, int(size / longer))], (size, size))
    slope = np.linspace(-1, 1, size, dtype=np.float32)[:, None] * chance.uniform(-1.5, 1.5)
    steep = chance.uniform(1, 6)
    lit = 1 / (1 + np.exp(-steep * (rough + slope - chance.uniform(0, 1.5))))
    return float(chance.uniform(0, 90)) + lit * chance.uniform(40, 220)


def bands(chance: Chance, size: int) -> Array:
    """Return stripes or fields of plain colours with hard edges, size x size x 3, 0 to 255."""
    step = int(chance.integers(6, 64))
    count = -(-size // step)
    across = count if chance.random() < 0.3 else 1
    shades = chance.choice([0, 64, 128, 192, 255], (count, across, 3))
    if chance.random() < 0.4:
        shades = np.repeat(shades[..., :1], 3, axis=-1)
    fields = np.repeat(np.repeat(shades, step, 0), step if across > 1 else size, 1)
    turned = np.rot90(fields[:size, :size], int(chance.integers(0, 2)))
    return np.ascontiguousarray(turned, dtype=np.float32)


def _sector(chance: Chance, canvas: Array) -> Array:
    """Return speckle within an ultrasound sector with hard edges on black."""
    size = len(canvas)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    top, middle = chance.uniform(-size, 0.3 * size), chance.uniform(0, size)
    angle = np.arctan2(columns - middle, rows - top)
    distance = np.hypot(columns - middle, rows - top)
    inside = (np.abs(angle) < chance.uniform(0.2, 0.9)) & (distance < chance.uniform(0.6, 2) * size)
    speckle = np.abs(_noise(chance, size, 2) + 1j * _noise(chance, size, 3)) * chance.uniform(
        20, 90
    )
    return np.where(inside, speckle, 0).astype(np.float32)


_TEXTURES = (_plain, _noisy, _tissue, _sector, _gradient, _glitter, _trabeculae)


def add_marks(chance: Chance, canvas: Array) -> None:
    """Draw up to a few marks that are no text into ``canvas``, in place."""
    for _ in range(chance.integers(0, 5)):
        mark = _MARKS[chance.integers(0, len(_MARKS))]
        mark(chance, canvas, _shade(chance, canvas))


def _shade(chance: Chance, canvas: Array) -> Any:
    if canvas.ndim == 3 and chance.random() < 0.5:
        return tuple(float(v) for v in chance.choice([0, 128, 255], 3))
    value = float(chance.choice([255, 0, 255, chance.uniform(0, 255)]))
    return (value,) * 3 if canvas.ndim == 3 else value


def _point(chance: Chance, size: int) -> tuple[int, int]:
    x, y = chance.integers(-size // 4, size + size // 4, 2)
    return int(x), int(y)


def _line(chance: Chance, canvas: Array, shade: Any) -> None:
    size = canvas.shape[0]
    thick = int(chance.choice([1, 1, 1, 2, 3, 6]))
    start, end = _point(chance, size), _point(chance, size)
    if chance.random() < 0.4:
        end = (start[0], end[1]) if chance.random() < 0.5 else (end[0], start[1])
    cv2.line(canvas, start, end, shade, thick, int(chance.choice([cv2.LINE_8, cv2.LINE_AA])))


def _dashes(chance: Chance, canvas: Array, shade: Any) -> None:
    size = canvas.shape[0]
    at, step, dash = int(chance.integers(0, size)), int(chance.integers(4, 14)), 2
    dash = int(chance.integers(1, max(2, step - 1)))
    upright = chance.random() < 0.5
    for start in range(0, size, step):
        ends = [(start, at), (start + dash, at)]
        cv2.line(canvas, *([(y, x) for x, y in ends] if upright else ends), shade, 1)


def _ruler(chance: Chance, canvas: Array, shade: Any) -> None:
    size = canvas.shape[0]
    at, step = int(chance.integers(0, size)), int(chance.integers(4, 30))
    length, every = int(chance.integers(2, 9)), int(chance.choice([2, 5, 10]))
    upright, spine = chance.random() < 0.6, chance.random() < 0.5
    first, last = sorted(chance.integers(0, size, 2))
    for number, start in enumerate(range(first, last, step)):
        reach = length * (2 if number % every == 0 else 1)
        ends = [(at, start), (at + reach, start)]
        cv2.line(canvas, *(ends if upright else [(y, x) for x, y in ends]), shade, 1)
    if spine:
        ends = [(at, int(first)), (at, int(last))]
        cv2.line(canvas, *(ends if upright else [(y, x) for x, y in ends]), shade, 1)


def _curve(chance: Chance, canvas: Array, shade: Any) -> None:
    """A catheter, a wire, an ECG trace or a contour."""
    size = canvas.shape[0]
    points = np.array([_point(chance, size) for _ in range(4)], np.float32)
    t = np.linspace(0, 1, 80, dtype=np.float32)[:, None]
    path = (1 - t) ** 3 * points[0] + 3 * (1 - t) ** 2 * t * points[1]
    path = path + 3 * (1 - t) * t**2 * points[2] + t**3 * points[3]
    if chance.random() < 0.3:  # a trace that beats
        path[:, 1] += (np.arange(80) % 11 == 0) * chance.uniform(5, 40)
    thick = int(chance.choice([1, 1, 2, 3, 5]))
    cv2.polylines(canvas, [path.astype(np.int32)], False, shade, thick, cv2.LINE_AA)


def _grid(chance: Chance, canvas: Array, shade: Any) -> None:
    size, step = canvas.shape[0], int(chance.integers(5, 60))
    x, y = chance.integers(0, size, 2)
    width, height = chance.integers(step, size, 2)
    for at in range(int(x), int(x + width), step):
        cv2.line(canvas, (at, int(y)), (at, int(y + height)), shade, 1)
    for at in range(int(y), int(y + height), step):
        cv2.line(canvas, (int(x), at), (int(x + width), at), shade, 1)


def _bars(chance: Chance, canvas: Array, shade: Any) -> None:
    """A line-pair pattern, or a grey or colour scale."""
    x, y = _point(chance, canvas.shape[0])
    width, step = int(chance.integers(8, 60)), int(chance.integers(2, 12))
    for number in range(int(chance.integers(3, 16))):
        top = y + number * step
        bar = max(1, step // 2)
        if chance.random() < 0.02:
            continue
        cv2.rectangle(canvas, (x, top), (x + width, top + bar - 1), shade, -1)


def _shape(chance: Chance, canvas: Array, shade: Any) -> None:
    """A collimator's edge, a marker, a caliper's cross, a circle, an arrow."""
    size, kind = canvas.shape[0], chance.integers(0, 5)
    (x, y), reach = _point(chance, size), int(chance.integers(2, 14))
    if kind == 0:
        cv2.rectangle(canvas, (x, y), _point(chance, size), shade, int(chance.choice([-1, 1, 2])))
    elif kind == 1:
        cv2.circle(
            canvas, (x, y), int(chance.integers(6, 80)), shade, int(chance.choice([-1, 1, 2]))
        )
    elif kind == 2:
        cv2.line(canvas, (x - reach, y), (x + reach, y), shade, 1)
        cv2.line(canvas, (x, y - reach), (x, y + reach), shade, 1)
    elif kind == 3:
        end = (x + int(chance.integers(-40, 40)), y + int(chance.integers(-40, 40)))
        cv2.arrowedLine(canvas, (x, y), end, shade, int(chance.choice([1, 2, 3])))
    else:
        corners = np.array([_point(chance, size) for _ in range(3)], np.int32)
        cv2.fillPoly(canvas, [corners], shade)


def _dots(chance: Chance, canvas: Array, shade: Any) -> None:
    """Screws, seeds, clips, dead pixels."""
    for _ in range(chance.integers(1, 12)):
        radius = int(chance.choice([0, 1, 2, 3, 5]))
        cv2.circle(canvas, _point(chance, canvas.shape[0]), radius, shade, -1)


_MARKS = (_line, _dashes, _ruler, _curve, _curve, _grid, _bars, _shape, _shape, _dots)

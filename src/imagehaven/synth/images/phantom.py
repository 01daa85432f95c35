"""Phantoms: ellipses and noise that look enough like anatomy for a histogram or a viewer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]


@cache
def _grid(size: int) -> tuple[Plane, Plane]:
    axis = np.linspace(-1, 1, size)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return y, x


def ellipse(size: int, y: float, x: float, height: float, width: float) -> NDArray[np.bool_]:
    """Return a mask of an ellipse; centre and half axes are in units of half the image."""
    rows, columns = _grid(size)
    return ((rows - y) / height) ** 2 + ((columns - x) / width) ** 2 <= 1


def thorax(size: int, rng: np.random.Generator, depth: float) -> Plane:
    """Return an axial chest in Hounsfield units, ``depth`` from 0 (top) to 1, with one nodule."""
    image = np.full((size, size), -1000.0)
    image[ellipse(size, 0, 0, 0.7, 0.9)] = 40
    lung = 0.35 + 0.15 * np.sin(np.pi * depth)
    for side in (-0.42, 0.42):
        image[ellipse(size, -0.05, side, lung, 0.3)] = -850
    image[ellipse(size, 0.45, 0, 0.14, 0.14)] = 700
    image[ellipse(size, -0.05, 0.1, 0.22, 0.2)] = 180
    image[ellipse(size, -0.2, -0.45, 0.06, 0.06)] = 60
    return image + rng.normal(0, 12, image.shape)


def head(size: int, rng: np.random.Generator, depth: float) -> Plane:
    """Return an axial head between 0 and 1: skull, brain, ventricles."""
    image = np.zeros((size, size))
    scale = 0.6 + 0.3 * np.sin(np.pi * (0.2 + 0.6 * depth))
    image[ellipse(size, 0, 0, scale, scale * 0.85)] = 0.3
    image[ellipse(size, 0, 0, scale * 0.92, scale * 0.77)] = 0.75
    image[ellipse(size, 0, 0, scale * 0.8, scale * 0.65)] = 0.9
    for side in (-0.12, 0.12):
        image[ellipse(size, 0, side, 0.22, 0.07)] = 0.2
    return np.clip(image + rng.normal(0, 0.03, image.shape), 0, 1)


def shadow(size: int, rng: np.random.Generator, body: str) -> Plane:
    """Return a projection between 0 and 1 for a body part: chest, breast or a limb."""
    rows, columns = _grid(size)
    if body == "BREAST":
        image = np.where((columns + 1) ** 2 / 2.2 + rows**2 / 0.8 <= 1, 0.6, 0.02)
        image[ellipse(size, 0.1, -0.5, 0.25, 0.3)] += 0.2
    elif body == "CHEST":
        image = 0.75 - 0.2 * np.abs(columns)
        for side in (-0.4, 0.4):
            image[ellipse(size, -0.1, side, 0.6, 0.28)] -= 0.4
        image += 0.08 * (np.sin(rows * 18) > 0.6)
    else:
        image = np.where(np.abs(columns) < 0.5, 0.45, 0.05)
        image[np.abs(columns) < 0.22] = 0.8
        image[np.abs(rows) < 0.02] *= 0.6
    return np.clip(image + rng.normal(0, 0.02, image.shape), 0, 1)


def speckle(size: int, rng: np.random.Generator) -> Plane:
    """Return an ultrasound fan between 0 and 1 on black."""
    rows, columns = _grid(size)
    distance = np.hypot(rows + 1, columns)
    fan = (distance < 1.6) & (distance > 0.35) & (np.abs(columns) < 0.7 * (rows + 1))
    image = rng.rayleigh(0.22, (size, size)) * np.exp(-distance / 3)
    image[ellipse(size, 0.1, 0.1, 0.18, 0.24)] *= 0.15
    return np.where(fan, np.clip(image, 0, 1), 0.0)


def vessels(size: int, rng: np.random.Generator, phase: float) -> Plane:
    """Return an angiogram frame between 0 and 1, filling with contrast as phase goes 0 to 1."""
    rows, columns = _grid(size)
    image = 0.6 + 0.1 * columns
    for bend, shift in ((0.3, -0.2), (0.5, 0.1), (-0.4, 0.3)):
        course = shift + bend * np.sin(2.5 * (rows + 1))
        image[(np.abs(columns - course) < 0.04) & (rows < -1 + 2 * phase)] -= 0.4
    return np.clip(image + rng.normal(0, 0.02, image.shape), 0, 1)


def hot_spots(size: int, rng: np.random.Generator, turn: float) -> Plane:
    """Return counts between 0 and 1 of two hot regions seen at an angle (radians)."""
    image = 0.05 * ellipse(size, 0, 0, 0.8, 0.6).astype(float)
    for side in (-0.25, 0.25):
        image[ellipse(size, -0.1, side * float(np.cos(turn)), 0.2, 0.12)] = 0.8
    return np.clip(image + rng.poisson(2, image.shape) / 60, 0, 1)


def scaled(image: Plane, top: int, kind: type[Any] = np.uint16) -> NDArray[Any]:
    """Return an image between 0 and 1 as whole numbers up to ``top``."""
    return np.rint(image * top).astype(kind)

"""Show a grey picture in up to three windows at once, one in each plane.

A deep image is searched in all its renderings together. One plane stays as it is, so that what can
be seen there can be seen in the whole; the others are flatter, or steeper and cut off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Chance = np.random.Generator

SEVERAL = 0.45
"""The share of grey pictures whose planes differ."""


def in_windows(chance: Chance, image: Array) -> Array:
    """Return ``image`` (rows x columns x 3 equal planes, 0 to 255), or its planes in windows."""
    if chance.random() >= SEVERAL:
        return image
    main = image[..., 0]
    other = _window(chance, main)
    third = chance.choice(3)
    planes = [main, other, (main, other, _window(chance, main))[third]]
    return np.stack(planes, axis=-1)


def _window(chance: Chance, plane: Array) -> Array:
    if chance.random() < 0.6:  # a wider range: flatter
        gain = chance.uniform(0.12, 0.8)
        return plane * gain + chance.uniform(0, 255 * (1 - gain))
    gain = chance.uniform(1.2, 4)
    middle = chance.uniform(float(plane.min()), float(plane.max()) + 1)
    return np.clip((plane - middle) * gain + 128, 0, 255)

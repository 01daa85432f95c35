"""What makes a brain mask doubtful, so that a head is withheld."""

from __future__ import annotations

import numpy as np

from head_phantom import head
from imagehaven.deidentify.faces.head import head_at, heads
from imagehaven.deidentify.faces.skull import Brain, doubts
from imagehaven.deidentify.faces.volume import Volume

STEP = 2.0


def volume(values: np.ndarray) -> Volume:
    """A volume of axial slices [z, y, x], 2 mm each way."""
    places = np.arange(len(values)) * STEP
    corners = np.stack([np.zeros_like(places), np.zeros_like(places), places], axis=1)
    ways = (np.array([STEP, 0.0, 0.0]), np.array([0.0, STEP, 0.0]))
    return Volume(values.astype(np.float32), places, corners, np.array([0.0, 0.0, 1.0]), *ways)


def test_a_mask_that_leaked_into_one_orbit_is_doubted() -> None:
    made = volume(head().values)
    found = head_at(made, heads(made, ct=False)[0], ct=False)
    x, y, z = np.indices(found.tissue.shape) * STEP
    x, y, z = (way + start for way, start in zip((x, y, z), found.grid.origin, strict=True))
    middle = (110.0, 132.0, 142.0)
    away = ((x - middle[0]) / 64) ** 2 + ((y - middle[1]) / 83) ** 2 + ((z - middle[2]) / 74) ** 2
    mask = (away < 1) & (z > middle[2] - 30)
    leak = (x - middle[0] - 30) ** 2 + (y - 50) ** 2 + (z - middle[2] + 20) ** 2 < 12**2
    told = "its frontal pole does not lie in the middle"
    assert told not in doubts(found, Brain(mask, STEP), made, ct=False)
    assert told in doubts(found, Brain(mask | leak, STEP), made, ct=False)

"""The skin as somebody sees it who stands in front: what of a face is there, and what is left.

A depth map says, for each point of the frontal view, how far back the first tissue lies. A face is
gone where that tissue moved back by more than a face is deep to the eye, or is no longer there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HALF_WIDTH: Final = 45.0
"""Half of the width (mm) that holds eyes, nose and mouth (bizygomatic breadth is 130 mm)."""
ABOVE, BELOW = 12.0, 95.0
"""How far above and below the root of the nose (mm) the brows and the chin lie."""
_SEARCHED: Final = (-20.0, 75.0)
"""How far below the brain's frontal pole (mm) the root of the nose is looked for: a raised chin
brings it up to the pole."""
_ROOT_DEPTH: Final = 3.0
_STRICT_ROOT: Final = 20.0
_MOVED: Final = 6.0
_GONE: Final = 0.97
_NOSE_MOVED: Final = 12.0


@dataclass(frozen=True)
class Region:
    """The frontal window of a face on a grid, by voxel: ``x`` and ``z`` ranges."""

    x: slice
    z: slice


def face_region(depth: Array, pole: Array, step: float) -> Region:
    """Return the window from the brows to the chin, from the depth map of an uncut head.

    ``pole`` is the brain's frontal pole in mm from the grid's first voxel.
    """
    root = nose_root(depth, pole, step)
    left, right = (int((pole[0] + side * HALF_WIDTH) / step) for side in (-1, 1))
    low, high = int((root - BELOW) / step), int((root + ABOVE) / step)
    return Region(
        slice(max(0, left), max(0, min(depth.shape[0], right))),
        slice(max(0, low), max(0, min(depth.shape[1], high))),
    )


def nose_root(depth: Array, pole: Array, step: float) -> float:
    """Return the height (mm) of the root of the nose: the uppermost hollow of the profile.

    A hollow is what lies 3 mm or more behind the convex hull of the profile in the middle 12 mm.
    Where the profile has none, the root is taken to lie 20 mm below the frontal pole, which is
    higher than in most heads.
    """
    middle = slice(max(0, int((pole[0] - 6) / step)), int((pole[0] + 6) / step) + 1)
    low = max(0, int((pole[2] - 120) / step))
    planes = np.arange(low, max(low, int((pole[2] - _SEARCHED[0]) / step)))
    strip = depth[middle, low : low + len(planes)]
    seen = np.isfinite(strip).any(0)
    heights: Array = planes[seen].astype(np.float64) * step
    if len(heights) < 3:
        return float(pole[2] - _STRICT_ROOT)
    profile = np.nanmin(strip[:, seen], axis=0)
    hollow = profile - _front_hull(heights, profile)
    below = pole[2] - heights
    likely = (hollow >= _ROOT_DEPTH) & (below >= _SEARCHED[0]) & (below <= _SEARCHED[1])
    if not likely.any():
        return float(pole[2] - _STRICT_ROOT)
    last = first = int(np.flatnonzero(likely).max())
    while first > 0 and hollow[first - 1] >= _ROOT_DEPTH:
        first -= 1
    return float(heights[first + int(hollow[first : last + 1].argmax())])


def _front_hull(heights: Array, profile: Array) -> Array:
    """Return the convex hull of a profile seen from the front (Andrew's monotone chain)."""
    corners: list[int] = []
    for number in range(len(heights)):
        while len(corners) > 1:
            one, two = corners[-2:]
            turn = (heights[two] - heights[one]) * (profile[number] - profile[one])
            if turn > (profile[two] - profile[one]) * (heights[number] - heights[one]):
                break
            corners.pop()
        corners.append(number)
    hull: Array = np.interp(heights, heights[corners], profile[corners])
    return hull


def depth_map(tissue: Mask, step: float) -> Array:
    """Return how far back (mm) the first tissue lies, for each [x, z]; NaN where there is none."""
    depth: Array = np.where(tissue.any(1), tissue.argmax(1) * step, np.nan)
    return depth


def forward_skin(depth: Array, region: Region, step: float) -> Array:
    """Return the skin of the window as points (mm from the grid's first voxel)."""
    shown = np.zeros(depth.shape, np.bool_)
    shown[region.x, region.z] = True
    x, z = np.nonzero(shown & np.isfinite(depth))
    return np.stack([x * step, depth[x, z], z * step], axis=1)


def face_share_gone(before: Array, after: Array, region: Region) -> float:
    """Return the share of the window's skin that moved back by 6 mm or more, or vanished.

    A window without skin, because the field of view ends above it, has no face: 1.
    """
    old, new = before[region.x, region.z], after[region.x, region.z]
    skin = np.isfinite(old)
    moved = np.where(np.isfinite(new), new, np.inf) - np.where(skin, old, 0)
    return float((moved[skin] >= _MOVED).mean()) if skin.any() else 1.0


def face_is_gone(before: Array, after: Array, region: Region) -> bool:
    """Say whether window and nose are gone; the nose is the foremost skin of the middle third."""
    if face_share_gone(before, after, region) < _GONE:
        return False
    third = (region.x.stop - region.x.start) // 3
    middle = slice(region.x.start + third, region.x.stop - third)
    old, new = before[middle, region.z], after[middle, region.z]
    if not np.isfinite(old).any():
        return True
    nose = np.unravel_index(int(np.nanargmin(old)), old.shape)
    moved = np.inf if np.isnan(new[nose]) else float(new[nose] - old[nose])
    return moved >= _NOSE_MOVED

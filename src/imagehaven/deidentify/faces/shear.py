"""The plane that shears a face off: Quickshear (Schimke and Hale, HealthSec 2011).

Quickshear looks at the brain from the side, takes the convex hull of its outline, and cuts along a
line that touches the hull from the front and below, some millimetres away from it; everything in
front of the line goes, at the full width of the head. Here the angle is the one, of all lines that
touch the hull, that takes the most of the skin that faces forward, so a ragged outline cannot
choose it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ANGLES: Final = tuple(range(9, 79, 3))
"""Degrees that the cut's normal points downwards from straight ahead."""
_DEEP: Final = 8.0
_BEYOND: Final = 0.0005
"""Share of the brain mask that may lie before a line that touches it: points of a ragged edge."""


@dataclass(frozen=True)
class Plane:
    """What goes: every point (mm, LPS) with ``normal . point > offset`` and ``z >= floor``.

    The floor lies under every chin, so that a scan that goes on downwards keeps its chest.
    """

    normal: tuple[float, float, float]
    offset: float
    floor: float

    def removes(self, points: Array) -> npt.NDArray[np.bool_]:
        """Say for each point (... x 3, mm in LPS) whether it lies in what goes."""
        before: npt.NDArray[np.bool_] = points @ np.array(self.normal) > self.offset
        return before & (points[..., 2] >= self.floor)


def shear_plane(brain: Array, skin: Array, *, buffer: float, floor: float) -> Plane:
    """Return the plane for a head whose brain and forward skin are given as points (mm, LPS).

    The brain stays at least ``buffer`` mm behind the plane, but for 0.05 % of its points.
    """
    best: tuple[float, Plane] | None = None
    for angle in ANGLES:
        radians = np.deg2rad(angle)
        normal = np.array([0.0, -np.cos(radians), -np.sin(radians)])
        offset = float(np.quantile(brain @ normal, 1 - _BEYOND)) + buffer
        # How far back the eye looks, along -y, until it meets the cut.
        moved = (skin @ normal - offset) / np.cos(radians)
        gone = float((moved.clip(0, 20) / 20 + (moved > _DEEP)).sum())
        if best is None or gone > best[0]:
            best = gone, Plane((0.0, float(normal[1]), float(normal[2])), offset, floor)
    if best is None:
        raise ValueError("a brain and an angle are needed")
    return best[1]

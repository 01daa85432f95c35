"""Is there a head, and where: from the outline of the tissue, plane by plane.

A head is a stretch of axial planes whose outline is as large as a head's. Limbs and necks can be
that too: what :func:`heads` finds are candidates, and the brain decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from imagehaven.deidentify.faces.volume import Grid, Volume, grid_of

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

COARSE: Final = 4.0
FINE: Final = 2.0
_AIR: Final = -300.0
"""Hounsfield units between air and fat."""
_AREA: Final = (45.0, 420.0)
"""Square centimetres of a head's outline in an axial plane, near the crown and through the nose."""
_WIDEST: Final = 250.0
_SHORTEST: Final = 24.0
_LONGEST: Final = 290.0
_SKULL_CAP: Final = 135.0
"""Millimetres below the crown that hold most of the brain, and little of the neck."""
_BRAIN_END: Final = 140.0
"""Millimetres below the crown where the brain has ended in MR: further down, BET finds the neck."""


@dataclass(frozen=True)
class Candidate:
    """Where a head may be: a box (mm, LPS), and whether its crown lies in the field of view."""

    least: tuple[float, float, float]
    most: tuple[float, float, float]
    crown: bool


@dataclass(frozen=True)
class Head:
    """A candidate on a fine grid: ``tissue`` without air inside, ``solid`` with it."""

    grid: Grid
    tissue: Mask
    solid: Mask
    top: int

    @property
    def low(self) -> int:
        """The plane below which there is no brain."""
        return max(0, self.top - int(_BRAIN_END / self.grid.step))

    @property
    def middle(self) -> Array:
        """The centre of the skull cap, in voxels."""
        low = max(0, self.top - int(_SKULL_CAP / self.grid.step))
        middle: Array = np.argwhere(self.solid[:, :, low:]).mean(0) + np.array([0, 0, low])
        return middle


def heads(volume: Volume, *, ct: bool) -> list[Candidate]:
    """Return every stretch of planes that has the size of a head, the uppermost first."""
    grid = grid_of(volume, COARSE)
    tissue = _tissue(grid, ct=ct)
    likely = np.zeros(grid.values.shape[2], np.bool_)
    for z in range(len(likely)):
        plane = scipy.ndimage.binary_fill_holes(_largest(tissue[:, :, z]))
        area = plane.sum() * grid.step**2 / 100
        if _AREA[0] <= area <= _AREA[1]:
            x, y = np.nonzero(plane)
            likely[z] = max(np.ptp(x), np.ptp(y)) * grid.step <= _WIDEST
    return [
        _candidate(grid, tissue, first, last)
        for first, last in reversed(_runs(likely))
        if (last - first + 1) * grid.step >= _SHORTEST
    ]


def head_at(volume: Volume, candidate: Candidate, *, ct: bool) -> Head:
    """Return a candidate on the fine grid."""
    box = (np.array(candidate.least), np.array(candidate.most))
    grid = grid_of(volume, FINE, box)
    tissue = _largest(_tissue(grid, ct=ct))
    solid = np.stack(
        [scipy.ndimage.binary_fill_holes(tissue[:, :, z]) for z in range(tissue.shape[2])], axis=2
    )
    large = np.flatnonzero(solid.sum((0, 1)) * grid.step**2 > 500)
    return Head(grid, tissue, solid, int(large.max()) if large.size else 0)


def _tissue(grid: Grid, *, ct: bool) -> Mask:
    """Return what is no air: by Hounsfield units, or as Smith's BET finds the edge of a head."""
    if ct:
        dense = grid.values > _AIR
    else:
        smooth = scipy.ndimage.gaussian_filter(grid.values, 2.0 / grid.step)
        low, high = np.percentile(smooth[grid.known], (2, 98))
        dense = smooth > low + 0.1 * (high - low)
    opened: Mask = scipy.ndimage.binary_opening(
        dense & grid.known, iterations=round(4.0 / grid.step)
    )
    return opened


def _largest(mask: Mask) -> Mask:
    labels, count = scipy.ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    found: Mask = labels == sizes.argmax()
    return found


def _runs(likely: Mask) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate([[0], likely.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _candidate(grid: Grid, tissue: Mask, first: int, last: int) -> Candidate:
    """Box a stretch of planes in: the crown above it, and room for a chin below."""
    x, y, _ = (axis.mean() * grid.step for axis in np.nonzero(tissue[:, :, first : last + 1]))
    above = tissue[:, :, last + 1 :].sum((0, 1)) * grid.step**2 / 100
    small = np.flatnonzero(above < 5)
    crown = bool(small.size) and float(above[: small[0]].max(initial=0)) <= _AREA[1]
    top = grid.origin[2] + (last + (small[0] if crown else 0) + 3) * grid.step
    middle = grid.origin[:2] + np.array([x, y])
    return Candidate(
        (float(middle[0] - 150), float(middle[1] - 170), float(top - _LONGEST)),
        (float(middle[0] + 150), float(middle[1] + 170), float(top)),
        crown,
    )

"""The brain within a head, found and then doubted: its mask, and every reason not to believe it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from imagehaven.deidentify.faces.brain import SHARE, Surface, brain_surface, within
from imagehaven.deidentify.faces.head import Head
from imagehaven.deidentify.faces.volume import Grid, Volume, grid_of

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SOFT: Final = (-30.0, 110.0)
_BONE: Final = 250.0
_OPENING: Final = 6.0
_LOWER_IN_CT: Final = 14.0
_BLUR: Final = 0.6
_ASIDE: Final = 10.0
"""Both halves of a brain make its frontal pole: one further (mm) to a side is a leak into an orbit,
and the nose would be looked for beside the nose."""
_COVER: Final = 7.0
"""Scalp and skull (mm) that lie over every brain, a child's too: less would be a leak."""


@dataclass(frozen=True)
class Brain:
    """A brain mask on the grid of its head; ``pole`` is the plane [z] of the frontal pole."""

    mask: Mask
    step: float

    @property
    def points(self) -> Array:
        """The mask's voxels, in mm from the grid's first voxel."""
        found: Array = np.argwhere(self.mask).astype(np.float64) * self.step
        return found

    @property
    def pole(self) -> Array:
        """The middle of the foremost 6 mm of the brain, in mm from the grid's first voxel."""
        points = self.points
        front: Array = points[points[:, 1] <= points[:, 1].min() + 6].mean(0)
        return front


def brain_of(volume: Volume, head: Head, *, ct: bool, share: float = SHARE) -> Brain:
    """Find the brain of ``head``; always gives a mask, which :func:`doubts` must look at.

    ``share`` is that of :func:`brain_surface`.
    """
    grid = head.grid
    if ct:
        soft = (volume.values > _SOFT[0]) & (volume.values < _SOFT[1])
        values = _again(volume, soft.astype(np.float32) * 100, grid)
    else:
        # Bright fluid would outshine the thin dark bone beside it: nothing above brain is needed.
        # Blurring then makes the dark fluid in narrow sulci brighter than bone.
        dull = np.minimum(volume.values, 1.25 * _middle(head))
        values = _again(volume, scipy.ndimage.gaussian_filter(dull, volume.voxels(_BLUR)), grid)
    shown = np.where(head.solid, values, 0).astype(np.float32)
    # Bone holds the surface in CT, where a raised chin may bring the brain further down.
    low = max(0, head.low - (round(_LOWER_IN_CT / grid.step) if ct else 0))
    shown[:, :, :low] = 0
    surface = brain_surface(shown, grid.step, head.middle, share=share)
    covered = _depth(head) >= _COVER
    covered[:, :, :low] = False
    mask = _filled(surface, covered, grid.step)
    return Brain(
        scipy.ndimage.binary_opening(mask, iterations=round(_OPENING / grid.step)), grid.step
    )


def doubts(head: Head, brain: Brain, volume: Volume, *, ct: bool) -> list[str]:
    """Return what speaks against the mask being a whole brain in its skull; empty is believed."""
    step, mask = brain.step, brain.mask
    size = mask.sum() * step**3 / 1000
    if not 500 <= size <= 2300:
        return ["its size is not that of a brain"]
    found = []
    points = brain.points
    wide, long, tall = np.ptp(points, axis=0)
    if not (95 <= wide <= 185 and 110 <= long <= 225 and 55 <= tall <= 190):
        found.append("its extent is not that of a brain")
    if _symmetry(mask) < 0.85:
        found.append("it is not symmetric")
    if abs(float(brain.pole[0] - points[:, 0].mean())) > _ASIDE:
        found.append("its frontal pole does not lie in the middle")
    depth = _depth(head)
    shell = mask & ~scipy.ndimage.binary_erosion(mask)
    shell[:, :, : int(points[:, 2].mean() / step)] = False
    if not float(np.median(depth[shell])) <= 30:
        found.append("it does not lie under a scalp and a skull")
    x, y, z = (brain.pole / step).astype(int)
    front = np.flatnonzero(head.solid[x, :, z])
    if not front.size or not (y - front.min()) * step <= 45:
        found.append("no forehead lies in front of it")
    low = points[points[:, 2] <= np.quantile(points[:, 2], 0.05)]
    if float(low[:, 1].mean() - points[:, 1].mean()) < -5:
        found.append("its stem does not lie at the back")
    if ct and _in_bone(volume, head, brain) < 0.6:
        found.append("no skull encloses it")
    return found


def _middle(head: Head) -> float:
    """The middle value of what lies deep in the skull cap: brain, whatever the contrast."""
    ball = head.tissue & within(head.solid.shape, head.middle, 45.0 / head.grid.step)
    return float(np.median(head.grid.values[ball])) if ball.any() else float("inf")


def _again(volume: Volume, values: npt.NDArray[np.float32], grid: Grid) -> npt.NDArray[np.float32]:
    """Sample other values of the volume where ``grid`` was sampled."""
    end = grid.origin + (np.array(grid.values.shape) - 1) * grid.step
    box = (grid.origin, end + grid.step / 2)
    again = grid_of(replace(volume, values=values), grid.step, box)
    return again.values


def _depth(head: Head) -> Array:
    """Return how deep (mm) each voxel lies under the skin, or under the end of the known."""
    depth: Array = scipy.ndimage.distance_transform_edt(np.pad(head.solid, 1))[1:-1, 1:-1, 1:-1]
    return depth * head.grid.step


def _filled(surface: Surface, asked: Mask, step: float) -> Mask:
    """Return the ``asked`` voxels inside a surface that no ray from its middle crosses twice."""
    middle = surface.points.mean(0)
    ways = surface.points - middle
    radii = np.linalg.norm(ways, axis=1)
    where = np.argwhere(asked)
    voxels = where * step - middle
    away = np.linalg.norm(voxels, axis=1)
    distance, found = scipy.spatial.cKDTree(ways / radii[:, None]).query(
        voxels / np.maximum(away, 1e-6)[:, None], k=3
    )
    weight = 1 / np.maximum(distance, 1e-6)
    inside = where[away < (radii[found] * weight).sum(1) / weight.sum(1)]
    mask = np.zeros_like(asked)
    mask[tuple(inside.T)] = True
    return mask


def _symmetry(mask: Mask) -> float:
    """Dice of the mask and its mirror image over its own middle."""
    middle = float(np.argwhere(mask.any((1, 2))).mean())
    mirrored = np.take(
        mask, np.rint(2 * middle - np.arange(mask.shape[0])).astype(int), 0, mode="clip"
    )
    return float(2 * (mask & mirrored).sum() / (mask.sum() + mirrored.sum()))


def _in_bone(volume: Volume, head: Head, brain: Brain) -> float:
    """The share of the upper brain's surface that has bone within 14 mm outside it."""
    bone = _again(volume, (volume.values > _BONE).astype(np.float32), head.grid) > 0.3
    near = scipy.ndimage.binary_dilation(bone, iterations=round(14 / brain.step))
    shell = brain.mask & ~scipy.ndimage.binary_erosion(brain.mask)
    shell[:, :, : int(brain.points[:, 2].mean() / brain.step)] = False
    return float(near[shell].mean()) if shell.any() else 0.0

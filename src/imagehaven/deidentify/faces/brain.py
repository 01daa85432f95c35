"""Where the brain is: the deformable surface of Smith (Human Brain Mapping 17:143, 2002), "BET".

A sphere within the head is pushed outwards while it sees brain and held where it sees the dark
skull; smoothness keeps it from leaking. It needs no weights and no particular contrast: it is used
here for MR of any weighting, and for CT after bone and air were set to zero (Muschelli, NeuroImage
114:379, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHARE: Final = 0.5
"""Half of the local brightness is dark, unless said otherwise (b_t in the paper)."""
_STEPS: Final = 600
_SPLITS: Final = 3
_DEEP, _NEAR = 20.0, 10.0
"""How far (mm) inside the surface the darkest and the brightest value are looked for."""
_SHARPEST, _FLATTEST = 3.33, 10.0
"""Radii of curvature (mm) between which smoothing rises from little to full."""


@dataclass(frozen=True)
class Surface:
    """A closed surface of triangles: ``points`` (n x 3, mm) and ``faces`` (m x 3 indices)."""

    points: Array
    faces: npt.NDArray[np.intp]

    def volume(self) -> float:
        """Return the enclosed volume in cubic centimetres (divergence theorem)."""
        a, b, c = (self.points[self.faces[:, corner]] for corner in range(3))
        return float(abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6000)


def brain_surface(
    values: npt.NDArray[np.float32], step: float, start: Array, *, share: float = SHARE
) -> Surface:
    """Return the surface of the brain in ``values``, whose voxels are cubes of ``step`` mm.

    ``start`` is the centre of the head in voxels; ``share`` is the fraction of the local brightness
    below which it is taken to be dark, BET's main parameter: more gives a smaller brain. Points
    come in mm from the centre of the first voxel. The surface is always a closed one; whether it
    is that of a brain is for :func:`imagehaven.deidentify.faces.skull.doubts` to say.
    """
    sphere, faces, neighbours = _sphere(_SPLITS)
    low, high = (float(value) for value in np.percentile(values, (2, 98)))
    edge = low + 0.1 * (high - low)
    inside = values > edge
    radius = step * (3 * float(inside.sum()) / (4 * np.pi)) ** (1 / 3)
    ball = inside & within(values.shape, start, radius / step)
    middle = float(np.median(values[ball])) if ball.any() else edge
    points = start * step + sphere * radius / 2
    sample = _Sampler(values, step)
    for _ in range(_STEPS):
        points = points + _push(points, faces, neighbours, sample, (low, edge, middle, share))
    return Surface(points, faces)


def within(shape: tuple[int, ...], centre: Array, radius: float) -> npt.NDArray[np.bool_]:
    """Return the voxels of a ball; centre and radius in voxels."""
    x, y, z = (np.arange(size) - middle for size, middle in zip(shape, centre, strict=True))
    away = x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2
    ball: npt.NDArray[np.bool_] = away < radius**2
    return ball


def _push(
    points: Array,
    faces: npt.NDArray[np.intp],
    neighbours: npt.NDArray[np.intp],
    sample: _Sampler,
    levels: tuple[float, float, float, float],
) -> Array:
    """One step: how far each point moves, in mm (equations 4 to 13 of the paper)."""
    low, edge, middle, share = levels
    around = points[neighbours]
    length = np.linalg.norm(around - points[:, None], axis=2).mean()
    normal = _normals(points, faces)
    to_mean = around.mean(1) - points
    along = np.einsum("ij,ij->i", to_mean, normal)
    tangential = to_mean - along[:, None] * normal
    curvature = 2 * np.abs(along) / length**2
    middle_radius = (1 / _SHARPEST + 1 / _FLATTEST) / 2
    scale = 6 / (1 / _SHARPEST - 1 / _FLATTEST)
    smooth = (1 + np.tanh(scale * (curvature - middle_radius))) / 2
    darkest, brightest = sample.inwards(points, normal)
    darkest = np.maximum(low, np.minimum(middle, darkest))
    brightest = np.minimum(middle, np.maximum(edge, brightest))
    wanted = (brightest - low) * share + low
    pull = 2 * (darkest - wanted) / np.maximum(brightest - low, 1e-6)
    outwards = smooth * along + 0.05 * pull * length
    moved: Array = 0.5 * tangential + outwards[:, None] * normal
    return moved


class _Sampler:
    """The values along the inward normals of a surface, nearest voxel, zero outside."""

    def __init__(self, values: npt.NDArray[np.float32], step: float) -> None:
        self._values = np.pad(values, 1)
        self._step = step
        self._depths = np.arange(1, int(_DEEP / step) + 1) * step
        self._near = int(_NEAR / step)

    def inwards(self, points: Array, normals: Array) -> tuple[Array, Array]:
        """Return the least value within 20 mm and the greatest within 10 mm below each point."""
        where = points[:, None] - self._depths[:, None] * normals[:, None]
        index = np.rint(where / self._step).astype(np.intp) + 1
        np.clip(index, 0, np.array(self._values.shape) - 1, out=index)
        found = self._values[index[..., 0], index[..., 1], index[..., 2]].astype(np.float64)
        return found.min(1), found[:, : self._near].max(1)


def _normals(points: Array, faces: npt.NDArray[np.intp]) -> Array:
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], flat)
    unit: Array = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return unit


@cache
def _sphere(splits: int) -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return a unit sphere: an icosahedron, each triangle cut in four ``splits`` times.

    The third array lists six neighbours of each point; the twelve points that have five repeat one.
    """
    golden = (1 + 5**0.5) / 2
    corners = np.array([(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)])
    points = np.concatenate([np.roll(corners, turn, axis=1) for turn in range(3)])
    faces = _hull_faces(points)
    for _ in range(splits):
        points, faces = _split(points, faces)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    neighbours: list[set[int]] = [set() for _ in points]
    for face in faces.tolist():
        for one in face:
            neighbours[one].update(set(face) - {one})
    table = [[*sorted(near), *sorted(near)][:6] for near in neighbours]
    return points, faces, np.array(table, np.intp)


def _hull_faces(points: Array) -> npt.NDArray[np.intp]:
    """The 20 triangles of an icosahedron, each turned outwards: three corners two apart."""
    near = np.isclose(np.linalg.norm(points[:, None] - points, axis=2), 2)
    faces = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if near[a, b] and near[b, c] and near[a, c]:
                    outwards = np.dot(np.cross(points[b], points[c]), points[a]) > 0
                    faces.append((a, b, c) if outwards else (a, c, b))
    return np.array(faces, np.intp)


def _split(points: Array, faces: npt.NDArray[np.intp]) -> tuple[Array, npt.NDArray[np.intp]]:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    middles = points[unique].mean(1)
    middles *= np.linalg.norm(points[0]) / np.linalg.norm(middles, axis=1, keepdims=True)
    ab, bc, ca = place.reshape(-1).reshape(3, -1) + len(points)
    a, b, c = faces.T
    parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.concatenate([points, middles]), np.concatenate([np.stack(p, 1) for p in parts])

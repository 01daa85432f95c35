"""From the frames of a series to a volume, and to a regular grid that faces the standard way.

Slices are sorted by where they lie. Several at one place (echoes, directions, time points) are
averaged; uneven steps and a tilted gantry are kept as they are; what does not fill space, such as a
localiser of three planes, is :class:`NotAVolume`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from imagehaven.deidentify.faces.slices import NotAVolume, Slice

Array = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]

_FINEST: Final = 1.5
"""Pixels are averaged in blocks up to this size (mm): a face is found in a small copy."""
_SAME_PLACE: Final = 0.1
_WIDEST_GAP: Final = 12.0
_BENT: Final = 1.5
_FEWEST: Final = 6


@dataclass(frozen=True)
class Volume:
    """Averaged slices (``values``: slices x rows x columns) and where they lie (mm, LPS).

    ``places`` are distances along ``normal``, ascending; ``corners`` the first pixel's centre of
    each slice; ``along_row`` and ``along_column`` steps from pixel to pixel.
    """

    values: Values
    places: Array
    corners: Array
    normal: Array
    along_row: Array
    along_column: Array

    def voxels(self, size: float) -> tuple[float, float, float]:
        """Return ``size`` mm in slices, rows and columns."""
        between = float(np.median(np.diff(self.places)))
        row, column = (float(np.linalg.norm(way)) for way in (self.along_column, self.along_row))
        return size / between, size / row, size / column


@dataclass(frozen=True)
class Grid:
    """A volume on cubes of ``step`` mm: ``values`` [x, y, z] to the left, back and top (LPS).

    ``known`` says where the volume reaches; elsewhere ``values`` holds the least value.
    ``origin`` is the place of the first voxel.
    """

    values: Values
    known: npt.NDArray[np.bool_]
    origin: Array
    step: float


def small(slice_: Slice, pixels: npt.NDArray[np.generic]) -> tuple[Slice, Values]:
    """Average a frame's pixels in blocks, so that they are about 1.5 mm wide at most."""
    size = min(float(np.linalg.norm(way)) for way in (slice_.along_row, slice_.along_column))
    block = max(1, int(_FINEST / size))
    rows, columns = slice_.rows // block, slice_.columns // block
    if min(rows, columns) < 4:
        raise NotAVolume("a frame has too few pixels")
    cut = pixels[: rows * block, : columns * block].astype(np.float32)
    mean = cut.reshape(rows, block, columns, block).mean((1, 3), dtype=np.float32)
    along_row, along_column = np.array(slice_.along_row), np.array(slice_.along_column)
    middle = np.array(slice_.position) + (along_row + along_column) * (block - 1) / 2
    ways = (tuple(middle), tuple(along_row * block), tuple(along_column * block))
    return Slice(slice_.frame, *ways, rows, columns), mean


def volume_of(frames: Iterable[tuple[Slice, Values]]) -> Volume:
    """Assemble the (small) frames of one series; raises :class:`NotAVolume`."""
    found = list(frames)
    if not found:
        raise NotAVolume("the series has no frame with a place")
    first = found[0][0]
    along_row, along_column = np.array(first.along_row), np.array(first.along_column)
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    for slice_, _ in found:
        alike = np.allclose(slice_.along_row, along_row, atol=0.002) and np.allclose(
            slice_.along_column, along_column, atol=0.002
        )
        if not alike or (slice_.rows, slice_.columns) != (first.rows, first.columns):
            raise NotAVolume("its frames differ in orientation, spacing or size")
    places = np.array([float(normal @ np.array(slice_.position)) for slice_, _ in found])
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order], prepend=-np.inf) > _SAME_PLACE)
    groups = np.split(order, starts[1:])
    if len(groups) < _FEWEST:
        raise NotAVolume("it has too few slices")
    at = np.array([places[group].mean() for group in groups])
    if float(np.diff(at).max()) > _WIDEST_GAP:
        raise NotAVolume("slices are missing, or far apart")
    corners = np.array([np.mean([found[i][0].position for i in group], axis=0) for group in groups])
    _check_straight(at, corners)
    values = np.stack(
        [np.mean([found[i][1] for i in group], axis=0, dtype=np.float32) for group in groups]
    )
    return Volume(values, at, corners, normal, along_row, along_column)


def _check_straight(places: Array, corners: Array) -> None:
    """Refuse slices that do not lie one over the other; a constant tilt is a straight line."""
    share = (places - places[0]) / (places[-1] - places[0])
    line = corners[0] + share[:, None] * (corners[-1] - corners[0])
    if float(np.abs(corners - line).max()) > _BENT:
        raise NotAVolume("its slices do not lie one over the other")


def grid_of(volume: Volume, step: float, box: tuple[Array, Array] | None = None) -> Grid:
    """Sample a volume on cubes of ``step`` mm, the whole or what lies in ``box`` (least, most)."""
    least, most = _bounds(volume)
    if box is not None:
        least, most = np.maximum(least, box[0]), np.minimum(most, box[1])
    shape = np.maximum(np.floor((most - least) / step).astype(int) + 1, 1)
    count, rows, columns = volume.values.shape
    values = np.empty(shape, np.float32)
    known = np.empty(shape, np.bool_)
    y, z = (least[axis] + np.arange(shape[axis]) * step for axis in (1, 2))
    for number in range(shape[0]):
        points = np.empty((shape[1], shape[2], 3))
        points[..., 0] = least[0] + number * step
        points[..., 1], points[..., 2] = y[:, None], z[None, :]
        k, row, column = _indices(volume, points)
        known[number] = (
            (k >= -0.5) & (k <= count - 0.5)
            & (row >= -0.5) & (row <= rows - 0.5)
            & (column >= -0.5) & (column <= columns - 0.5)
        )  # fmt: skip
        values[number] = scipy.ndimage.map_coordinates(
            volume.values, [k, row, column], order=1, mode="nearest"
        )
    values[~known] = volume.values.min()
    return Grid(values, known, least, step)


def _indices(volume: Volume, points: Array) -> tuple[Array, Array, Array]:
    """Return where points lie, in slices, rows and columns."""
    at = points @ volume.normal
    numbers = np.arange(len(volume.places), dtype=np.float64)
    k = np.interp(at, volume.places, numbers)
    first, last = volume.places[1] - volume.places[0], volume.places[-1] - volume.places[-2]
    k = np.where(at < volume.places[0], (at - volume.places[0]) / first, k)
    k = np.where(at > volume.places[-1], numbers[-1] + (at - volume.places[-1]) / last, k)
    corner = np.stack(
        [np.interp(k, numbers, volume.corners[:, axis]) for axis in range(3)], axis=-1
    )
    away = points - corner
    row_square = float(volume.along_row @ volume.along_row)
    column_square = float(volume.along_column @ volume.along_column)
    return k, away @ volume.along_column / column_square, away @ volume.along_row / row_square


def _bounds(volume: Volume) -> tuple[Array, Array]:
    _, rows, columns = volume.values.shape
    ends = [
        corner + row * volume.along_column + column * volume.along_row
        for corner in (volume.corners[0], volume.corners[-1])
        for row in (0, rows - 1)
        for column in (0, columns - 1)
    ]
    return np.min(ends, axis=0), np.max(ends, axis=0)

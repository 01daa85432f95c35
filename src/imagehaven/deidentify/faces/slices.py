"""Where each frame lies in the patient (PS3.3 C.7.6.2; C.7.6.16.2.3 and .4 for multi-frame)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

Array = npt.NDArray[np.float64]


class NotAVolume(Exception):
    """The frames of a series do not fill a part of space; the argument says why, without values."""


@dataclass(frozen=True)
class Slice:
    """The place of one frame, in mm and LPS.

    ``position`` is the centre of the first pixel, ``along_row`` the way from one column to the
    next and ``along_column`` from one row to the next, pixel spacing included.
    """

    frame: int
    position: tuple[float, float, float]
    along_row: tuple[float, float, float]
    along_column: tuple[float, float, float]
    rows: int
    columns: int

    def beyond(self, normal: tuple[float, float, float]) -> Array:
        """Return ``normal . point`` for each pixel, rows x columns."""
        way = np.array(normal)
        across = np.arange(self.columns) * float(way @ np.array(self.along_row))
        down = np.arange(self.rows) * float(way @ np.array(self.along_column))
        found: Array = float(way @ np.array(self.position)) + down[:, None] + across[None, :]
        return found


def slices_of(dataset: Dataset) -> list[Slice]:
    """Return the place of every frame; raises :class:`NotAVolume` where one is not given."""
    rows, columns = int(dataset.get("Rows", 0)), int(dataset.get("Columns", 0))
    if not (rows > 0 and columns > 0):
        raise NotAVolume("Rows or Columns is absent")
    try:
        return [_slice(number, groups, rows, columns) for number, groups in _frames(dataset)]
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError):
        raise NotAVolume("a frame's position, orientation or spacing cannot be read") from None


def _frames(dataset: Dataset) -> Iterator[tuple[int, tuple[Any, Any, Any]]]:
    """Yield each frame's number with its position, orientation and pixel spacing."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None:
        if int(dataset.get("NumberOfFrames") or 1) != 1:
            raise NotAVolume("frames without functional groups have no position")
        yield (
            0,
            tuple(
                dataset.get(keyword)
                for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
            ),
        )
        return
    if len(per_frame) != int(dataset.get("NumberOfFrames") or 1):
        raise NotAVolume("the functional groups are not as many as the frames")
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    for number, own in enumerate(per_frame):
        yield (
            number,
            (
                _group(own, shared, "PlanePositionSequence", "ImagePositionPatient"),
                _group(own, shared, "PlaneOrientationSequence", "ImageOrientationPatient"),
                _group(own, shared, "PixelMeasuresSequence", "PixelSpacing"),
            ),
        )


def _group(own: Dataset, shared: Dataset, sequence: str, keyword: str) -> Any:
    for groups in (own, shared):
        items = groups.get(sequence)
        if items:
            return items[0].get(keyword)
    return None


def _slice(number: int, groups: tuple[Any, Any, Any], rows: int, columns: int) -> Slice:
    position, orientation, spacing = ([float(value) for value in group or ()] for group in groups)
    if (len(position), len(orientation), len(spacing)) != (3, 6, 2):
        raise NotAVolume("a frame has no position, orientation or pixel spacing")
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    sound = np.isfinite([*position, *orientation, *spacing]).all() and min(spacing) > 0.01
    square = abs(float(row @ column)) < 0.01 and all(
        abs(float(np.linalg.norm(way)) - 1) < 0.01 for way in (row, column)
    )
    if not (sound and square):
        raise NotAVolume("a frame's orientation or pixel spacing makes no sense")
    x, y, z = position
    return Slice(
        number,
        (x, y, z),
        _triple(row * spacing[1]),
        _triple(column * spacing[0]),
        rows,
        columns,
    )


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def rescale_of(dataset: Dataset, frame: int) -> tuple[float, float] | None:
    """Return slope and intercept of a frame (PS3.3 C.11.1), None where they are not given."""
    holders = [dataset]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is not None:
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        groups = (per_frame[frame], shared)
        holders = [
            item for group in groups for item in group.get("PixelValueTransformationSequence") or ()
        ]
    for holder in holders:
        slope, intercept = holder.get("RescaleSlope"), holder.get("RescaleIntercept")
        if slope is not None and intercept is not None and float(slope) != 0:
            return float(slope), float(intercept)
    return None

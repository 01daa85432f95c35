"""Real frames to draw on: those that the detector's training has left out, as stored.

A file whose name hashes (SHA-256) to a first digit c to f was kept out of training. Some images
exist in several encodings under several names; a frame whose look is that of a training file is
marked, so that coverage on frames never seen in any encoding can be told apart.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
import yaml
from pydicom.pixels import apply_color_lut

from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames, decoded_photometric, shape_of, values_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Outcome

Array = npt.NDArray[Any]

HELD_OUT = "cdef"
SMALLEST_SIDE = 64
FRAMES_OF_A_FILE = 2
MOST_OF_ONE_FOLDER = 4
_THUMBNAIL = (24, 24)
_ALIKE = 0.995
_SAME = 0.9999
_KINDS = {"DX": "CR/DX", "CR": "CR/DX", "OT": "SC", "SC": "SC"}


@dataclass(frozen=True)
class Background:
    """A frame without planted text: values (rows x columns, or x 3 of 8 bits in RGB).

    ``low`` and ``high`` are the values that a viewer shows as black and as white. ``text_free``
    says that somebody looked and saw no text in it; ``seen`` that training had the same image in
    another encoding.
    """

    name: str
    modality: str
    values: Array
    low: float
    high: float
    bits: int
    text_free: bool
    seen: bool = False


def backgrounds(shared: Path | None) -> list[Background]:
    """Return the frames left out of training, of all places, each image once."""
    found: list[Background] = []
    files = list(_files(shared))
    for path in files:
        if not is_held_out(path):
            continue
        for frame in _frames(path):
            if not any(_alike(frame, other) for other in found):
                found.append(frame)
    shapes = {frame.values.shape[:2] for frame in found}
    trained = [one for path in files if not is_held_out(path) for one in _looks(path, shapes)]
    return [_marked(frame, trained) for frame in found]


def is_held_out(path: Path) -> bool:
    """Say whether training has left a file out, by its name."""
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[0] in HELD_OUT


def thumbnail(values: Array) -> Array:
    """Return what an image looks like from afar: a small grey picture of mean 0 and norm 1."""
    grey = values.astype(np.float32)
    grey = grey.mean(-1) if grey.ndim == 3 else grey
    small = cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return small / norm if norm else small


def _alike(frame: Background, other: Background) -> bool:
    same = frame.values.shape[:2] == other.values.shape[:2] and frame.modality == other.modality
    return same and float((thumbnail(frame.values) * thumbnail(other.values)).sum()) > _SAME


def _marked(frame: Background, trained: list[tuple[tuple[int, ...], Array]]) -> Background:
    own = thumbnail(frame.values)
    alike = (
        shape == frame.values.shape[:2] and abs(float((look * own).sum())) > _ALIKE
        for shape, look in trained
    )
    return Background(**{**vars(frame), "seen": any(alike)})


def _looks(path: Path, shapes: set[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], Array]]:
    with quiet_pydicom():
        try:
            told = pydicom.dcmread(path, stop_before_pixels=True)
            shape = (int(told.Rows), int(told.Columns))
        except (pydicom.errors.InvalidDicomError, AttributeError, TypeError, ValueError):
            return
    if shape in shapes:
        for frame in _frames(path):
            yield shape, thumbnail(frame.values)


def _files(shared: Path | None) -> Iterator[Path]:
    folders = []
    for package in ("pydicom", "data_store"):
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            folders.append(Path(spec.submodule_search_locations[0]) / "data")
    for folder in [*folders, *([shared] if shared else [])]:
        taken: Counter[tuple[Path, bool]] = Counter()
        for path in sorted(folder.rglob("*")):
            key = (path.parent, is_held_out(path))
            series = path.parent.name.startswith("series_")
            if path.is_file() and not (series and taken[key] >= MOST_OF_ONE_FOLDER):
                taken[key] += 1
                yield path


def _frames(path: Path) -> Iterator[Background]:
    with quiet_pydicom():
        try:
            yield from _decoded(path)
        except (Outcome, OSError, AttributeError, ValueError, TypeError, KeyError):
            return


def _decoded(path: Path) -> Iterator[Background]:
    with path.open("rb") as stream:
        header = read_header(stream, path.stat().st_size)
    if header.pixel_tag != 0x7FE00010:
        return
    shape = shape_of(header)
    if min(shape.rows, shape.columns) < SMALLEST_SIDE or shape.bits == 1:
        return
    dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    photometric = decoded_photometric(shape, header.transfer_syntax)
    kind = str(dataset.get("Modality", "OT"))
    if kind in ("SEG", "RTDOSE"):
        return
    free = path.name in without_text() or (
        kind in ("CT", "MR", "PT", "NM") and shape.stored > 8 and shape.samples == 1
    )
    step = max(1, shape.frames // FRAMES_OF_A_FILE)
    for frame in islice(decode_frames(path, header), 0, step * FRAMES_OF_A_FILE, step):
        values = values_of(frame, shape)
        if photometric == "PALETTE COLOR":
            values = _painted(values, dataset)
        elif shape.samples > 1:
            values = _rgb(values[..., :3], photometric, shape.stored)
        elif photometric == "MONOCHROME1":
            values = values.max() - values
        low, high, bits = 0.0, 255.0, 8
        if values.ndim == 2:
            low, high = window(values, dataset, inverted=photometric == "MONOCHROME1")
            bits = shape.stored
        if high > low:
            modality = _KINDS.get(kind, kind if kind != "None" else "SC")
            yield Background(path.name, modality, values, low, high, bits, free)


def window(values: Array, dataset: pydicom.Dataset, *, inverted: bool) -> tuple[float, float]:
    """Return the values that a viewer shows as black and white: the header's, where they fit."""
    if not inverted and "WindowCenter" in dataset and "WindowWidth" in dataset:
        centre, width = (
            float(np.atleast_1d(dataset[keyword].value)[0])
            for keyword in ("WindowCenter", "WindowWidth")
        )
        slope = float(dataset.get("RescaleSlope", 1) or 1)
        offset = float(dataset.get("RescaleIntercept", 0) or 0)
        low, high = ((centre + side * width / 2 - offset) / slope for side in (-1, 1))
        if np.mean((values > low) & (values < high)) > 0.05 and low >= values.min() - width:
            return low, high
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def _painted(values: Array, dataset: pydicom.Dataset) -> Array:
    painted = apply_color_lut(values.astype(np.uint16), dataset)
    return (painted >> 8 if painted.dtype.itemsize > 1 else painted).astype(np.uint8)


def _rgb(values: Array, photometric: str, bits: int) -> Array:
    eight = values.astype(np.float32) * (255 / (2**bits - 1))
    if photometric.startswith("YBR"):
        y, b, r = eight[..., 0], eight[..., 1] - 128, eight[..., 2] - 128
        eight = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], -1)
    return np.clip(eight + 0.5, 0, 255).astype(np.uint8)


def without_text() -> frozenset[str]:
    """Return the names of further held-out files in which somebody looked and saw no text."""
    told = yaml.safe_load(Path(__file__).with_name("without_text.yaml").read_text("utf-8"))
    return frozenset(told["files"])

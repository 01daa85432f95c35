"""Blanking areas changes them and nothing else, in every encoding of pixels that can be decoded."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

import made_pixels as made
from imagehaven.deidentify.pixels.areas import fitted
from imagehaven.dicom import quiet_pydicom
from imagehaven.dicom.pixels import shape_of
from redacting import AREAS, frames_of, header_of, redacted


def check(source: Dataset, new: bytes, *, only: int | None = None) -> None:
    """Compare frame by frame: the same outside the areas, one colour inside them."""
    header = header_of(made.as_bytes(source))
    shape = shape_of(header)
    before, after = frames_of(made.as_bytes(source)), frames_of(new)
    assert len(before) == len(after) == shape.frames
    inside = np.zeros((shape.rows, shape.columns), np.bool_)
    for area in fitted(AREAS, shape):
        inside[area.top : area.bottom, area.left : area.right] = True
    for number, (old, now) in enumerate(zip(before, after, strict=True)):
        blank = inside if only in (None, number) else np.zeros_like(inside)
        assert old.shape == now.shape
        assert np.array_equal(old[~blank], now[~blank])
        if blank.any():
            assert len(np.unique(now[blank].reshape(int(blank.sum()), -1), axis=0)) == 1


NATIVE = {
    "grey": made.GREY,
    "grey 16": made.GREY16,
    "inverted 12": made.INVERTED,
    "signed": made.SIGNED,
    "signed 12": made.SIGNED12,
    "32 bits": made.Kind(bits=32, stored=32),
    "palette": made.PALETTE,
    "RGB": made.RGB,
    "RGB by plane": made.Kind("RGB", planar=1),
    "RGB 16 by plane": made.Kind("RGB", 16, 16, planar=1),
    "YBR_FULL": made.YBR,
    "YBR_FULL by plane": made.Kind("YBR_FULL", planar=1),
    "YBR_FULL_422": made.Kind("YBR_FULL_422"),
    "one bit": made.Kind(bits=1, stored=1),
    "odd": made.Kind(rows=5, columns=27),
    "one bit odd": made.Kind(bits=1, stored=1, rows=13, columns=29),
}


@pytest.mark.parametrize("syntax", [made.IMPLICIT, made.EXPLICIT, made.DEFLATED, made.BIG])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("name", NATIVE)
def test_native_pixels_change_in_the_areas_only(
    name: str, frames: int, syntax: str, tmp_path: Path
) -> None:
    kind = made.Kind(**{**vars(NATIVE[name]), "frames": frames})
    source = made.native(kind, syntax)
    new = redacted(source, tmp_path)
    check(source, new)
    with quiet_pydicom():
        theirs = pydicom.dcmread(io.BytesIO(new)).pixel_array
        assert theirs.shape == pydicom.dcmread(io.BytesIO(made.as_bytes(source))).pixel_array.shape
    assert len(pydicom.dcmread(io.BytesIO(new)).PixelData) == len(source.PixelData)


@pytest.mark.parametrize("name", NATIVE)
def test_a_frame_without_text_keeps_every_byte(name: str, tmp_path: Path) -> None:
    source = made.native(made.Kind(**{**vars(NATIVE[name]), "frames": 3}), made.EXPLICIT)
    new = redacted(source, tmp_path, only=1)
    check(source, new, only=1)


@pytest.mark.parametrize("table", ["basic", "extended", "none", "fragmented"])
@pytest.mark.parametrize("name", made.COMPRESSED)
def test_compressed_pixels_change_in_the_areas_only(name: str, table: str, tmp_path: Path) -> None:
    source = made.compressed(name, 3, table=table)
    new = redacted(source, tmp_path)
    check(source, new)

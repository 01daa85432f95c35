"""A scanner's picture is taken to hold no text, unless somebody may have drawn on it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.data import get_testdata_file

from imagehaven.deidentify import Pseudonyms, deidentify_file, load
from imagehaven.deidentify.pixels.drawn import may_be_drawn_on
from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames, shape_of
from imagehaven.dicom.quiet import quiet_pydicom

SCANNED = ["CT_small.dcm", "MR_small.dcm", "693_J2KI.dcm", "MR_small_RLE.dcm"]


def _scanned(name: str) -> pydicom.Dataset:
    """A real file as a known scanner acquired it, which denies that there is text in it."""
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.BurnedInAnnotation = "NO"
    return dataset


def _as_bytes(dataset: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    with quiet_pydicom():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _judged(data: bytes) -> bool:
    header = read_header(BytesIO(data), len(data))
    return may_be_drawn_on(decode_frames(BytesIO(data), header), shape_of(header))


def _with_text(dataset: pydicom.Dataset) -> np.ndarray:
    """The pixels with a name in the brightest value that the frame holds."""
    pixels = dataset.pixel_array.repeat(2, 0).repeat(2, 1)
    page = Image.new("L", pixels.shape[::-1])
    ImageDraw.Draw(page).text((4, 4), "Macfarlane, Fiona", fill=255, font_size=18)
    drawn = pixels.copy()
    drawn[np.asarray(page) > 127] = pixels.max() + pixels.max() // 4
    return drawn


@pytest.mark.parametrize("name", SCANNED)
def test_what_a_scanner_measures_looks_like_no_drawing(name: str) -> None:
    assert not _judged(_as_bytes(_scanned(name)))


def test_a_frame_of_one_value_is_no_drawing() -> None:
    dataset = _scanned("CT_small.dcm")
    dataset.PixelData = np.full_like(dataset.pixel_array, 900).tobytes()
    assert not _judged(_as_bytes(dataset))


def test_text_on_an_acquired_picture_is_seen_and_blanked(tmp_path: Path) -> None:
    dataset = _scanned("CT_small.dcm")
    drawn = _with_text(dataset)
    dataset.Rows, dataset.Columns = drawn.shape
    dataset.PixelData = drawn.astype("<i2").tobytes()
    data = _as_bytes(dataset)
    assert _judged(data)
    made = deidentify_file(BytesIO(data), tmp_path, load("research"), Pseudonyms(b"k" * 32))
    new = pydicom.dcmread(tmp_path / made.path)
    assert not (new.pixel_array == drawn.max()).any()
    assert (new.pixel_array == drawn).mean() > 0.8

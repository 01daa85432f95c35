"""Text that is burned into pixels does not leave, wherever and however it is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

import made_pixels as made
from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file
from imagehaven.dicom import quiet_pydicom
from imagehaven.errors import Withheld

NAME = "ABERNETHY FIONNLAGH"
SIZE = 256
Frames = np.ndarray[Any, Any]
Release = Callable[[Dataset], Dataset]


@pytest.fixture(name="released")
def _released(tmp_path: Path, research: Profile, pseudonyms: Pseudonyms) -> Release:
    def released(source: Dataset) -> Dataset:
        data = io.BytesIO(made.as_bytes(source))
        result = deidentify_file(data, tmp_path, research, pseudonyms)
        return pydicom.dcmread(tmp_path / result.path)

    return released


@cache
def _engine() -> Any:
    """RapidOCR as it comes: the outside oracle, with its own detection and reading."""
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def read(frame: Frames) -> str:
    """What RapidOCR reads in a frame, stretched over its range, without spaces."""
    values = frame.astype(np.float64)
    values -= values.min()
    eight = (values * (255 / max(values.max(), 1))).astype(np.uint8)
    result = _engine()(eight if eight.ndim == 3 else np.stack([eight] * 3, axis=-1))
    return "".join(result.txts or ()).upper().replace(" ", "")


def drawn(text: str = NAME, *, at: tuple[int, int] = (4, 4), size: int = 16) -> Frames:
    """Where a text covers the pixels of a frame."""
    canvas = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(canvas).text(at, text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(canvas) > 96


def background() -> Frames:
    """An even ground: what a detector makes of anatomy is measured by the benchmarks."""
    return np.full((SIZE, SIZE), 0.4)


def of_kind(kind: made.Kind) -> made.Kind:
    return replace(kind, rows=SIZE, columns=SIZE)


def text_on(kind: made.Kind, mask: Frames, *, bright: float = 1.0, base: float = 0.6) -> Frames:
    """One frame of a kind with the text drawn into it, in the kind's own values."""
    most = (1 << kind.stored) - 1
    picture = np.where(mask, bright, background() * base) * most
    if kind.photometric == "MONOCHROME1":
        picture = most - picture
    picture = picture - ((most + 1) // 2 if kind.signed else 0)
    grey = picture.astype(kind.dtype)
    if kind.photometric == "RGB":
        return np.stack([grey] * 3, axis=-1)
    if kind.photometric.startswith("YBR"):
        half = np.full_like(grey, 1 << (kind.stored - 1))
        return np.stack([grey, half, half], axis=-1)
    return grey


def gone(new: Dataset, before: Frames, mask: Frames, *, number: int = 0) -> None:
    """Check that the letters are one colour now, that nothing can be read, and what is left."""
    after = _decoded(new)[number]
    letters = after[mask].reshape(int(mask.sum()), -1)
    assert len(np.unique(letters, axis=0)) == 1
    assert not any(part in read(after) for part in ("ABERN", "NETHY", "FIONN", "LAGH"))
    same = (after == before).reshape(SIZE * SIZE, -1).all(axis=1)
    assert same.mean() > 0.3


PLACES = {
    "upper left": (4, 4),
    "upper right": (80, 2),
    "lower left": (2, 236),
    "lower right": (80, 238),
    "middle": (40, 120),
}


@pytest.mark.parametrize("place", PLACES)
def test_text_in_a_corner_is_blanked(place: str, released: Release) -> None:
    kind, mask = of_kind(made.GREY), drawn(at=PLACES[place])
    before = text_on(kind, mask)
    assert "NETHY" in read(before)
    new = released(made.native(kind, made.EXPLICIT, before[np.newaxis]))
    gone(new, before, mask)
    assert new.BurnedInAnnotation == "NO"


KINDS = {
    "inverted": made.INVERTED,
    "12 bits": made.GREY12,
    "signed": made.SIGNED,
    "RGB": made.RGB,
    "RGB by plane": made.Kind("RGB", planar=1),
    "YBR_FULL": made.YBR,
    "YBR_FULL_422": made.Kind("YBR_FULL_422"),
}


@pytest.mark.parametrize("name", KINDS)
def test_text_in_any_kind_of_pixels_is_blanked(name: str, released: Release) -> None:
    kind, mask = of_kind(KINDS[name]), drawn()
    before = text_on(kind, mask)
    gone(released(made.native(kind, made.EXPLICIT, before[np.newaxis])), before, mask)


def test_dark_text_on_a_bright_ground_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.GREY), drawn(at=(30, 100))
    before = text_on(kind, mask, bright=0, base=1)
    gone(released(made.native(kind, made.EXPLICIT, before[np.newaxis])), before, mask)


def test_text_of_low_contrast_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.GREY), drawn(at=(8, 6), size=18)
    before = np.where(mask, 60, 20).astype(np.uint8)
    gone(released(made.native(kind, made.EXPLICIT, before[np.newaxis])), before, mask)


def test_vertical_text_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.GREY), np.rot90(drawn(at=(20, 6), size=18))
    before = text_on(kind, mask)
    gone(released(made.native(kind, made.EXPLICIT, before[np.newaxis])), before, mask)


def test_text_in_a_palette_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.PALETTE), drawn()
    before = 255 - text_on(kind, mask)
    new = released(made.native(kind, made.EXPLICIT, before[np.newaxis]))
    gone(new, before, mask)
    assert new.pixel_array[mask][0] == 255  # the palette runs from white to black


def test_text_that_only_a_window_shows_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.GREY16), drawn()
    before = np.where(mask, 1040, 1000).astype(np.uint16)
    before[200:, 200:] = 60000
    source = made.native(kind, made.EXPLICIT, before[np.newaxis])
    source.WindowCenter, source.WindowWidth = "1020", "80"
    gone(released(source), before, mask)


def test_text_in_one_frame_only_is_blanked_there(released: Release) -> None:
    kind, mask = replace(of_kind(made.GREY), frames=4), drawn()
    frames = np.stack([text_on(kind, mask if number == 2 else mask & False) for number in range(4)])
    new = released(made.native(kind, made.EXPLICIT, frames))
    gone(new, frames[2], mask, number=2)
    assert np.array_equal(new.pixel_array[0], frames[0])


@pytest.mark.parametrize(
    "syntax", ["RLE grey", "JPEG-LS grey", "JPEG 2000 grey", "JPEG baseline grey"]
)
def test_text_in_compressed_frames_is_blanked(syntax: str, released: Release) -> None:
    mask = drawn()
    kind, uid, encode = made.COMPRESSED[syntax]
    kind = of_kind(kind)
    data = pydicom.encaps.encapsulate([bytes(encode(text_on(kind, mask)))])
    new = released(made.image(kind, uid, data, compressed=True))
    (frame,) = _decoded(new)
    assert len(np.unique(frame[mask])) == 1
    assert "NETHY" not in read(frame)


def _decoded(new: Dataset) -> list[Frames]:
    from imagehaven.dicom import read_header
    from imagehaven.dicom.pixels import decode_frames

    data = made.as_bytes(new)
    return list(decode_frames(io.BytesIO(data), read_header(io.BytesIO(data), len(data))))


def test_a_clean_picture_keeps_every_bit(released: Release) -> None:
    kind = of_kind(made.GREY12)
    before = text_on(kind, drawn() & False)
    source = made.native(kind, made.EXPLICIT, before[np.newaxis])
    new = released(source)
    assert new.PixelData == source.PixelData
    assert new.BurnedInAnnotation == "NO"


def test_declared_text_that_nobody_finds_withholds_the_image(released: Release) -> None:
    kind = of_kind(made.GREY12)
    source = made.native(kind, made.EXPLICIT, text_on(kind, drawn() & False)[np.newaxis])
    source.BurnedInAnnotation = "YES"
    with pytest.raises(Withheld, match="declared-text-not-found"):
        released(source)


def test_declared_text_that_is_found_is_blanked(released: Release) -> None:
    kind, mask = of_kind(made.GREY), drawn()
    before = text_on(kind, mask)
    source = made.native(kind, made.EXPLICIT, before[np.newaxis])
    source.BurnedInAnnotation = "YES"
    gone(released(source), before, mask)


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "examples_jpeg2k.dcm"])
def test_real_ultrasound_loses_its_hospital(name: str, released: Release) -> None:
    with quiet_pydicom():
        source = pydicom.dcmread(str(get_testdata_file(name)))
        for missing in ("StudyInstanceUID", "SeriesInstanceUID"):
            assert source.get(missing)
        new = released(source)
    (frame,) = _decoded(new)
    assert not any(part in read(frame) for part in ("BAPTIST", "MEDCTR", "CTR"))

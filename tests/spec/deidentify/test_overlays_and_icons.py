"""Drawings beside the picture go, or stay without their text under the Clean Graphics Option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify import Profile

Released = Callable[..., Any]


def drawing(text: str) -> np.ndarray[Any, Any]:
    """A circle, and a text beside it."""
    canvas = Image.new("L", (256, 256))
    draw = ImageDraw.Draw(canvas)
    draw.ellipse((60, 120, 200, 240), outline=255, width=3)
    draw.text((6, 6), text, fill=255, font=ImageFont.load_default(18))
    return np.asarray(canvas) > 96


def with_overlay(ct: Dataset, plane: np.ndarray[Any, Any]) -> Dataset:
    ct.Rows = ct.Columns = 256
    ct.PixelData = bytes(256 * 256 * 2)
    ct.add_new(0x60020010, "US", 256)
    ct.add_new(0x60020011, "US", 256)
    ct.add_new(0x60020040, "CS", "G")
    ct.add_new(0x60020050, "SS", [1, 1])
    ct.add_new(0x60020100, "US", 1)
    ct.add_new(0x60020102, "US", 0)
    ct.add_new(0x60021500, "LO", "drawn by Abernethy")
    ct.add_new(0x60023000, "OW", np.packbits(plane.ravel(), bitorder="little").tobytes())
    return ct


@pytest.fixture(name="graphics")
def _graphics(research: Profile) -> Profile:
    return replace(research, options={**research.options, "clean_graphics": "this test"})


def test_an_overlay_stays_without_its_text(
    ct: Dataset, release: Released, graphics: Profile
) -> None:
    letters = drawing("ABERNETHY FIONNLAGH") & ~drawing("")
    _, new, written = release(with_overlay(ct, drawing("ABERNETHY FIONNLAGH")), graphics)
    plane = new.overlay_array(0x6002).astype(bool)
    assert not plane[letters].any()
    assert plane.shape == (256, 256)
    assert b"Abernethy" not in written
    assert 0x60021500 not in new


def test_without_the_option_no_overlay_stays(
    ct: Dataset, release: Released, research: Profile
) -> None:
    options = {name: line for name, line in research.options.items() if name != "clean_graphics"}
    _, new, _ = release(with_overlay(ct, drawing("")), replace(research, options=options))
    assert not [element for element in new if element.tag.group == 0x6002]


def test_an_overlay_that_makes_no_sense_goes(
    ct: Dataset, release: Released, graphics: Profile
) -> None:
    source = with_overlay(ct, drawing(""))
    source[0x60020010].value = 4000
    _, new, _ = release(source, graphics)
    assert not [element for element in new if element.tag.group == 0x6002]


def test_icons_do_not_stay_behind(ct: Dataset, release: Released) -> None:
    icon = Dataset()
    icon.Rows = icon.Columns = 4
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.PixelData = bytes(range(200, 216))
    ct.IconImageSequence = Sequence([icon])
    ct.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    _, new, written = release(ct)
    assert "IconImageSequence" not in new
    assert bytes(range(200, 216)) not in written

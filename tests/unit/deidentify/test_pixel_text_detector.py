"""Strings of known size, contrast, polarity and turn are covered; pictures are kept."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file

from imagehaven.deidentify.pixels.text import Box, Rendering, displays, find_text, read_text
from imagehaven.deidentify.pixels.text.boxes import covered
from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames

NAME = "MACDONALD^ISLA 0102754410"


def real_frame(name):
    with Path(get_testdata_file(name)).open("rb") as stream:
        header = read_header(stream, stream.seek(0, 2))
        frame = next(decode_frames(stream, header))
    (shown, *_) = displays(frame, Rendering())
    return cv2.resize(shown, (512, 512))


def ink_of(text, height):
    font = ImageFont.load_default(round(height / 0.7))
    page = Image.new("L", (int(font.getlength(text)) + 8, 3 * height), 0)
    ImageDraw.Draw(page).text((4, height // 2), text, fill=255, font=font)
    tall = np.asarray(page)
    rows, columns = np.flatnonzero(tall.max(1)), np.flatnonzero(tall.max(0))
    return tall[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / np.float32(255)


def with_text(frame, ink, top, left, shade):
    """Return the frame with the text on it, and the text's pixels."""
    image, glyphs = frame.astype(np.float32), np.zeros(frame.shape[:2], bool)
    at = (slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1]))
    cover = ink if frame.ndim == 2 else ink[..., None]
    image[at] = image[at] * (1 - cover) + np.asarray(shade, np.float32) * cover
    glyphs[at] = ink > 0.5
    return image.astype(np.uint8), glyphs


def share_covered(image, glyphs):
    return covered(find_text(image), image.shape)[glyphs].mean()


@pytest.mark.parametrize("height", [8, 10, 12, 16, 24, 40])
@pytest.mark.parametrize(("ground", "shade"), [(0, 255), (255, 0), (100, 180), (180, 100)])
def test_a_name_is_covered_at_any_size_and_polarity(height, ground, shade):
    text = NAME if height < 24 else "ISLA 0102"
    frame = np.full((320, 448), ground, np.uint8)
    image, glyphs = with_text(frame, ink_of(text, height), 120, 30, shade)
    assert share_covered(image, glyphs) >= 0.9


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_text_is_covered(turns):
    frame = np.full((448, 448), 20, np.uint8)
    image, glyphs = with_text(frame, np.rot90(ink_of("SMITH 14/03/1958", 14), turns), 60, 60, 230)
    assert share_covered(image, glyphs) >= 0.9


@pytest.mark.parametrize("place", [(2, 2), (2, 330), (490, 2), (490, 330)])
def test_text_in_a_corner_of_a_real_slice_is_covered(place):
    image, glyphs = with_text(
        real_frame("CT_small.dcm"), ink_of("ISLA 14/03/1958", 13), *place, 255
    )
    assert share_covered(image, glyphs) >= 0.9


def test_text_over_anatomy_is_covered():
    image, glyphs = with_text(real_frame("MR_small.dcm"), ink_of(NAME, 14), 250, 100, 255)
    assert share_covered(image, glyphs) >= 0.9


@pytest.mark.parametrize("shade", [(255, 0, 0), (0, 90, 255), (255, 255, 0), (0, 255, 0)])
def test_coloured_text_is_covered(shade):
    frame = np.full((256, 448, 3), 30, np.uint8)
    image, glyphs = with_text(frame, ink_of(NAME, 14), 100, 40, shade)
    assert share_covered(image, glyphs) >= 0.9


def test_a_digit_alone_is_covered():
    frame = np.zeros((256, 256), np.uint8)
    for digit in "23456789":
        image, glyphs = with_text(frame, ink_of(digit, 16), 100, 120, 255)
        assert share_covered(image, glyphs) >= 0.9, digit


def test_text_far_into_a_frame_of_several_tiles_is_covered():
    frame = np.random.default_rng(1).normal(90, 4, (2300, 2100)).clip(0, 255).astype(np.uint8)
    for top, left in [(1000, 1000), (2270, 1890), (950, 40), (1230, 880)]:
        image, glyphs = with_text(frame, ink_of("ISLA 14/03/1958", 14), top, left, 230)
        assert share_covered(image, glyphs) >= 0.9


@pytest.mark.parametrize("shape", [(4, 4), (9, 700), (33, 31), (200, 40, 3)])
def test_frames_of_any_size_can_be_looked_at(shape):
    assert find_text(np.zeros(shape, np.uint8)) == []


def test_empty_and_plain_frames_keep_all_their_pixels():
    ramp = np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))
    for frame in (np.zeros((512, 512), np.uint8), ramp, ramp.T.copy()):
        assert covered(find_text(frame), frame.shape).mean() < 0.01


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_a_slice_without_text_keeps_nearly_all_its_pixels(name):
    frame = real_frame(name)
    assert covered(find_text(frame), frame.shape).mean() < 0.05


def test_other_shapes_and_types_are_refused():
    for frame in (np.zeros((64, 64), np.uint16), np.zeros((64, 64, 4), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            find_text(frame)


def test_what_is_found_can_be_read_for_review():
    frame = np.zeros((128, 448), np.uint8)
    image, _ = with_text(frame, ink_of("SMITH JOHN 1234", 18), 50, 30, 255)
    boxes = find_text(image)
    said = " ".join(read_text(image, boxes, least=0)).replace(" ", "")
    assert said == "SMITHJOHN1234"


def test_what_is_not_surely_read_comes_back_empty():
    noise = np.random.default_rng(5).integers(0, 255, (60, 200)).astype(np.uint8)
    assert read_text(noise, [Box(0, 0, 200, 60), Box(5, 5, 0, 0)]) == ["", ""]

"""Text that a viewer could see in any window stands out in one of the displays."""

import cv2
import numpy as np
import pytest

from imagehaven.deidentify.pixels.text import Palette, Rendering, displays

GLYPHS = np.zeros((128, 256), np.uint8)
cv2.putText(GLYPHS, "SMITH 0102754410", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 1, 1)
INK = GLYPHS > 0
AROUND = cv2.dilate(GLYPHS, np.ones((5, 5), np.uint8)).astype(bool) & ~INK


def contrast(frame, how=None):
    """The best contrast, over all displays, of the glyphs to what is around them."""
    best = 0.0
    for shown in displays(frame, how):
        assert shown.dtype == np.uint8
        planes = shown[..., None] if shown.ndim == 2 else shown
        step = np.abs(planes[INK].mean(0) - planes[AROUND].mean(0)).max()
        best = max(best, float(step))
    return best


def tissue(top=2000):
    chance = np.random.default_rng(1)
    return chance.integers(top // 4, top // 2, GLYPHS.shape)


@pytest.mark.parametrize("value", [0, 4095])
def test_text_at_the_end_of_the_range_stands_out(value):
    frame = tissue().astype(np.uint16)
    frame[INK] = value
    assert contrast(frame, Rendering(bits_stored=12)) > 60


def test_one_stray_pixel_at_the_maximum_does_not_hide_text():
    frame = tissue(400).astype(np.uint16)
    frame[INK] = 400
    frame[0, 0] = 65535
    assert contrast(frame, Rendering(bits_stored=16)) > 60


def test_text_that_only_the_headers_window_shows_stands_out():
    frame = np.random.default_rng(2).integers(0, 4000, GLYPHS.shape)
    frame[20:80] = 1040 + np.random.default_rng(3).integers(0, 4, (60, 256))
    frame[INK] = 1070
    plain = contrast(frame.astype(np.int16))
    how = Rendering(bits_stored=12, windows=((40.0, 80.0),), intercept=-1024.0)
    assert plain < 20 < 60 < contrast(frame.astype(np.int16), how)


@pytest.mark.parametrize("step", [1, 2, 9])
def test_text_one_value_above_a_flat_background_stands_out(step):
    frame = tissue(4000).astype(np.uint16)
    frame[:90] = 7
    frame[INK] = 7 + step
    assert contrast(frame, Rendering(bits_stored=12)) > 40


def test_text_one_value_off_in_a_single_colour_stands_out():
    frame = np.random.default_rng(4).integers(0, 256, (*GLYPHS.shape, 3)).astype(np.uint8)
    frame[:90] = (9, 30, 200)
    frame[INK, 2] = 201
    assert contrast(frame, Rendering(photometric="RGB")) > 40


def test_text_in_the_bits_above_those_stored_stands_out():
    frame = tissue().astype(np.uint16)
    frame[INK] |= 1 << 15
    assert contrast(frame, Rendering(bits_stored=12)) > 200


def test_a_palettes_colours_are_what_is_seen():
    ramp = np.arange(256, dtype=np.uint16) * 257
    flipped = np.ascontiguousarray(ramp[::-1])
    frame = np.full(GLYPHS.shape, 100, np.uint8)
    frame[INK] = 101
    swapped = ramp.copy()
    swapped[101] = 65535
    palette = Palette(swapped, flipped, ramp)
    shown = displays(frame, Rendering(photometric="PALETTE COLOR", palette=palette))[0]
    assert shown[INK].max(0).tolist() == [255, 154, 101]
    assert shown[~INK].max(0).tolist() == [100, 155, 100]


def test_native_ybr_is_shown_as_rgb():
    frame = np.zeros((*GLYPHS.shape, 3), np.uint8)
    frame[...] = (76, 85, 255)  # red
    shown = displays(frame, Rendering(photometric="YBR_FULL_422"))[0]
    assert np.abs(shown[0, 0].astype(int) - (254, 0, 0)).max() <= 2


def test_two_level_segmentations_and_constant_frames_are_shown():
    assert displays(GLYPHS)[-1].max() == 255
    (only,) = displays(np.full((32, 32), 700, np.int16))
    assert not only.any()


def test_floating_point_pixels_with_gaps_are_shown():
    frame = tissue().astype(np.float32)
    frame[INK] = 5000
    frame[0, :5] = np.nan
    assert contrast(frame) > 60


def test_an_ordinary_slice_has_few_displays():
    frame = cv2.GaussianBlur(tissue().astype(np.float32), (0, 0), 1).astype(np.int16)
    assert len(displays(frame, Rendering(bits_stored=12, windows=((750.0, 500.0),)))) <= 2


def test_a_frame_of_no_image_shape_is_refused():
    with pytest.raises(ValueError, match="rows x columns"):
        displays(np.zeros((2, 3, 4, 5), np.uint8))


def test_a_fading_outline_is_not_taken_for_something_hidden():
    rows, columns = np.mgrid[:200, :200]
    inside = np.hypot(rows - 100, columns - 100) < 60
    frame = cv2.GaussianBlur(np.where(inside, 900.0, 0.0).astype(np.float32), (0, 0), 2)
    assert len(displays(frame.astype(np.int16), Rendering(bits_stored=12))) == 1


def test_small_print_one_value_above_a_flat_background_stands_out():
    frame = np.full((128, 256), 7, np.uint16)
    frame[90:] = tissue(4000)[90:]
    print_ = np.zeros(frame.shape, np.uint8)
    for row in (12, 22, 32, 42):
        cv2.putText(print_, "Isla Macfarlane 0703511238", (6, row), 0, 0.3, 1, 1)
    frame[print_ > 0] += 1
    hidden = displays(frame, Rendering(bits_stored=12))[-1]
    assert (hidden[print_ > 0] > 180).mean() > 0.9
    assert (hidden[:60][print_[:60] == 0] == 128).all()


def test_text_in_an_entry_that_looks_like_its_ground_stands_out():
    ramp = np.arange(256, dtype=np.uint8)
    same = ramp.copy()
    same[200] = same[30]
    frame = np.full(GLYPHS.shape, 30, np.uint8)
    frame[100:] = tissue(200)[100:]
    frame[INK] = 200
    how = Rendering(photometric="PALETTE COLOR", palette=Palette(same, same, same))
    assert contrast(frame, how) > 100


def test_the_entries_of_a_palette_out_of_order_are_not_shown_as_grey_noise():
    order = np.random.default_rng(7).permutation(256).astype(np.uint8)
    table = np.zeros(256, np.uint8)
    table[order] = np.arange(256)
    soft = cv2.GaussianBlur(tissue(800).astype(np.float32), (0, 0), 4).clip(0, 255).astype(np.uint8)
    how = Rendering(photometric="PALETTE COLOR", palette=Palette(table, table, table))
    (only,) = displays(order[soft], how)
    assert (only[..., 0] == soft).all()


def test_text_in_the_next_entry_of_the_same_colour_stands_out():
    ramp = np.arange(256, dtype=np.uint8)
    same = ramp.copy()
    same[31] = same[30]
    frame = np.full(GLYPHS.shape, 30, np.uint8)
    frame[100:] = tissue(200)[100:]
    frame[INK] = 31
    how = Rendering(photometric="PALETTE COLOR", palette=Palette(same, same, same))
    assert contrast(frame, how) > 40

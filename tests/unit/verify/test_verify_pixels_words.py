"""What is harmless in pixels, what a misreading may stand for, and where the verifier looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from imagehaven.verify import known_identifiers
from imagehaven.verify.pixels.confusion import misread
from imagehaven.verify.pixels.harmless import harmless, is_free_text
from imagehaven.verify.pixels.look import CHANGED, EVENLY, Look, chosen_frames, look_at

CT, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"


@pytest.mark.parametrize(
    "text",
    ["L", "R LAT", "PORTABLE", "W 400 L 40", "WW:1500 WL:-600", "12.5 mm", "120 kV", "x2.0",
     "MI 1.4", "Im: 12/120", "-50 HU", "10cm", "TIS0.4 MI 1.4", "RMLO", "60%", ":--", ""],
)  # fmt: skip
def test_markers_scales_and_windows_say_nothing_about_anybody(text):
    assert not is_free_text(text)


@pytest.mark.parametrize(
    "text",
    ["Rae", "L RAE", "24/07/1961", "1961", "15:08:33", "A20413", "Raigmore", "0101901232", "KT 62Y",
     "Dr Tait", "AP Baird", "山田太郎", "12.05.61 mm", "W 400 Mill Road"],
)  # fmt: skip
def test_names_dates_and_numbers_are_free_text(text):
    assert is_free_text(text)


@given(st.lists(st.sampled_from(sorted(harmless().words)), min_size=1, max_size=4))
def test_no_list_of_harmless_words_is_free_text(words):
    assert not is_free_text(" ".join(words))


@given(st.text(max_size=20))
def test_any_text_can_be_judged_and_is_read_as_itself_first(text):
    is_free_text(text)
    assert next(misread(text, None)) == text


def test_letters_in_a_number_may_be_digits_and_the_other_way_round():
    assert "0101901232" in misread("O1O19O1232", None)
    assert "SIBBALD" in misread("5IBBALD", None)
    assert list(misread("CALVIN BOIS", None)) == ["CALVIN BOIS"]


def test_a_word_that_is_nearly_the_patients_name_may_be_it_and_another_name_is_not():
    known = known_identifiers(
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "FARQUHARSON^MHAIRI"}]}}
    )
    assert "farquharson" in misread("FARQUMARSON", known)
    assert list(misread("MACPHERSON", known)) == ["MACPHERSON"]


def header(**elements):
    dataset = Dataset()
    for keyword, value in {"SOPClassUID": CT, "SOPInstanceUID": "1.2.3", **elements}.items():
        setattr(dataset, keyword, value)
    return dataset


ORIGINAL = ["ORIGINAL", "PRIMARY", "AXIAL"]


@pytest.mark.parametrize(
    "elements",
    [
        {"SOPClassUID": US},
        {"SOPClassUID": "1.2.3.4.5"},
        {"ImageType": ["DERIVED", "SECONDARY"]},
        {"ImageType": ["ORIGINAL", "SECONDARY", "SCREEN SAVE"]},
        {"ImageType": ORIGINAL, "BurnedInAnnotation": "YES"},
        {"ImageType": ORIGINAL, "SamplesPerPixel": 3},
        {"ImageType": ORIGINAL, "PhotometricInterpretation": "PALETTE COLOR"},
        {},
    ],
)
def test_every_image_that_may_show_text_is_read(elements):
    assert look_at(header(**elements)) is Look.FRAMES


def test_of_original_slices_a_sample_is_read_and_always_the_same_one():
    def looks():
        return [
            look_at(header(ImageType=ORIGINAL, SOPInstanceUID=f"1.2.3.{number}"))
            for number in range(2000)
        ]

    first = looks()
    assert first == looks()
    assert 20 <= first.count(Look.MIDDLE) <= 60
    assert first.count(Look.NOTHING) == 2000 - first.count(Look.MIDDLE)


def test_of_a_volume_in_one_file_the_middle_frame_is_read():
    assert look_at(header(ImageType=ORIGINAL, NumberOfFrames=200)) is Look.MIDDLE
    frames = [np.full((8, 8), number) for number in range(9)]
    assert [number for number, _ in chosen_frames(iter(frames), 9, Look.MIDDLE)] == [5]


def test_segmentations_and_doses_hold_no_picture():
    assert look_at(header(SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")) is Look.NOTHING


def test_of_a_cine_first_last_and_some_between_are_read_and_those_whose_border_changed():
    still = np.zeros((64, 64), np.uint8)
    frames = [still.copy() for _ in range(100)]
    frames[40][:6, :20] = 255
    numbers = [number for number, _ in chosen_frames(frames, 100, Look.FRAMES)]
    assert {1, 100, 41, 42} <= set(numbers)
    assert len(numbers) == EVENLY + 2


def test_a_cine_whose_border_always_changes_costs_no_more_than_the_bound():
    frames = [np.full((64, 64), 255 * (number % 2), np.uint8) for number in range(300)]
    assert len(list(chosen_frames(frames, 300, Look.FRAMES))) <= EVENLY + CHANGED

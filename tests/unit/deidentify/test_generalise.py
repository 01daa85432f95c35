"""Quasi-identifiers made coarser, one value at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from imagehaven.deidentify import Pseudonyms, deidentify_dataset, ladder_of, load
from imagehaven.deidentify.generalise import generalise, ladders
from imagehaven.errors import UserError


@pytest.mark.parametrize(
    ("keyword", "text", "step", "expected"),
    [
        ("PatientAge", "067Y", 0, "067Y"),
        ("PatientAge", "067Y", 1, "067Y"),
        ("PatientAge", "069Y", 1, "067Y"),
        ("PatientAge", "070Y", 1, "072Y"),
        ("PatientAge", "067Y", 2, "065Y"),
        ("PatientAge", "067Y", 4, ""),
        ("PatientAge", "101Y", 0, "090Y"),
        ("PatientAge", "093Y", 3, "090Y"),
        ("PatientAge", "011M", 0, "011M"),
        ("PatientAge", "011M", 1, "002Y"),
        ("PatientAge", "old", 1, ""),
        ("PatientSize", "1.73", 1, "1.725"),
        ("PatientSize", "0.3", 2, "0.35"),
        ("PatientWeight", "nan", 1, ""),
        ("PatientSex", "F", 0, "F"),
        ("PatientSex", "F", 1, ""),
    ],
)
def test_a_value_becomes_the_middle_of_its_band(
    keyword: str, text: str, step: int, expected: str
) -> None:
    assert ladder_of(keyword).value(text, step) == expected


@given(st.integers(0, 130), st.integers(0, 130), st.integers(1, 3))
def test_two_ages_that_look_alike_look_alike_at_every_later_step(
    one: int, other: int, step: int
) -> None:
    ladder = ladder_of("PatientAge")
    texts = [f"{years:03d}Y" for years in (one, other)]
    # Bands of 5, 10 and 20 years lie inside each other, and so do the ages above 89.
    if ladder.value(texts[0], step) == ladder.value(texts[1], step):
        later = [ladder.value(text, step + 1) for text in texts]
        assert later[0] == later[1] or min(one, other) < 90 <= max(one, other)


@given(st.sampled_from(sorted(ladders())), st.text(max_size=20), st.integers(0, 9))
def test_no_text_stops_the_pass(keyword: str, text: str, step: int) -> None:
    assert isinstance(ladder_of(keyword).value(text, step), str)


def test_a_data_set_is_generalised_at_every_depth() -> None:
    source = Dataset()
    source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    source.PatientID, source.PatientAge, source.PatientSex = "1", "067Y", "F"
    cleaned = deidentify_dataset(source, load("research"), Pseudonyms(b"k" * 32)).dataset
    inner = Dataset({tag: cleaned.get_item(tag) for tag in cleaned.keys()})  # noqa: SIM118
    cleaned.add_new("ReferencedStudySequence", "SQ", [inner])
    generalise(cleaned, {"PatientAge": 2, "PatientSex": 1})
    assert (cleaned.PatientAge, cleaned.PatientSex) == ("065Y", "")
    assert cleaned.ReferencedStudySequence[0].PatientAge == "065Y"


def test_a_keyword_without_a_ladder_is_told_with_the_choices() -> None:
    with pytest.raises(UserError, match="PatientAge, PatientSex"):
        ladder_of("PatientName")

"""Hospitals, towns and relatives by what stands beside them; techniques that are no names."""

from __future__ import annotations

import pytest

from imagehaven.deidentify.text import KnownPeople, clean_text
from imagehaven.deidentify.text.data_files import words_of
from imagehaven.deidentify.text.detect.vocabulary import vocabulary

_BEFORE = "MRI of the lumbar spine. Back pain and left sciatica for six weeks, no red flags. "
_AFTER = (
    " There is a broad based disc bulge at L4/5 with narrowing of the left lateral recess. The "
    "conus is normal. Conclusion: disc bulge. No cauda equina compression."
)


def cleaned(text: str) -> str:
    """Return what is left of a text that stands inside a report long enough for the network."""
    return clean_text(_BEFORE + text + _AFTER, KnownPeople()).text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Transferred from GJNH.", "GJNH"),
        ("Discussed at the RHCYP MDT.", "RHCYP"),
        ("Previous CT at ARI.", "ARI"),
        ("Under QMC oncology.", "QMC"),
        ("Dialysis at Treliske three times a week.", "Treliske"),
        ("Compared with Marchmont Clinic films.", "Clinic"),
        ("Booked at Great Ormond Street.", "Ormond Street"),
        ("He was born at the Royal Hospital for Children and Young People.", "Young"),
        ("Seen at belford hospital before.", "belford"),
    ],
)
def test_a_hospital_goes_by_its_initials_its_words_and_its_place(text: str, gone: str) -> None:
    assert gone not in cleaned(text)


@pytest.mark.parametrize(
    "town", ["Stromness", "Forfar", "Castle Douglas", "Bridge of Allan", "Port Glasgow", "Rugby"]
)
def test_a_town_goes_whole(town: str) -> None:
    left = cleaned(f"Previous films are in {town}. He comes from {town}.")
    assert not any(word in left for word in town.split() if word != "of")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Viola (daughter) is worried about falls.", "Viola"),
        ("Jade's mother is aware.", "Jade"),
        ("Frank and Sally, his children, were present.", "Frank"),
        ("Brought in by Praise, his wife.", "Praise"),
        ("Widow of Tilly Fyfe.", "Fyfe"),
        ("Ask carol to phone.", "carol"),
        ("Involved: patient HAS (030292-9436).", "HAS"),
    ],
)
def test_somebody_goes_by_a_relation_a_request_or_a_number_behind(text: str, gone: str) -> None:
    assert gone not in cleaned(text)


@pytest.mark.parametrize(
    "kept",
    [
        "Sequences include LAVA-Flex, FSPGR and DWIBS.",
        "Reconstructed with SAFIRE and SmartPrep.",
        "A tear of the MPFL.",
        "Known CDH.",
        "SonoVue and Lutathera were given.",
    ],
)
def test_techniques_tracers_and_ligaments_stay(kept: str) -> None:
    assert kept in cleaned(kept)


def test_capitals_under_a_heading_are_no_sign_off_where_medicine_knows_them() -> None:
    text = "TECHNIQUE:\nMIP.\n\n" + _BEFORE + _AFTER
    assert clean_text(text, KnownPeople()).text == text


def test_no_place_is_safe_by_being_a_place() -> None:
    safe = words_of("words/places.txt") & vocabulary().safe
    assert safe <= vocabulary().names

"""Profiles are checked when they are loaded, decide by the table, and deny by default."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydicom.datadict import tag_for_keyword

from imagehaven.deidentify import decide, load, profile_hash
from imagehaven.deidentify.rulebook import profile as profiles
from imagehaven.errors import UserError

RESEARCH, BASIC = load("research"), load("basic")


def _action(keyword: str, profile: profiles.Profile = RESEARCH) -> str:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return decide(profile, tag).action


@pytest.mark.parametrize(
    ("keyword", "research", "basic"),
    [
        ("PatientName", "P", "P"),
        ("PatientBirthDate", "Z", "Z"),
        ("PatientAge", "K", "X"),
        ("PatientSex", "K", "Z"),
        ("StudyDate", "C", "Z"),
        ("SeriesDate", "C", "D"),
        ("SeriesDescription", "C", "X"),
        ("StudyInstanceUID", "U", "U"),
        ("AnnotationGroupUID", "U", "U"),
        ("ReferencedImageSequence", "U", "U"),
        ("OtherPatientIDsSequence", "X", "X"),
        ("IconImageSequence", "X", "X"),
        ("OriginalAttributesSequence", "X", "X"),
        ("OperatorIdentificationSequence", "X", "X"),
        ("AcquisitionContextSequence", "C", "Z"),
        ("InstitutionAddress", "X", "X"),
        ("ContrastBolusAgent", "C", "D"),
        ("BarcodeValue", "Z", "Z"),
        ("ConvolutionKernel", "K", "K"),
        ("SliceThickness", "K", "K"),
        ("BodyPartExamined", "C", "C"),
        ("DeviceID", "X", "X"),
        ("RetrieveURL", "X", "X"),
        ("SharedFunctionalGroupsSequence", "C", "C"),
        ("ExpiryDate", "C", "X"),
    ],
)
def test_each_kind_of_action_is_resolved(keyword: str, research: str, basic: str) -> None:
    assert _action(keyword) == research
    assert _action(keyword, BASIC) == basic


def test_an_element_that_nobody_knows_is_removed() -> None:
    assert decide(RESEARCH, 0x00090001).action == "X"
    assert decide(RESEARCH, 0x0008FFFE).action == "X"


def test_every_decision_gives_a_reason() -> None:
    assert all(decide(RESEARCH, tag).reason for tag in range(0x00080000, 0x00084000))


def test_a_dummy_is_what_cannot_be_cleaned_falls_back_to() -> None:
    assert decide(RESEARCH, 0x00181030).fallback == "D"  # ProtocolName: X/D
    assert decide(RESEARCH, 0x0008103E).fallback == "X"  # SeriesDescription: X


def test_the_hash_tells_profiles_apart_and_travels_between_processes() -> None:
    assert profile_hash(RESEARCH) != profile_hash(BASIC)
    copy = pickle.loads(pickle.dumps(RESEARCH))
    assert profile_hash(copy) == profile_hash(RESEARCH)
    assert decide(copy, 0x00100010) == decide(RESEARCH, 0x00100010)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "name: x\noptions: [retain_everything]\noverrides: {}\n",
            r"own\.yaml:2: .*clean_graphics",
        ),
        (
            "name: x\noptions: []\noverrides:\n  PatientFoo: {action: X, reason: r}\n",
            r"own\.yaml:4: .*PatientFoo",
        ),
        (
            "name: x\noptions: []\noverrides:\n  PatientID: {action: Q, reason: r}\n",
            "is not a choice for PatientID",
        ),
        (
            "name: x\noptions: []\noverrides:\n  Rows: {action: P, reason: r}\n",
            "cannot hold a pseudonym",
        ),
        ("name: x\noptions: []\noverrides:\n  PatientID: {action: X}\n", "and a reason"),
        ("name: x\n", "must have the keys"),
        ("name: [x\n", r"own\.yaml:2: this is not valid YAML"),
        (
            "name: x\noptions: [retain_longitudinal_full_dates, "
            "retain_longitudinal_modified_dates]\noverrides: {}\n",
            "choose one option",
        ),
    ],
)
def test_a_wrong_profile_is_refused_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=fault):
        load(file)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"basic\.yaml, research\.yaml"):
        load("nothing")


@pytest.mark.parametrize(
    "text",
    [
        "CT chest with contrast 5.0mm",
        "t1_mprage_sag_p2_iso",
        "Thorax 5.0 Br40 contrast",
        "AX T2 FLAIR",
        "Abdomen^PV",
        "",
    ],
)
def test_a_description_of_imaging_words_is_kept(text: str) -> None:
    assert RESEARCH.vocabulary.knows(text)


@pytest.mark.parametrize(
    "text",
    [
        "CT chest Macdonald",
        "chest 0101010101",
        "seen by Dr A",
        "12 March",
        "M\u00fcller",
        "chest @ ward",
        "EH4 2XU",
    ],
)
def test_a_description_with_any_other_word_is_not_kept(text: str) -> None:
    assert not RESEARCH.vocabulary.knows(text)

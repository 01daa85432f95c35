"""Descriptions, comments and protocol names: identifiers go, the rest stays."""

from __future__ import annotations

from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify import Pseudonyms, deidentify_dataset, load
from imagehaven.deidentify.elements.descriptions import people_of
from imagehaven.deidentify.elements.stored import tags

KEY = Pseudonyms(b"k" * 32)


def clean(source: Dataset) -> Dataset:
    """The data set after the pass, written and read again."""
    cleaned = deidentify_dataset(source, load("research"), KEY).dataset
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, cleaned, implicit_vr=False, little_endian=True)
    return pydicom.dcmread(BytesIO(buffer.getvalue()), force=True)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("AX T2 FLAIR for Abernethy", "AX T2 FLAIR for [NAME]"),
        ("CT chest, Mr Fionnlagh Abernethy", "CT chest, Mr [NAME]"),
        ("Chest for Douglas Davidson", "Chest for [NAME]"),
        ("Abdomen 1203565678 contrast", "Abdomen [ID] contrast"),
        ("Head and neck 12 Mar 2019", "Head and neck [DATE]"),
        ("Thorax 5.0 Br40 contrast", "Thorax 5.0 Br40 contrast"),
        ("t1_vibe_fs_tra_bh", "t1_vibe_fs_tra_bh"),
        ("Damaged mitral valve", "Damaged mitral valve"),
        ("MR BRAIN MCALLISTER 1203565678", "MR BRAIN [NAME] [ID]"),
        ("MR ABERNETHY 1203565678 knee", "MR [NAME] [ID] knee"),
        ("Parkinson protocol axial", "Parkinson protocol axial"),
        ("Parkinson axial", "[NAME] axial"),
        ("Head v12.05.20 J40s", "Head v12.05.20 J40s"),
        ("Head 12.05.20 J40s", "Head [DATE] J40s"),
        ("Gray^May chest", "[NAME] chest"),
        ("Head^Routine", "Head^Routine"),
        ("CT chest Smith 2", "CT chest [NAME] 2"),
        ("Davidson 2", "[NAME] 2"),
        ("Garden 3 fracture hip", "Garden 3 fracture hip"),
        ("knee for Baker's cyst", "knee for Baker's cyst"),
        ("Salter-Harris II fracture", "Salter-Harris II fracture"),
    ],
)
def test_identifiers_go_and_the_rest_stays(ct: Dataset, text: str, kept: str) -> None:
    for keyword in ("SeriesDescription", "ProtocolName", "ImageComments", "PatientComments"):
        setattr(ct, keyword, text)
    new = clean(ct)
    for keyword in ("SeriesDescription", "ProtocolName", "ImageComments", "PatientComments"):
        assert new[keyword].value == kept


def test_a_patient_who_is_called_like_an_imaging_word_is_taken_out(ct: Dataset) -> None:
    ct.PatientName, ct.SeriesDescription, ct.ProtocolName = "Gray^May", "Gray chest AP", "grey AP"
    new = clean(ct)
    assert new.SeriesDescription == "[NAME] chest AP"
    assert new.ProtocolName == "grey AP"


def test_a_disease_is_kept_for_its_protocol_and_not_for_a_patient_of_that_name(
    ct: Dataset,
) -> None:
    ct.PatientName, ct.SeriesDescription = "Parkinson^Jo", "Parkinson protocol axial"
    assert clean(ct).SeriesDescription == "[NAME] protocol axial"


@pytest.mark.parametrize("text", ["Abernethy", "1203565678", "Fionnlagh Abernethy 12/03/1956"])
def test_a_text_that_holds_nothing_else_is_removed_or_a_dummy(ct: Dataset, text: str) -> None:
    ct.SeriesDescription, ct.ProtocolName = text, text
    new = clean(ct)
    assert "SeriesDescription" not in new
    assert "ProtocolName" not in new  # Type 3 in a CT


def test_a_name_that_only_a_nested_element_tells_goes_too(ct: Dataset) -> None:
    request = Dataset()
    request.ScheduledPerformingPhysicianName = "Quillfeather^Ursa"
    ct.RequestAttributesSequence = Sequence([request])
    ct.SeriesDescription = "CT chest QUILLFEATHER"
    assert "QUILL" not in str(clean(ct).get("SeriesDescription", ""))


def test_a_name_in_another_character_set_goes_and_accents_do_not_hide_it(ct: Dataset) -> None:
    ct.SpecificCharacterSet = "ISO_IR 100"
    ct.PatientName = "M\u00fcller-L\u00fcdenscheidt^J\u00fcrgen"
    ct.SeriesDescription = "CT Sch\u00e4del M\u00fcller"
    ct.StudyDescription = "CT chest MULLER"
    new = clean(ct)
    for keyword in ("SeriesDescription", "StudyDescription"):
        kept = new.get(keyword, "").casefold()
        assert "muller" not in kept and "ller" not in kept
        assert kept.isascii()


def test_a_coded_string_gets_no_label(ct: Dataset) -> None:
    ct.BodyPartExamined = "ABERNETHY"
    assert "BodyPartExamined" not in clean(ct)
    ct.BodyPartExamined = "PANCREAS"
    assert clean(ct).BodyPartExamined == "PANCREAS"


def test_a_cleaned_text_fits_its_vr(ct: Dataset) -> None:
    ct.SeriesDescription = "chest abdomen pelvis with contrast and delayed phase Davidson"
    ct.SeriesDescription += " X1"[: 64 - len(ct.SeriesDescription)]
    new = clean(ct).SeriesDescription
    assert len(new) <= 64
    assert new.count("[") == new.count("]")
    assert "Davidson" not in new


def test_collecting_the_people_does_not_touch_the_source(ct: Dataset) -> None:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, ct, implicit_vr=False, little_endian=True)
    source = pydicom.dcmread(BytesIO(buffer.getvalue()), force=True)
    before = {tag: type(source.get_item(tag)) for tag in tags(source)}
    people = people_of(source)
    assert ("abernethy", "fionnlagh") in {tuple(sorted(name)) for name in people.names}
    assert {tag: type(source.get_item(tag)) for tag in tags(source)} == before

"""The content tree of structured reports: clinical content stays, people go, references hold."""

from __future__ import annotations

from datetime import timedelta

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify import Pseudonyms, load
from imagehaven.deidentify.documents import Terms, document_kinds
from imagehaven.deidentify.documents.codes import LOCAL_SCHEME, cleaned_code
from imagehaven.deidentify.documents.content import clean_content
from imagehaven.deidentify.text import KnownPeople, known_people
from imagehaven.deidentify.writing.encode import encode
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Withheld

PSEUDONYMS = Pseudonyms(b"k" * 32)
KNOWN = KnownPeople.of(names=["McLeod^Eilidh"], identifiers=["0101901232"])
OPTIONS = load("research").options
TERMS = Terms(KNOWN, PSEUDONYMS, timedelta(days=-100), OPTIONS)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def item(kind: str, name: Dataset | None = None, **values: object) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = "CONTAINS", kind
    made.ConceptNameCodeSequence = Sequence([name or code("121071", "DCM", "Finding")])
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def cleaned(*items: Dataset, terms: Terms = TERMS) -> list[Dataset]:
    report = Dataset()
    report.ContentSequence = Sequence(items)
    made = Dataset()
    made.ContentSequence = Sequence(clean_content(report, terms))
    # As a reader of the released file gets it.
    data = encode(made, "1.2.840.10008.1.2.1")
    return list(pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), force=True).ContentSequence)


def test_findings_stay_and_the_patient_goes() -> None:
    (found,) = cleaned(item("TEXT", TextValue="There is a 12 mm nodule in Eilidh McLeod."))
    assert found.TextValue == "There is a 12 mm nodule in [NAME]."
    assert found.ConceptNameCodeSequence[0].CodeMeaning == "Finding"


def test_names_of_people_become_a_placeholder() -> None:
    (found,) = cleaned(item("PNAME", code("121008", "DCM", "Person Observer Name"),
                            PersonName="Tulloch^Hamish"))  # fmt: skip
    assert "Tulloch" not in str(found)


def test_dates_move_with_the_patients_other_dates() -> None:
    (found,) = cleaned(item("DATE", code("99", "99X", "Seen on"), Date="20210410"))
    assert found.Date == "20201231"


def test_without_the_option_a_finding_is_removed_as_the_table_says() -> None:
    basic = Terms(KNOWN, PSEUDONYMS, timedelta(0), ())
    assert not clean_content(_report(item("TEXT", TextValue="There is a nodule.")), basic)


def test_references_point_at_what_is_released() -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.8.1"
    reference.ReferencedFrameNumber = 3
    (found,) = cleaned(item("IMAGE", ReferencedSOPSequence=Sequence([reference])))
    kept = found.ReferencedSOPSequence[0]
    assert kept.ReferencedSOPClassUID == reference.ReferencedSOPClassUID
    assert kept.ReferencedSOPInstanceUID == PSEUDONYMS.uid(reference.ReferencedSOPInstanceUID)
    assert kept.ReferencedFrameNumber == 3


def test_measurements_and_their_units_stay_as_they_are() -> None:
    measured = Dataset()
    measured.NumericValue = "12.50"
    measured.MeasurementUnitsCodeSequence = Sequence([code("mm", "UCUM", "millimeter")])
    graphic = item("SCOORD", GraphicType="POLYLINE", GraphicData=[1.5, 2.5, 3.5, 4.5])
    (found,) = cleaned(
        item("NUM", MeasuredValueSequence=Sequence([measured]), ContentSequence=Sequence([graphic]))
    )
    assert found.MeasuredValueSequence[0].NumericValue == 12.5
    assert found.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert list(found.ContentSequence[0].GraphicData) == [1.5, 2.5, 3.5, 4.5]


def test_a_concept_that_the_standard_removes_takes_its_children_with_it() -> None:
    inner = item("TEXT", TextValue="No effusion")
    name = code("121022", "DCM", "Accession Number")
    assert not clean_content(_report(item("TEXT", name, TextValue="A1",
                                          ContentSequence=Sequence([inner]))), TERMS)  # fmt: skip


def _report(*items: Dataset) -> Dataset:
    report = Dataset()
    report.ContentSequence = Sequence(items)
    return report


def test_a_local_code_becomes_a_pseudonym_and_keeps_a_cleaned_meaning() -> None:
    value, scheme, meaning = cleaned_code("MCLEOD_1", "99HOSP", "Seen by Eilidh McLeod", TERMS)
    assert (scheme, meaning) == (LOCAL_SCHEME, "Seen by [NAME]")
    assert "MCLEOD" not in value
    assert (value, scheme) == cleaned_code("MCLEOD_1", "99HOSP", "other", TERMS)[:2]


@pytest.mark.parametrize(
    ("value", "scheme", "kept"),
    [
        ("T-D1100", "SRT", True),
        ("24700007", "SCT", True),
        ("24700008", "SCT", False),
        ("0101901232", "SCT", False),
        ("18782-3", "LN", True),
        ("mm2", "UCUM", True),
        ("Tulloch", "UCUM", False),
        ("T-D1100", "99X", False),
    ],
)
def test_a_code_stays_where_its_terminology_has_that_form(
    value: str, scheme: str, kept: bool
) -> None:
    assert (cleaned_code(value, scheme, "x", TERMS)[0] == value) == kept


def test_a_tree_deeper_than_any_report_is_withheld() -> None:
    nested = item("CONTAINER", ContinuityOfContent="SEPARATE")
    for _ in range(80):
        nested = item("CONTAINER", ContinuityOfContent="SEPARATE",
                      ContentSequence=Sequence([nested]))  # fmt: skip
    with pytest.raises(Withheld) as outcome:
        clean_content(_report(nested), TERMS)
    assert outcome.value.reason == "content-too-deep"


@settings(max_examples=80)
@given(
    st.sampled_from(["TEXT", "CODE", "NUM", "CONTAINER", "PNAME", "UIDREF", "DATE", ""]),
    st.sampled_from(["TextValue", "PersonName", "UID", "Date", "RelationshipType", "ValueType"]),
    st.text(alphabet="abcXYZ 019.^=", max_size=30),
)
def test_nothing_that_names_the_patient_survives_anywhere(
    kind: str, keyword: str, around: str
) -> None:
    hostile = item(kind)
    secret = "0101901232" if keyword == "UID" else "Eilidh McLeod"
    with quiet_pydicom():
        hostile.add_new(keyword, pydicom.datadict.dictionary_VR(keyword), f"{around} {secret}")
        data = encode(_report(*clean_content(_report(hostile), TERMS)), "1.2.840.10008.1.2.1")
    assert b"McLeod" not in data
    assert b"0101901232" not in data


def test_every_real_report_keeps_most_of_its_items() -> None:
    source = pydicom.dcmread(str(get_testdata_file("reportsi.dcm")))
    assert document_kinds()[source.SOPClassUID] == "content-tree"
    terms = Terms(known_people(source), PSEUDONYMS, timedelta(days=-3), TERMS.options)
    before = sum(1 for one in _walk(source))
    after = sum(1 for one in _walk(_report(*clean_content(source, terms))))
    assert before > 3
    assert after >= before // 2


def _walk(source: Dataset) -> list[Dataset]:
    items = list(source.get("ContentSequence") or ())
    return items + [below for one in items for below in _walk(one)]

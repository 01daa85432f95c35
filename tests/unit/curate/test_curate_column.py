"""One line of a view file, and the value that it reads."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.curate.column import column_sql, read_column
from imagehaven.errors import UserError

ELEMENTS = {
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
    "00080020": {"vr": "DA", "Value": ["20200131"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "C"}]},
    "00100020": {"vr": "LO"},
    "00180050": {"vr": "DS", "Value": ["1.250"]},
    "00200013": {"vr": "IS", "Value": ["7"]},
    "00200011": {"vr": "IS", "Value": ["1.5"]},
    "00280030": {"vr": "DS", "Value": ["0.5", "0.7"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00180060": {"vr": "DS", "Value": ["inf"]},
    "00190011": {"vr": "LO", "Value": ["SIEMENS MR HEADER"]},
    "0019110C": {"vr": "IS", "Value": ["1000"]},
    "00540016": {
        "vr": "SQ",
        "Value": [
            {
                "00181074": {"vr": "DS", "Value": ["370000000"]},
                "00540300": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["F-18"]}}]},
                "00130010": {"vr": "LO", "Value": ["O'SITE"]},
                "00131001": {"vr": "LO", "Value": ["inner"]},
            }
        ],
    },
}


def value_of(line: str, elements: dict[str, Any] = ELEMENTS) -> Any:
    expression = column_sql(read_column(line))
    query = f"SELECT {expression} FROM (SELECT ?::JSON AS elements)"
    row = duckdb.execute(query, [json.dumps(elements)]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ImageType", "ORIGINAL\\\\AXIAL"),
        ("PatientName", "A^B"),
        ("PatientID", None),
        ("AccessionNumber", None),
        ("SliceThickness", 1.25),
        ("SliceThickness as text", "1.250"),
        ("InstanceNumber", 7),
        ("SeriesNumber", None),
        ("Rows", 512),
        ("KVP", None),
        ("PixelSpacing", 0.5),
        ("PixelSpacing as text", "0.5\\0.7"),
        ("ColumnSpacing = PixelSpacing[1]", 0.7),
        ("ImageType[2]", "AXIAL"),
        ("RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose", 370000000.0),
        ("RadiopharmaceuticalInformationSequence.RadionuclideTotalDose as text", "370000000"),
        (
            "Meaning = RadiopharmaceuticalInformationSequence[0]"
            ".RadionuclideCodeSequence[0].CodeMeaning",
            "F-18",
        ),
        ("RadiopharmaceuticalInformationSequence[1].RadionuclideTotalDose", None),
        ('BValue = (0019,"SIEMENS MR HEADER",0C) as integer', 1000),
        ('BValue = (0019,"SIEMENS MR HEADER",0D)', None),
        ('BValue = (0019,"ANOTHER CREATOR",0C)', None),
        ('Inner = RadiopharmaceuticalInformationSequence[0].(0013,"O\'SITE",01)', "inner"),
    ],
)
def test_a_line_reads_its_value(line: str, value: Any) -> None:
    assert value_of(line) == value


def test_a_date_is_a_date_and_an_impossible_one_is_null() -> None:
    assert str(value_of("StudyDate")) == "2020-01-31"
    for text in ("20201340", "2020", "", "today"):
        assert value_of("StudyDate", {"00080020": {"vr": "DA", "Value": [text]}}) is None


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=20), st.sampled_from(["text", "date", "integer", "number"]))
def test_any_text_in_any_column_is_a_value_or_null_and_never_an_error(text: str, kind: str) -> None:
    text = text.replace("\0", "")
    value = value_of(f"StudyID as {kind}", {"00200010": {"vr": "SH", "Value": [text]}})
    if kind == "text":
        assert value == (text or None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SliceThicknes", "not a DICOM keyword of PS3.6. Did you mean SliceThickness?"),
        ("SliceThickness as float", "no type 'float'. Valid choices: text, date, integer, number"),
        ("StudyID[0].StudyDate", "StudyID is no sequence"),
        ("RadiopharmaceuticalInformationSequence", "name the element within it"),
        ("PixelData", "holds binary values"),
        ('(0019,"SIEMENS MR HEADER",0C)', "a private element needs a name"),
        ("StudyID StudyDate", "write `[NAME =] PATH [as TYPE]`"),
        ("StudyID; DROP TABLE instance", "write `[NAME =] PATH [as TYPE]`"),
    ],
)
def test_a_mistake_is_told(line: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_column(line, ("SliceThickness", "StudyID"))
    assert message in str(caught.value)

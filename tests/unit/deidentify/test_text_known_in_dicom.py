"""Whom a data set knows: every person name and identifier in it, at every depth."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence

from imagehaven.deidentify.text import clean_text, known_people


def nested() -> Dataset:
    inner = Dataset()
    inner.OperatorsName = ["Quill^Zoe", "Peverell^Ignotus"]
    inner.AccessionNumber = "RJ17876687"
    middle = Dataset()
    middle.RequestAttributesSequence = Sequence([inner])
    outer = Dataset()
    outer.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    outer.PatientID = "0101010101"
    outer.InstitutionName = "Thistlewood Infirmary"
    outer.OriginalAttributesSequence = Sequence([middle])
    return outer


@pytest.mark.parametrize(
    "text",
    [
        "ZOE QUILL",
        "peverell",
        "RJ 1787 6687",
        "Tarou Yamada",
        "山田太郎",
        "010101 0101",
        "thistlewood infirmary",
    ],
)
def test_what_stands_in_the_object_is_found_in_text(text: str) -> None:
    left = clean_text(f"clear lungs {text} no effusion", known_people(nested())).text
    assert text not in left
    assert left.startswith("clear lungs [")
    assert left.endswith("] no effusion")


def test_a_description_is_no_person() -> None:
    data = nested()
    data.StudyDescription = "CT CHEST"
    assert clean_text("CT CHEST", known_people(data)).text == "CT CHEST"


def test_a_value_that_cannot_be_read_stops_nothing() -> None:
    data = dcmread(Path(str(get_testdata_file("CT_small.dcm"))))
    data.add_new(0x00080050, "SH", "RJ17876687")
    data.add_new(0x00081070, "PN", "Quill^Zoe")
    assert ("quill", "zoe") in known_people(data).names

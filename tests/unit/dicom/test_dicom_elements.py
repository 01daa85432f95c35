"""Stored elements: lossless, in the shape of the DICOM JSON Model, whatever the value."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imagehaven.dicom import (
    first_value,
    is_well_known,
    keyword_to_tag,
    tag_to_keyword,
    to_elements,
    vr_of,
)
from imagehaven.errors import UserError


def stored(
    tag: int, vr: str | None, value: bytes, charset: str = "iso8859", **around: bytes
) -> Any:
    raw = {
        BaseTag(int(key[1:], 16)): RawDataElement(
            BaseTag(int(key[1:], 16)), None, len(data), data, 0, True, True
        )
        for key, data in around.items()
    }
    raw[BaseTag(tag)] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, vr is None, True)
    dataset = Dataset(raw)
    dataset.set_original_encoding(vr is None, True, [charset])
    elements = to_elements(dataset)
    json.dumps(elements, allow_nan=False)
    return elements[f"{tag:08X}"]


def test_decimal_strings_keep_their_text() -> None:
    assert stored(0x00280030, "DS", b"0.50\\1.0e0 ") == {"vr": "DS", "Value": ["0.50", "1.0e0"]}


def test_a_value_that_breaks_its_vr_keeps_text_and_bytes() -> None:
    element = stored(0x00280008, "IS", b"1A")
    assert element["Invalid"] is True
    assert element["Value"] == ["1A"]
    assert base64.b64decode(element["InlineBinary"]) == b"1A"


def test_an_empty_component_of_a_multi_value_is_null() -> None:
    assert stored(0x00080008, "CS", b"ORIGINAL\\\\AXIAL ")["Value"] == ["ORIGINAL", None, "AXIAL"]


def test_an_empty_value_has_no_value() -> None:
    assert stored(0x00100020, "LO", b"") == {"vr": "LO"}


def test_a_backslash_in_a_single_text_separates_nothing() -> None:
    assert stored(0x00204000, "LT", b"a\\b ")["Value"] == ["a\\b"]


def test_a_name_is_split_into_its_groups() -> None:
    value = "Yamada^Tarou=山田^太郎=やまだ^たろう".encode()
    assert stored(0x00100010, "PN", value, "utf8")["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]


def test_text_that_is_not_in_its_character_set_keeps_its_bytes() -> None:
    element = stored(0x00100020, "LO", b"caf\xe9", "utf8")
    assert element["Invalid"] is True
    assert base64.b64decode(element["InlineBinary"]) == b"caf\xe9"


@pytest.mark.parametrize("codec", ["zlib", "rot13", "no such codec", "unicode_escape", "hex"])
def test_a_character_set_that_is_no_character_set_does_no_harm(codec: str) -> None:
    assert "Value" in stored(0x00100020, "LO", b"caf\xe9", codec)


def test_binary_is_stored_by_length_and_hash_and_inline_when_short() -> None:
    short, long = b"\1\2\3\4", b"\1\2" * 200
    digest = hashlib.sha256(long).hexdigest()
    assert stored(0x00091010, "OB", long) == {"vr": "OB", "Length": 400, "SHA256": digest}
    assert base64.b64decode(stored(0x00091010, "OB", short)["InlineBinary"]) == short


def test_numbers_that_json_has_not_are_text() -> None:
    value = b"\x00\x00\xc0\x7f\x00\x00\x80\x7f\x00\x00\x80\xff"
    assert stored(0x00720076, "FL", value)["Value"] == ["NaN", "inf", "-inf"]


def test_a_number_of_the_wrong_width_keeps_its_bytes() -> None:
    element = stored(0x00280010, "US", b"\1\2\3")
    assert (element["Invalid"], base64.b64decode(element["InlineBinary"])) == (True, b"\1\2\3")


def test_a_tag_value_is_eight_digits() -> None:
    assert stored(0x00280009, "AT", b"\x18\x00\x63\x10")["Value"] == ["00181063"]


def test_pixel_representation_decides_a_sign() -> None:
    assert stored(0x00280120, None, b"\xff\xff", x00280103=b"\1\0")["Value"] == [-1]
    assert stored(0x00280120, None, b"\xff\xff", x00280103=b"\0\0")["Value"] == [65535]


def test_a_private_element_takes_the_vr_of_its_creators_dictionary() -> None:
    element = stored(0x00191008, None, b"IMAGE NUM 4 ", x00190010=b"SIEMENS CSA HEADER")
    assert element["vr"] in {"CS", "UN"}
    assert stored(0x00191008, None, b"12", x00190010=b"NOBODY KNOWS")["vr"] == "UN"


def test_elements_that_pydicom_has_converted_are_stored_alike() -> None:
    dataset = Dataset()
    dataset.PatientName = "Doe^Jane"
    dataset.PixelSpacing = ["0.50", "1.0"]
    dataset.Rows = 5
    dataset.ReferencedImageSequence = [Dataset()]
    dataset.ReferencedImageSequence[0].add(DataElement(0x00081155, "UI", "1.2.3"))
    assert to_elements(dataset) == {
        "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
        "00280010": {"vr": "US", "Value": [5]},
        "00280030": {"vr": "DS", "Value": ["0.50", "1.0"]},
    }


def test_first_value_finds_by_keyword() -> None:
    elements = {
        "00100010": {"vr": "PN", "Value": [{"Ideographic": "山田"}]},
        "00280010": {"vr": "US", "Value": [5]},
        "00080060": {"vr": "CS"},
        "00081140": {"vr": "SQ", "Value": [{}]},
    }
    assert first_value(elements, "PatientName") == "山田"
    assert first_value(elements, "Rows") == "5"
    assert first_value(elements, "Modality") is None
    assert first_value(elements, "ReferencedImageSequence") is None
    assert first_value(elements, "PatientID") is None


def test_keywords_tags_and_vrs_come_from_the_dictionary() -> None:
    assert keyword_to_tag("PatientID") == "00100020"
    assert tag_to_keyword("00100020") == "PatientID"
    assert tag_to_keyword("00091001") == ""
    assert vr_of("StudyInstanceUID") == "UI"
    assert vr_of("SmallestImagePixelValue") == "US"
    with pytest.raises(UserError, match=r"PS3\.6"):
        keyword_to_tag("PatientsName")


def test_a_well_known_uid_is_the_standards_own() -> None:
    assert is_well_known("1.2.840.10008.1.2")
    assert not is_well_known("1.2.840.100081.2")
    assert not is_well_known("1.2.840.113619.2")

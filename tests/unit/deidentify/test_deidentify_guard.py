"""The guard knows this patient's identifiers and the shapes of identifiers, and little else."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.guard import is_chi, watch


@pytest.fixture(name="header")
def _header() -> Dataset:
    header = Dataset()
    header.PatientName = "M\u00fcller-Sinclair^Fionnlagh"
    header.SpecificCharacterSet = "ISO_IR 192"
    header.PatientID = "AB 12-345"
    header.PatientBirthDate = "19561203"
    header.AccessionNumber = "RX77812"
    header.ReferringPhysicianName = "Abernethy^Q"
    header.PatientAddress = "12 Corstorphine Road"
    header.InstitutionName = "Glenmore Infirmary"
    nested = Dataset()
    nested.PatientID = "ZZ99881"
    header.OtherPatientIDsSequence = [nested]
    return header


@pytest.mark.parametrize(
    "text",
    [
        "SINCLAIR",
        "scan of fionnlagh",
        "muller",
        "ab12345",
        "AB12 345",
        "RX-77812",
        "ZZ99881",
        "ABERNETHY",
        "corstorphine",
        "glenmore infirmary",
        "03121956",
        "1956-12-03",
        "0101010101",
        "010101 0101",
        "12 Mar 1980",
        "12/03/1980",
        "seen 3.12.1956",
        "EH4 2XU",
        "someone@example.org",
        "943 476 5919",
    ],
)
def test_an_identifier_is_refused(header: Dataset, text: str) -> None:
    assert watch(header).refuses(text, "LO")


@pytest.mark.parametrize(
    "text",
    [
        "SINC FILTER",
        "SIEMENS",
        "Br40 5mm",
        "syngo MR E11",
        "1.2.40",
        "ORIGINAL",
        "RX7",
        "Glen",
        "*tfl3d1_16ns",
        "120.5",
    ],
)
def test_a_near_miss_passes(header: Dataset, text: str) -> None:
    assert not watch(header).refuses(text, "LO")


@pytest.mark.parametrize(
    ("text", "vr"), [("19561203", "DS"), ("0101010109", "IS"), ("20240305", "IS")]
)
def test_a_number_that_is_a_date_or_a_chi_is_refused(header: Dataset, text: str, vr: str) -> None:
    assert watch(header).refuses(text, vr)


@pytest.mark.parametrize("text", ["370000000", "1.5", "512", "-1000", "63.8712345678"])
def test_a_measured_number_passes(header: Dataset, text: str) -> None:
    assert not watch(header).refuses(text, "DS")


def test_a_chi_has_a_date_and_a_check_digit() -> None:
    assert is_chi("0101010109") and is_chi("010101 0109")
    assert not is_chi("3113010109")
    assert sum(is_chi(f"010101010{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize("text", ["01315551234", "1203565678"])
def test_a_number_as_long_as_a_telephones_is_refused(header: Dataset, text: str) -> None:
    assert watch(header).refuses(text, "DS")


@pytest.mark.parametrize("text", ["3700000000", "131555123"])
def test_a_round_or_shorter_number_passes(header: Dataset, text: str) -> None:
    assert not watch(header).refuses(text, "DS")


@pytest.mark.parametrize("code", ["1956-03-12", "19560312", "0101010109", "AB12345", "ab 12-345"])
def test_a_code_that_is_an_identifier_is_refused(header: Dataset, code: str) -> None:
    assert watch(header).refuses_code(code)


@pytest.mark.parametrize("code", ["433466003", "5.6.3-9-61", "T-D4000", "113100", "mm", "RID7771"])
def test_a_code_of_a_terminology_passes(header: Dataset, code: str) -> None:
    assert not watch(header).refuses_code(code)


@pytest.mark.parametrize("value", [b"Abernethy\1\2", b"\0\0Sinclair\0", b"\1AB12345\0"])
def test_numbers_that_spell_something_are_refused(header: Dataset, value: bytes) -> None:
    assert watch(header).knows_bytes(value)


@pytest.mark.parametrize("value", [b"\0\1\2\3\4\5", b"CT01", b"\0\0\0ABCDEFGH\0", b""])
def test_other_numbers_pass(header: Dataset, value: bytes) -> None:
    assert not watch(header).knows_bytes(value)

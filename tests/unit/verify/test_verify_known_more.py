"""Misses and false alarms that were found in use, each with its near miss."""

import pytest

from imagehaven.verify import KnownIdentifiers, known_identifiers
from imagehaven.verify.known.known_sources import known_sources
from imagehaven.verify.known.matcher import Context


def known(tag, vr, value, meta=None):
    shaped = {"Alphabetic": value} if vr == "PN" else value
    return known_identifiers({tag: {"vr": vr, "Value": [shaped]}}, meta)


def finds(identifiers, text, context=Context.TEXT):
    return [text[m.start : m.end] for m in identifiers.matcher.find(text, context)]


@pytest.mark.parametrize(
    "value",
    ["Removed by CTP", "REMOVED BY RSNA CTP", "Anonymized by TCIA", "de-identified", "Redacted",
     "removed^by^ctp", "Anonymised using the DICOM Anonymizer"],
)  # fmt: skip
def test_a_statement_that_a_name_was_removed_is_nobodys_name(value):
    assert known_sources().is_placeholder(value)
    assert len(known("00080090", "PN", value)) == 0
    assert len(known("00080080", "LO", value)) == 0


@pytest.mark.parametrize(
    "value", ["Removed by Dr Abernethy", "Remova^Dalia", "Anonby^Q", "Redacted^Smith", "Ctp^Byron"]
)
def test_a_name_beside_such_a_word_is_a_name(value):
    assert not known_sources().is_placeholder(value)
    assert len(known("00080090", "PN", value)) == 1


def test_a_removed_name_does_not_block_files_that_say_by():
    identifiers = known("00080090", "PN", "Removed by CTP")
    assert finds(identifiers, "filtered by kernel, removed table, CTP phantom") == []


@pytest.mark.parametrize(
    "text",
    ["Serial No: 48213", "S/N 48213\0", "sn=48213", "DeviceSerialNumber 48213", "ser.no.48213"],
)
def test_a_short_serial_number_after_its_label_is_found_in_binary_values(text):
    identifiers = known("00181000", "LO", "48213")
    assert finds(identifiers, text, Context.BINARY) == ["48213"]
    assert finds(identifiers, text.replace("48213", "48214"), Context.BINARY) == []


@pytest.mark.parametrize("text", ["gain 48213", "snap 48213 48213", "Serial No: 482130"])
def test_the_same_digits_without_a_label_are_chance_in_binary_values(text):
    assert finds(known("00181000", "LO", "48213"), text, Context.BINARY) == []


def test_a_short_serial_number_that_is_a_whole_binary_value_is_found():
    for serial in ("48213", "C5830"):
        identifiers = known("00181000", "LO", serial)
        assert finds(identifiers, serial, Context.BINARY) == [serial]
    assert finds(known("00181000", "LO", "4821"), "4821", Context.BINARY) == []


def test_the_application_entity_of_the_file_meta_is_known():
    meta = {"00020016": {"vr": "AE", "Value": ["NINEWELLSCT3"]}}
    identifiers = known("00080060", "CS", "CT", meta)
    assert finds(identifiers, "sent from ninewellsct3 today") == ["ninewellsct3"]
    generic = {"00020016": {"vr": "AE", "Value": ["STORESCU"]}}
    assert len(known("00080060", "CS", "CT", generic)) == 0


def test_a_patients_history_is_searched_as_one_for_all_of_the_patients_files():
    first = known("00100010", "PN", "Quist^Torvald") | known("00080020", "DA", "20040119")
    second_ = known("00100010", "PN", "Quist^Torvald") | known("00080020", "DA", "20050220")
    history = KnownIdentifiers().with_history([first, second_])
    one, other = first.with_history([history]), second_.with_history([history])
    assert one.matcher.shared is other.matcher.shared
    assert finds(one, "seen Quist on 20050220") == ["Quist", "20050220"]
    at_its_place = one.matcher.find("20040119", Context.DATE, "StudyDate")
    assert [m.rule for m in at_its_place] == ["known-unchanged"]
    assert other.matcher.find("20040119", Context.DATE, "StudyDate") == []


def test_an_identifier_that_the_history_lacks_is_searched_too():
    history = KnownIdentifiers().with_history([known("00100010", "PN", "Quist^Torvald")])
    own = known("00100010", "PN", "Vance^Ottoline").with_history([history])
    assert finds(own, "Quist and Vance") == ["Quist", "Vance"]
    denied = KnownIdentifiers().with_history([known("00100010", "PN", "Abernethy^X")])
    assert finds(own | denied, "Quist, Vance, Abernethy") == ["Quist", "Vance", "Abernethy"]


def test_what_was_found_once_is_found_again():
    identifiers = known("00100010", "PN", "Quist^Torvald")
    shared = KnownIdentifiers().with_history([identifiers])
    own = identifiers.with_history([shared])
    assert finds(own, "by Quist") == finds(own, "by Quist") == ["Quist"]
    assert finds(own, "by Quist", Context.DATE) == []

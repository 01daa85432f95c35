"""The identifiers that are known for a patient, and how they are found again in a text."""

import pickle

import pytest

from imagehaven.errors import UserError
from imagehaven.verify import known_identifiers
from imagehaven.verify.known.matcher import Context


def element(vr, *values):
    return {"vr": vr, "Value": list(values)}


SOURCE = {
    "00100010": element(
        "PN", {"Alphabetic": "O'Rourke-Hill^Máire Ann^^Dr", "Ideographic": "山田^太郎"}
    ),
    "00100020": element("LO", "AB-12345/6"),
    "00100030": element("DA", "19640412"),
    "00101000": element("LO", "0101901232"),
    "00101040": element("LO", "17 Harbour Terrace, Anstruther, KY10 3AB"),
    "00102154": element("SH", "+44 (0)1333 310 777"),
    "00080020": element("DA", "20200315"),
    "00080050": element("SH", "E7788990"),
    "00080080": element("LO", "Ninewells Hospital"),
    "00080090": element("PN", {"Alphabetic": "Head^Ian"}),
    "0020000D": element("UI", "1.2.826.0.1.3680043.8.498.1234567"),
    "00400275": element(
        "SQ",
        {"00401001": element("SH", "REQ55443"), "00321032": element("PN", {"Alphabetic": "Li^Wu"})},
    ),
}
KNOWN = known_identifiers(SOURCE)


def classes(text, context=Context.TEXT, path=""):
    return {match.identifier.value_class for match in KNOWN.matcher.find(text, context, path)}


@pytest.mark.parametrize(
    ("text", "value_class"),
    [
        ("seen: MAIRE with a fall", "name"),
        ("ROURKE, MAIRE", "name"),
        ("o'rourke-hill", "name"),
        ("MÁIRE", "name"),
        ("annmaire was here", "name"),
        ("mrourke", "name"),
        ("患者 山田", "name"),
        ("Head, Ian", "name"),
        ("IAN HEAD", "name"),
        ("wu li", "name"),
        ("old no AB123456 kept", "other-id"),
        ("ab 12345 6", "other-id"),
        ("CHI 010190 1232", "chi"),
        ("0101 90 1232", "chi"),
        ("XX0101901232YY", "chi"),
        ("at 17 harbour terrace", "address"),
        ("near KY10 3AB", "postcode"),
        ("ky103ab", "postcode"),
        ("ring 01333 310777", "phone"),
        ("acc E7788990", "accession"),
        ("e-778-8990", "accession"),
        ("from Ninewells  Hospital.", "other-id"),
        ("see 1.2.826.0.1.3680043.8.498.1234567", "uid"),
        ("1.2.826.0.1.3680043.8.498.1234567.9.1", "uid"),
        ("REQ55443", "other-id"),
        ("born 12/04/1964", "date"),
        ("12.04.64", "date"),
        ("04/12/1964", "date"),
        ("12th of April 1964", "date"),
        ("12-APR-64", "date"),
        ("April 12, 1964", "date"),
        ("1964-04-12", "date"),
        ("dob120464", "date"),
        ("19640412103000", "date"),
        ("compared with 15 Mar 2020", "date"),
    ],
)
def test_a_known_identifier_is_found_however_it_is_written(text, value_class):
    assert value_class in classes(text)


@pytest.mark.parametrize(
    "text",
    [
        "CT HEAD without contrast",
        "head first supine",
        "li 7.3",
        "ROUKE",
        "annual review",
        "Doctor",
        "AB123457",
        "AB1234567",
        "17 Harbour Road",
        "KY10 3AC",
        "01333 310778",
        "E77889901",
        "Ninewells",
        "1.2.826.0.1.3680043.8.498.12345678",
        "1.2.826.0.1.3680043.8.498",
        "12/05/1964",
        "1964",
        "April 1964",
        "11204641",
        "16 Mar 2020",
        "0101901233",
    ],
)
def test_a_near_miss_is_not_found(text):
    assert classes(text) == set()


def test_an_ordinary_word_that_is_a_name_is_found_as_a_whole_value_but_not_in_a_code():
    assert classes("HEAD") == {"name"}
    assert classes("HEAD", Context.CODE) == set()


def test_a_short_name_is_found_only_beside_another_part_of_the_same_name():
    assert classes("li and more text") == set()
    assert classes("Li^Wu") == {"name"}
    # Parts of two people side by side are nobody's name.
    assert classes("head wu") == set()


def test_a_date_counts_at_its_own_element_only_where_dates_are_expected():
    assert classes("20200315", Context.DATE, "StudyDate") == {"date"}
    assert classes("20200315", Context.DATE, "SeriesDate") == set()
    assert classes("20200315103000.000", Context.DATE, "StudyDate") == {"date"}


def test_the_birth_date_counts_at_every_element():
    assert classes("19640412", Context.DATE, "ContentDate") == {"date"}


def test_a_value_left_at_its_own_element_is_found_however_short_it_is():
    short = known_identifiers({"00100020": element("LO", "7")})
    assert short.matcher.find("7", Context.TEXT, "PatientID")
    assert not short.matcher.find("7", Context.TEXT, "SeriesDescription")


def test_a_date_of_another_instance_is_looked_for_in_text_but_not_at_the_same_element():
    other = known_identifiers({"00080020": element("DA", "20211224")})
    whole = KNOWN.with_history([other])
    assert whole.matcher.find("since 24/12/2021", Context.TEXT)
    assert not whole.matcher.find("20211224", Context.DATE, "StudyDate")


def test_numbers_are_no_evidence_where_numbers_live_unless_they_are_long():
    assert classes("0101901232", Context.NUMBER) == {"chi"}
    short = known_identifiers({"00100020": element("LO", "12345")})
    assert not short.matcher.find("12345", Context.NUMBER)
    assert not short.matcher.find("0.12345", Context.TEXT)
    assert short.matcher.find("no 12345", Context.TEXT)


def test_placeholders_and_well_known_uids_are_not_identifiers():
    elements = {
        "00100010": element("PN", {"Alphabetic": "ANONYMOUS"}),
        "00100020": element("LO", "N/A"),
        "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00081010": element("SH", "000000000"),
        "00081150": element("UI", "1.2.3.4.5.6.7.8.9"),
        "00100030": element("DA", "00010101"),
        "00080080": {"vr": "LO"},
    }
    assert len(known_identifiers(elements)) == 0


def test_groups_that_a_project_may_keep_are_left_out_by_name():
    assert classes("Ninewells Hospital") == {"other-id"}
    kept = KNOWN.without("institution")
    assert not kept.matcher.find("Ninewells Hospital", Context.TEXT)
    with pytest.raises(UserError, match="choose from date, device, institution"):
        KNOWN.without("hospital")


def test_the_known_identifiers_travel_between_processes():
    assert KNOWN.matcher  # compiled before it is sent
    assert pickle.loads(pickle.dumps(KNOWN)) == KNOWN


def test_elements_in_another_shape_are_refused_without_their_values():
    with pytest.raises(UserError, match="DICOM JSON Model") as error:
        known_identifiers({"00100010": "SECRET^NAME"})
    assert "SECRET" not in str(error.value)

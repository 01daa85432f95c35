"""The answer key tells everything that was planted, and tells the truth."""

import io
import json
import re
import unicodedata
from collections import Counter, defaultdict

import numpy as np
import pydicom
import pytest

from imagehaven.dicom.header import read_header
from imagehaven.errors import Quarantine
from imagehaven.synth import is_chi, is_nhs
from imagehaven.synth.answer_key import KINDS
from imagehaven.synth.filing import TROUBLES
from imagehaven.synth.planting.leaks import elements, sites
from imagehaven.synth.telling import CODECS


@pytest.fixture(scope="session")
def key(hospital):
    """Rows of identifiers.csv by file."""
    rows = defaultdict(list)
    for row in hospital.key("identifiers.csv"):
        rows[row["file"]].append(row)
    return rows


def strings(content):
    """Every (location, text) of a DICOM file: elements, file meta, preamble."""
    ds = pydicom.dcmread(io.BytesIO(content))
    charset = ds.get("SpecificCharacterSet", "ISO_IR 6")
    codec = CODECS.get(charset if isinstance(charset, str) else "", "ascii")
    found = [("preamble", ds.preamble.decode("utf-8"))]
    found += [(f"file-meta/{name}", text_of(one, codec)) for name, one in elements(ds.file_meta)]
    for location, element in elements(ds):
        if element.keyword not in {"PixelData", "EncapsulatedDocument", "OverlayData"}:
            name = "trailing" if element.tag == 0xFFFCFFFC else location
            found.append((name, text_of(element, codec)))
    return found


def text_of(element, codec):
    if isinstance(element.value, bytes):
        try:  # binary headers are written in UTF-8, private text in the file's own character set
            return element.value.decode("utf-8")
        except UnicodeDecodeError:
            return element.value.decode(codec, errors="replace") + element.value.decode(
                "utf-8", errors="replace"
            )
    if element.value is None:
        return ""
    values = element.value if element.VM > 1 else [element.value]
    return "\\".join(str(value) for value in values)


def plain(text):
    return unicodedata.normalize("NFC", text).upper()


def test_every_marked_value_stands_where_the_key_says(hospital, key):
    checked = 0
    for row, content in hospital.instances():
        found = defaultdict(str)
        for location, text in strings(content):
            found[location] += text
        for mark in key[row["file"]]:
            if mark["location"].startswith(("pixels", "overlay", "EncapsulatedDocument")):
                continue
            place = row["file"] if mark["location"] == "path" else found[mark["location"]]
            assert mark["value"] in place, (row["file"], mark["location"])
            checked += 1
    assert checked > 5000


def test_no_identifier_of_the_patient_stands_where_the_key_does_not_say(hospital, key):
    people = {row["chi"]: row for row in hospital.table("patients")}
    numbers = {row["patient_key"]: row["chi"] for row in hospital.key("patients.csv")}
    for row, content in hospital.instances():
        person = people[numbers[row["patient_key"]]]
        marked = {mark["location"] for mark in key[row["file"]]}
        sought = [
            person["postcode"],
            person["phone"],
            person["mobile"],
            person["email"],
            person["birth_date"].replace("-", ""),
            person["nhs_number"] or person["chi"],
        ]
        family = re.compile(rf"\b{re.escape(plain(person['family_name']))}\b")
        for location, text in strings(content):
            digits = re.sub(r"(?<=\d)[ -](?=\d)", "", text)
            hit = any(value in text for value in sought) or person["chi"] in digits
            if len(person["family_name"]) > 4:
                hit = hit or family.search(plain(text)) is not None
            assert not hit or location in marked, (row["file"], location)


def test_dates_and_uids_of_the_data_set_are_all_marked(hospital, key):
    for row, content in hospital.instances():
        marked = {mark["location"] for mark in key[row["file"]]}
        for location, element in elements(pydicom.dcmread(io.BytesIO(content))):
            standard = str(element.value).startswith("1.2.840.10008.")
            if element.VR in {"DA", "DT"} or (element.VR == "UI" and not standard):
                assert location in marked or not element.value, (row["file"], location)


def test_burned_in_text_lies_in_the_box_of_the_key(hospital, key):
    boxes = 0
    for row, content in hospital.instances():
        marks = [mark for mark in key[row["file"]] if mark["location"].startswith("pixels")]
        if not marks:
            continue
        ds = pydicom.dcmread(io.BytesIO(content))
        pixels = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns, ds.SamplesPerPixel)
        for mark in marks:
            _, last, *box = map(int, re.findall(r"\d+", mark["location"]))
            x, y, width, height = box
            window = pixels[:, y : y + height, x : x + width]
            assert window.shape[:3] == (last, height, width)
            assert window.max() - window.min() > pixels.max() / 10, "letters are bright on dark"
            boxes += 1
    assert boxes > 100


def test_overlays_hold_a_drawing(hospital, key):
    drawn = 0
    for row, content in hospital.instances():
        if any(mark["location"].startswith("overlay") for mark in key[row["file"]]):
            ds = pydicom.dcmread(io.BytesIO(content))
            group = 0x6000 if (0x6000, 0x3000) in ds else 0x6002
            bits = np.unpackbits(np.frombuffer(ds[group, 0x3000].value, np.uint8)).sum()
            assert 50 < bits < ds.Rows * ds.Columns / 4
            drawn += 1
    assert drawn


def test_identifiers_leak_through_every_kind_of_place(hospital):
    rows = hospital.key("identifiers.csv")
    places = Counter(re.sub(r"[@\[(/ ].*", "", row["location"]) for row in rows)
    for place in ("preamble", "file-meta", "trailing", "path", "pixels", "overlay", "line"):
        assert places[place], place
    assert places["EncapsulatedDocument"]
    assert any(row["location"].count("[0]") >= 3 for row in rows), "three sequences deep"
    assert any(row["location"].startswith("(") for row in rows), "private elements"
    assert {row["kind"] for row in rows} == set(KINDS)
    assert {row["expect"] for row in rows} == {"remove", "shift", "map"}


def test_nearly_every_leak_site_is_used_by_thirty_patients(hospital):
    used = {row["location"] for row in hospital.key("identifiers.csv")}
    standard = {
        site["at"] for site in sites() if isinstance(site["at"], str) and "{" in site["text"]
    }
    assert len(standard - used) <= 2


def test_every_file_ends_in_the_state_that_the_key_foretells(hospital):
    for row in hospital.key("files.csv"):
        content = hospital.content(row["file"])
        try:
            read_header(io.BytesIO(content), len(content))
            reason = ""
        except Quarantine as fault:
            reason = fault.reason
        assert reason == row["reason"], row["file"]


def test_the_totals_add_up(hospital):
    expected = json.loads((hospital.root / "answer_key" / "expected.json").read_text())
    rows = hospital.key("files.csv")
    states = Counter(row["state"] for row in rows)
    assert expected == json.loads(json.dumps(hospital.summary.summary()))
    assert expected["files"] == len(rows)
    assert {state: expected[state] for state in ("catalogued", "duplicate", "conflicting")} == {
        state: states[state] for state in ("catalogued", "duplicate", "conflicting")
    }
    assert sum(expected["quarantined"].values()) == states["quarantined"]
    assert set(expected["quarantined"]) == {*filter(None, TROUBLES.values()), "media-directory"}
    catalogued = [row["SOPInstanceUID"] for row in rows if row["state"] == "catalogued"]
    assert len(set(catalogued)) == len(catalogued) == sum(expected["modalities"].values())
    assert expected["identifiers"] == len(hospital.key("identifiers.csv"))


def test_a_duplicate_has_the_same_bytes_and_a_conflict_the_same_uid_with_others(hospital):
    rows = hospital.key("files.csv")
    first = {row["SOPInstanceUID"]: row for row in rows if row["state"] == "catalogued"}
    for row in rows:
        if row["state"] == "duplicate":
            assert row["sha256"] == first[row["SOPInstanceUID"]]["sha256"]
        if row["state"] == "conflicting":
            assert row["sha256"] != first[row["SOPInstanceUID"]]["sha256"]


def test_safe_values_stand_where_the_key_says(hospital):
    safe = defaultdict(list)
    for row in hospital.key("safe.csv"):
        safe[row["file"]].append(row)
    assert any(row["value"] == "Baker's cyst" for rows in safe.values() for row in rows)
    for row, content in hospital.instances():
        found = dict(strings(content))
        for kept in safe[row["file"]]:
            assert kept["value"] in found[kept["location"]]


def test_near_misses_are_no_identifiers():
    near = [site["text"] for site in sites() if "safe" in site]
    assert near
    for text in near:
        digits = re.sub(r"\D", "", text)
        assert "{" not in text
        assert not is_chi(digits) and not is_nhs(digits)

"""Properties of de-identification that hold for any input."""

from __future__ import annotations

import string
from datetime import date, timedelta
from io import BytesIO

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from imagehaven.deidentify import Pseudonyms, deidentify_dataset, load
from imagehaven.deidentify.elements import dates
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG, EXPLICIT_LITTLE, encode, file_head
from imagehaven.dicom import quiet_pydicom, read_header
from imagehaven.dicom.uids import SourceUID
from imagehaven.errors import Withheld

QUICK = settings(derandomize=True, deadline=None, max_examples=150)
RESEARCH, KEY = load("research"), Pseudonyms(b"g" * 32)
_TAGS = st.sampled_from(sorted(tag for tag in DicomDictionary if tag >> 16 > 4))
_PRIVATE = st.integers(0, 0xFFFF).map(lambda low: 0x00190000 | low)
_VRS = st.sampled_from(["LO", "SH", "PN", "CS", "DA", "DS", "IS", "UI", "UN", "OB", "US", "FD"])
_ELEMENT = st.tuples(st.one_of(_TAGS, _PRIVATE), _VRS, st.binary(max_size=40))
_DAYS = st.dates(date(1900, 1, 1), date(2050, 1, 1))


def _dataset(elements: list[tuple[int, str, bytes]], inner: Dataset | None = None) -> Dataset:
    found = {
        BaseTag(tag): RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
        for tag, vr, value in elements
    }
    dataset = Dataset(found)
    if inner is not None:
        dataset.PerFrameFunctionalGroupsSequence = Sequence([inner])
    return dataset


@QUICK
@given(st.lists(_ELEMENT, max_size=12), st.lists(_ELEMENT, max_size=12), st.booleans())
def test_any_data_set_is_cleaned_into_one_that_can_be_read(
    outer: list[tuple[int, str, bytes]], inner: list[tuple[int, str, bytes]], little: bool
) -> None:
    try:
        cleaned = deidentify_dataset(_dataset(outer, _dataset(inner)), RESEARCH, KEY, little=little)
    except Withheld:
        return
    syntax = EXPLICIT_LITTLE if little else EXPLICIT_BIG
    cleaned.dataset[0x00080018] = RawDataElement(
        BaseTag(0x00080018), "UI", 4, b"1.2\0", 0, False, little
    )
    data = file_head("1.2", "1.2", syntax) + encode(cleaned.dataset, syntax)
    with quiet_pydicom():
        again = pydicom.dcmread(BytesIO(data))
    assert len(again) == len(cleaned.dataset)
    assert read_header(BytesIO(data), len(data)).transfer_syntax == syntax


@QUICK
@given(st.lists(_ELEMENT, max_size=12))
def test_cleaning_twice_gives_the_same(elements: list[tuple[int, str, bytes]]) -> None:
    try:
        first = deidentify_dataset(_dataset(elements), RESEARCH, KEY)
    except Withheld:
        return
    second = deidentify_dataset(_dataset(elements), RESEARCH, KEY)
    assert encode(first.dataset, EXPLICIT_LITTLE) == encode(second.dataset, EXPLICIT_LITTLE)
    assert first.actions == second.actions


@QUICK
@given(
    st.text(string.ascii_uppercase, min_size=9, max_size=14),
    st.lists(_TAGS, min_size=1, max_size=25, unique=True),
    st.sampled_from(["LO", "CS", "SH", "UT", "PN", "UN", "OB", "ST"]),
    st.integers(0, 4),
)
def test_a_patients_name_survives_in_no_standard_element(
    name: str, tags: list[int], vr: str, depth: int
) -> None:
    value = name.encode() + b" " * (len(name) % 2)
    dataset = _dataset([(tag, vr, value) for tag in tags])
    for _ in range(depth):
        dataset = _dataset([(tag, vr, value) for tag in tags], dataset)
    dataset.add_new(0x00100010, "PN", f"{name}^First")
    dataset.add_new(0x00100020, "LO", "P1")
    dataset.add_new(0x00080005, "CS", "ISO_IR 192")
    dataset.add_new(0x0020000D, "UI", "1.2.3")
    cleaned = deidentify_dataset(dataset, RESEARCH, KEY)
    assert name.encode() not in encode(cleaned.dataset, EXPLICIT_LITTLE)


@QUICK
@given(_DAYS, _DAYS, st.text(min_size=1, max_size=12))
def test_the_distance_between_two_dates_of_a_patient_is_kept(
    one: date, other: date, patient: str
) -> None:
    shift = KEY.date_shift(patient)
    moved = [dates.shift_date(day.strftime("%Y%m%d"), shift) for day in (one, other)]
    found = [date.fromisoformat(text) for text in moved if text]
    assert found[1] - found[0] == other - one
    assert timedelta(days=1) <= one - found[0] <= timedelta(days=730)


@QUICK
@given(st.text(max_size=20))
def test_whatever_a_date_element_holds_is_shifted_or_removed(text: str) -> None:
    for function in (dates.shift_date, dates.shift_datetime):
        moved = function(text, timedelta(days=-100))
        assert moved is None or len(moved) <= 54


@QUICK
@given(st.lists(st.from_regex(r"[12](\.[1-9][0-9]{0,8}){1,6}", fullmatch=True), unique=True))
def test_different_uids_have_different_valid_pseudonyms(uids: list[str]) -> None:
    mapped = [KEY.uid(SourceUID(uid)) for uid in uids]
    assert len(set(mapped)) == len(uids)
    assert all(UID(uid).is_valid and len(uid) <= 44 for uid in mapped)


@pytest.mark.parametrize("little", [True, False])
def test_numbers_keep_their_bytes_in_either_byte_order(little: bool) -> None:
    order = "little" if little else "big"
    value = (512).to_bytes(2, order)
    rows = RawDataElement(BaseTag(0x00280010), "US", 2, value, 0, False, little)
    cleaned = deidentify_dataset(Dataset({rows.tag: rows}), RESEARCH, KEY, little=little)
    assert cleaned.dataset.get_item(0x00280010).value == value

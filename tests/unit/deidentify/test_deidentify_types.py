"""Each code of Table E.1-1 is resolved by the Type that the IOD gives the attribute."""

from __future__ import annotations

import pytest
from pydicom.datadict import tag_for_keyword

from imagehaven.deidentify import Context, decide, load
from imagehaven.deidentify.rulebook import iod
from imagehaven.deidentify.rulebook.iod import type_of
from imagehaven.deidentify.rulebook.rules import ACTIONS, entry, resolve
from imagehaven.deidentify.rulebook.table import (
    confidentiality_table,
    dummy_values,
    enumerated_values,
)

CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4.1"
RT_PLAN, SLIDE = "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.5.1.4.1.1.77.1.6"
RESEARCH, BASIC = load("research"), load("basic")


@pytest.mark.parametrize(
    ("keyword", "sop_class", "sequence", "kind"),
    [
        ("StudyInstanceUID", CT, "", "1"),
        ("PatientName", CT, "", "2"),
        ("StationName", CT, "", "3"),
        ("ContentDate", ENHANCED_MR, "", "1"),
        ("ContentDate", CT, "", "2C"),
        ("DeviceSerialNumber", ENHANCED_MR, "", "1"),
        ("DeviceSerialNumber", CT, "", "3"),
        ("ContainerIdentifier", SLIDE, "", "1"),
        ("RTPlanLabel", RT_PLAN, "", "1"),
        ("CodeMeaning", CT, "ProcedureCodeSequence", "1"),
        ("VerifyingObserverName", CT, "VerifyingObserverSequence", "1"),
        ("StationName", "1.2.3.4", "", ""),
        ("StationName", CT, "NoSuchSequence", ""),
    ],
)
def test_the_type_of_an_attribute_is_known_where_it_stands(
    keyword: str, sop_class: str, sequence: str, kind: str
) -> None:
    found = type_of(keyword, sop_class, sequence)
    assert found == kind


@pytest.mark.parametrize(
    ("code", "kind", "vr", "action"),
    [
        ("X/Z/D", "3", "LO", "X"),
        ("X/Z/D", "2", "LO", "Z"),
        ("X/Z/D", "2C", "LO", "Z"),
        ("X/Z/D", "1", "LO", "D"),
        ("X/Z/D", "1C", "LO", "D"),
        ("X/Z/D", "", "LO", "D"),
        ("X/D", "2", "LO", "D"),
        ("X/D", "3", "LO", "X"),
        ("X/Z", "3", "LO", "X"),
        ("X/Z", "2", "LO", "Z"),
        ("X/Z", "1", "LO", "D"),
        ("X/Z", "", "LO", "Z"),
        ("Z/D", "3", "LO", "Z"),
        ("Z/D", "1", "LO", "D"),
        ("Z", "1", "CS", "D"),
        ("Z", "3", "CS", "Z"),
        ("X", "1", "CS", "D"),
        ("X", "2", "CS", "Z"),
        ("X", "1C", "CS", "X"),
        ("X", "3", "CS", "X"),
        ("D", "3", "LO", "D"),
        ("D", "1", "UI", "U"),
        ("X", "1", "UI", "U"),
        ("X/Z/U*", "3", "SQ", "U"),
        ("D", "1", "SQ", "D"),
        ("D", "2", "SQ", "Z"),
        ("X/Z/D", "3", "SQ", "X"),
        ("X/D", "", "SQ", "X"),
        ("D", "", "SQ", "Z"),
        ("P", "1", "LO", "P"),
    ],
)
def test_the_least_telling_action_that_the_type_allows_is_taken(
    code: str, kind: str, vr: str, action: str
) -> None:
    assert resolve(code, kind, vr) == action


def test_no_code_of_the_table_is_left_open_for_any_sop_class() -> None:
    tags = [tag_for_keyword(row.keyword) for row in confidentiality_table() if row.keyword]
    for sop_class in ["", "1.2.3", *iod._modules()]:
        for profile in (RESEARCH, BASIC):
            context = profile.normal(Context(sop_class))
            for tag in tags:
                if tag is not None:
                    found = decide(profile, tag, context)
                    assert found.action in ACTIONS and found.fallback in ("X", "Z", "D", "U")


def test_no_type_1_is_ever_removed_or_emptied_and_no_type_2_removed() -> None:
    for sop_class in (CT, ENHANCED_MR, RT_PLAN, SLIDE):
        context = BASIC.normal(Context(sop_class))
        for row in confidentiality_table():
            tag = tag_for_keyword(row.keyword)
            found = decide(BASIC, tag, context) if tag is not None else None
            if found is not None and found.kind in ("1", "2") and entry(tag or 0).vr != "SQ":
                allowed = ("D", "U", "K", "C", "P") if found.kind == "1" else ("Z", "D", "U", "P")
                assert found.action in allowed, row.keyword


@pytest.mark.parametrize(
    ("keyword", "sop_class", "action"),
    [
        ("StationName", CT, "X"),
        ("DeviceSerialNumber", ENHANCED_MR, "D"),
        ("OperatorsName", CT, "X"),
        ("OperatorsName", RT_PLAN, "Z"),
        ("InstitutionName", CT, "X"),
        ("ContentDate", ENHANCED_MR, "D"),
        ("ContentDate", CT, "Z"),
    ],
)
def test_one_attribute_is_treated_by_the_iod_that_it_is_in(
    keyword: str, sop_class: str, action: str
) -> None:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    assert decide(BASIC, tag, Context(sop_class)).action == action


def test_every_dummy_of_the_list_is_one_of_an_element_that_exists() -> None:
    assert len(dummy_values()) >= 5
    assert all(tag_for_keyword(keyword) is not None for keyword in dummy_values())


def test_every_enumerated_value_is_a_code_string_of_an_element_that_exists() -> None:
    assert len(enumerated_values()) >= 20
    for keyword, values in enumerated_values().items():
        tag = tag_for_keyword(keyword)
        assert tag is not None and entry(tag).vr in ("CS", "SS")
        assert all(value == value.upper() and len(value) <= 16 for value in values)
    for keyword, dummy in dummy_values().items():
        assert dummy in enumerated_values().get(keyword, {dummy})

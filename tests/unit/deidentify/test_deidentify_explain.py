"""An explanation says what happens to an element, and every step that leads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven.deidentify import diff_profiles, explain_profile, list_profiles
from imagehaven.errors import UserError

CT = "1.2.840.10008.5.1.4.1.1.2"


def _said(element: str, **context: str) -> str:
    told = explain_profile(element, **context)  # type: ignore[arg-type]
    return "\n".join(f"{one['step']}: {one['says']} {one['where']}" for one in told.steps)


def test_a_keyword_and_its_tag_are_explained_alike() -> None:
    for element in ("StudyDate", "(0008,0020)", "00080020", "0008,0020"):
        told = explain_profile(element)
        assert (told.keyword, told.action, told.fallback) == ("StudyDate", "C", "Z")
        assert told.steps[-1]["where"] == "research.yaml:9"


def test_the_type_in_the_iod_is_part_of_the_reason() -> None:
    assert explain_profile("StationName", sop_class=CT).action == "X"
    assert explain_profile("StationName").action == "D"
    assert "3 or not in the IOD" in _said("StationName", sop_class=CT)
    assert "name it to see" in _said("StationName")
    assert "no IOD is known" in _said("StationName", sop_class="1.2.3")
    assert "items of ProcedureCodeSequence" in _said(
        "CodeMeaning", sequence="ProcedureCodeSequence"
    )


def test_an_override_is_named_with_its_line() -> None:
    assert "C: kept with the modified date" in _said("InstanceCreationTime")
    told = explain_profile("ContainerIdentifier", modality="SM")
    assert (told.action, told.steps[-1]["where"].split(":")[0]) == ("P", "research.yaml")
    assert "does not apply here" in _said("ContainerIdentifier", modality="CT")


@pytest.mark.parametrize(
    ("element", "profile", "action", "says"),
    [
        ("(0019,xx0C):SIEMENS MR HEADER", "research", "K", "PS3.15 E.3.10-1"),
        ("(0019,100C):SIEMENS MR HEADER", "research", "K", "B Value"),
        ("(2005,xxB0):Philips MR Imaging DD 001", "research", "K", "private dictionary"),
        ("(0019,xx0C):SIEMENS MR HEADER", "basic", "X", "not chosen"),
        ("(0019,xx0C):ACME", "research", "X", "does not name"),
        ("(0029,xx10):SIEMENS CSA HEADER", "research", "X", "does not name"),
    ],
)
def test_a_private_element_is_explained_by_its_creator(
    element: str, profile: str, action: str, says: str
) -> None:
    assert explain_profile(element, profile=profile).action == action
    assert says in _said(element, profile=profile)


def test_overlays_and_unknown_standard_elements_go() -> None:
    assert explain_profile("(6002,3000)", profile="basic").action == "X"
    assert explain_profile("(6002,3000)").action == "C"
    assert "60xx3000" in _said("(6002,3000)")


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ("StudyDte", "names no element"),
        ("(0019,100C)", "depends on its creator"),
        ("(0008,xx0C):ACME", "private groups are odd"),
        ("(0008,FFFE)", "not in the data dictionary"),
    ],
)
def test_what_is_no_element_is_refused(element: str, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        explain_profile(element)


def test_two_profiles_differ_in_what_their_options_do() -> None:
    found = diff_profiles("basic", "research")
    assert "clean_descriptors" in found["options of research alone"]
    rows = {row["keyword"]: row for row in found["elements"]}
    assert (rows["StudyDate"]["basic"], rows["StudyDate"]["research"]) == ("Z", "C/Z")
    assert "SliceThickness" not in rows
    assert not diff_profiles("basic", "basic")["elements"]


def test_a_profile_of_ones_own_can_be_compared(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nextends: research\noverrides:\n  KVP: {action: X, reason: not wanted}\n"
    )
    assert [row["keyword"] for row in diff_profiles("research", str(file))["elements"]] == ["KVP"]


def test_the_shipped_profiles_are_listed() -> None:
    found = {one["profile"]: one for one in list_profiles()}
    assert {"base", "basic", "research"} <= set(found)
    assert found["research"]["files"] == ["base.yaml", "research.yaml"]
    assert all(one["about"] for one in found.values())

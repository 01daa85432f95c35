"""In a release, an element that holds identifiers by its nature holds what the project wrote."""

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imagehaven.verify import AllowedValues, KnownIdentifiers, known_identifiers, verify_file
from imagehaven.verify.detect.rules import default_rules
from imagehaven.verify.known.matcher import Context

OURS = AllowedValues(frozenset({"K7Q2M5XAP3RSTUVW"}))


def places(tmp_path, allowed, **values):
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    dataset.remove_private_tags()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    path = tmp_path / "a.dcm"
    dataset.save_as(path)
    found = verify_file(path, KnownIdentifiers(), allowed=allowed)
    return {f.location for f in found if f.rule == "identifying-element"}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("OperatorsName", "Zzyzx^Q"),
        ("AccessionNumber", "Q1"),
        ("InstitutionName", "Infirmary"),
        ("PatientName", "K7Q2M5XAP3RSTUVX"),
    ],
)
def test_a_strangers_value_is_found_there(keyword, value, tmp_path):
    assert keyword in places(tmp_path, OURS, **{keyword: value})
    assert keyword not in places(tmp_path, None, **{keyword: value})


def test_the_projects_own_value_and_no_value_are_not(tmp_path):
    ours = {"PatientName": "K7Q2M5XAP3RSTUVW", "PatientID": "K7Q2M5XAP3RSTUVW"}
    found = places(tmp_path, OURS, **ours, AccessionNumber="", OperatorsName="")
    assert not found & {"PatientName", "PatientID", "AccessionNumber", "OperatorsName"}


def test_a_site_that_was_cut_to_a_short_element_is_found():
    element = {"00080080": {"vr": "LO", "Value": ["Western Isles Hospital"]}}
    matcher = known_identifiers(element).matcher
    assert list(matcher.find("Western Isles Ho", Context.CODE))
    assert not list(matcher.find("Western Is", Context.CODE))


def test_a_scanner_called_by_its_model_and_nobody_are_not_identifiers():
    known = known_identifiers(
        {
            "00081010": {"vr": "SH", "Value": ["GALAN 3T"]},
            "00081090": {"vr": "LO", "Value": ["Galan 3T"]},
            "00081070": {"vr": "PN", "Value": [{"Alphabetic": "REMOVED^Dr"}]},
        }
    )
    assert not list(known.matcher.find("Galan 3T", Context.TEXT))
    assert not list(known.matcher.find("REMOVED", Context.NAME))


@pytest.mark.parametrize(("age", "found"), [("097Y", True), ("090Y", False)])
def test_an_age_over_ninety_is_found(age, found):
    rules = {match.rule.id for match in default_rules().find(age, Context.CODE, "PatientAge")}
    assert ("age-over-89" in rules) is found

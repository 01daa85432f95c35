"""`imagehaven profile`: explain, diff, test and list, for people and as JSON."""

import json
from pathlib import Path

import pytest

from imagehaven.cli.main import run

CT = "1.2.840.10008.5.1.4.1.1.2"


def _answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> object:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_explain_says_what_happens_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "explain", "StationName", "--sop-class", CT]) == 0
    told = capsys.readouterr().out
    assert "(0008,1010) StationName SH: X, remove (profile research)" in told
    assert "basic profile: X/Z/D" in told
    found = _answer(["profile", "explain", "StudyDate", "--modality", "CT"], capsys)
    assert isinstance(found, dict)
    assert (found["action"], found["fallback"]) == ("C", "Z")
    assert found["steps"][-1]["where"].startswith("research.yaml:")


def test_explain_of_a_private_element_names_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = _answer(["profile", "explain", "(0019,xx0C):SIEMENS MR HEADER"], capsys)
    assert isinstance(found, dict)
    assert found["action"] == "K"


def test_an_element_that_is_none_is_a_user_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "explain", "NoSuchKeyword"]) == 2
    assert "names no element" in capsys.readouterr().err


def test_diff_lists_options_and_elements(capsys: pytest.CaptureFixture[str]) -> None:
    found = _answer(["profile", "diff", "basic", "research"], capsys)
    assert isinstance(found, dict)
    assert "retain_safe_private" in found["options of research alone"]
    assert any(row["keyword"] == "PatientAge" for row in found["elements"])


def test_list_shows_the_shipped_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    found = _answer(["profile", "list"], capsys)
    assert isinstance(found, list)
    assert {"basic", "research"} <= {one["profile"] for one in found}
    assert run(["profile", "list"]) == 0
    assert "research" in capsys.readouterr().out


def test_test_tells_by_its_exit_code_whether_the_examples_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", "test"]) == 0
    assert "0 failed" in capsys.readouterr().out
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nextends: research\n"
        "examples:\n  - {element: StudyDate, value: '20240305', expect: removed}\n"
    )
    assert run(["profile", "test", str(own), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == 1
    assert told["examples"][-1]["where"] == f"{own}:4"

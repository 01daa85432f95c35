"""Layers: what a project says wins over its base, a manufacturer's section over a modality's."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven.deidentify import Context, decide, load, profile_hash, try_profile
from imagehaven.errors import UserError

STATION, PROTOCOL = 0x00081010, 0x00181030


def _profile(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(f"name: {name}\n{text}", encoding="utf-8")
    return file


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Path:
    return _profile(
        tmp_path,
        "site",
        "extends: research\n"
        "overrides:\n"
        "  StationName: {action: Z, reason: site}\n"
        "modality:\n"
        "  CT:\n"
        "    overrides:\n"
        "      StationName: {action: D, reason: a CT}\n"
        "manufacturer:\n"
        "  GE:\n"
        "    overrides:\n"
        "      StationName: {action: P, reason: a GE}\n",
    )


@pytest.mark.parametrize(
    ("context", "action", "line"),
    [
        (Context(), "Z", 4),
        (Context(modality="MR"), "Z", 4),
        (Context(modality="CT"), "D", 8),
        (Context(modality="CT", manufacturer="GE MEDICAL SYSTEMS"), "P", 12),
        (Context(modality="MR", manufacturer="ge healthcare"), "P", 12),
        (Context(modality="CT", manufacturer="Gendex"), "D", 8),
    ],
)
def test_the_last_layer_that_applies_wins(
    site: Path, context: Context, action: str, line: int
) -> None:
    profile = load(site)
    for given in (context, profile.normal(context)):
        found = decide(profile, STATION, given)
        assert found.action == action
        assert found.where == f"{site}:{line}"


def test_a_project_has_the_last_word_over_a_modality_of_its_base(site: Path) -> None:
    project = _profile(
        site.parent,
        "project",
        "extends: site.yaml\noverrides:\n  StationName: {action: X, reason: mine}\n",
    )
    profile = load(project)
    assert decide(profile, STATION, Context(modality="CT", manufacturer="GE")).action == "X"
    assert [Path(file).name for file in profile.files] == [
        "base.yaml", "research.yaml", "site.yaml", "project.yaml",
    ]  # fmt: skip


def test_a_project_adds_options_and_takes_some_away(site: Path) -> None:
    project = _profile(
        site.parent,
        "project",
        "extends: research\noptions: [clean_graphics]\nwithout: [clean_descriptors]\n",
    )
    assert set(load(project).options) == (set(load("research").options) | {"clean_graphics"}) - {
        "clean_descriptors"
    }
    assert decide(load(project), PROTOCOL).action == "D"


def test_the_hash_covers_every_layer(site: Path) -> None:
    project = _profile(site.parent, "project", "extends: site.yaml\n")
    before = profile_hash(load(project))
    site.write_text(site.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert profile_hash(load(project)) != before


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("extends: own.yaml\n", r"own\.yaml:2: .*comes back"),
        ("extends: nowhere\n", r"research\.yaml"),
        ("extends: research\nwithout: [retain_uids]\n", r"own\.yaml:3: .*is no option of"),
        (
            "extends: research\noptions: [retain_uids]\nwithout: [retain_uids]\n",
            r"own\.yaml:4: .*choose one",
        ),
        (
            "extends: research\noptions: [retain_longitudinal_full_dates]\n",
            r"research\.yaml:9: .*own\.yaml:3",
        ),
        ("options: []\nmodality: {CT: {options: [retain_uids]}}\n", r"own\.yaml:3: .*no key"),
        ("options: []\noverride: {}\n", r"own\.yaml:3: 'override' is no key of the profile"),
        (
            "options: []\noverrides:\n  Rows: {action: X, reason: r}\n"
            "  Rows: {action: X, reason: r}\n",
            r"own\.yaml:5: 'Rows' stands there twice",
        ),
        (
            "options: []\noverrides:\n  OperatorsName: {action: K, reason: r}\n",
            r"own\.yaml:4: .*identifies a person",
        ),
        ("options: []\noverrides:\n  Rows: {action: U, reason: r}\n", "holds no UID"),
        ("options: []\nexamples:\n  - {element: Rows, value: 1}\n", r"own\.yaml:4: an example"),
        (
            "options: []\nexamples:\n  - {element: Rowz, value: 1, expect: kept}\n",
            r"own\.yaml:4: 'Rowz'",
        ),
        (
            "options: []\nexamples:\n  - {element: Rows, value: 1, expect: gone}\n",
            "'gone' is not a choice for expect: kept",
        ),
        ("options: {a: b}\n", r"own\.yaml:2: options must be a list"),
        ("options: []\noverrides: [Rows]\n", r"own\.yaml:3: overrides must be a mapping"),
    ],
)
def test_a_wrong_layer_is_refused_with_its_line(text: str, fault: str, tmp_path: Path) -> None:
    file = _profile(tmp_path, "own", text)
    with pytest.raises(UserError, match=f"(?s){fault}"):
        load(file)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("")
    with pytest.raises(UserError, match=r"own\.yaml:1: there is nothing"):
        load(file)


def test_the_examples_of_the_shipped_profiles_hold() -> None:
    for name in ("base", "basic", "research"):
        trial = try_profile(name)
        assert not [one for one in trial.tried if not one.passed]
    assert len(try_profile("research").tried) >= 10


def test_an_example_that_does_not_hold_is_told_with_its_line(tmp_path: Path) -> None:
    file = _profile(
        tmp_path,
        "own",
        "extends: research\n"
        "examples:\n"
        "  - {element: StudyDate, value: '20240305', expect: kept}\n"
        "  - {element: PatientAge, value: 095Y, becomes: 095Y}\n"
        "  - {element: StudyID, value: '77', expect: replaced}\n",
    )
    failed = [one for one in try_profile(str(file)).tried if not one.passed]
    assert [(one.where, one.found) for one in failed] == [
        (f"{file}:4", "changed"),
        (f"{file}:5", "becomes 090Y"),
    ]

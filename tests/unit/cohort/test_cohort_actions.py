"""The verbs on a real haven: a lake in DuckLake, versions in the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven import cohort, link
from imagehaven.catalogue.tables import columns
from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.query.nodes import LEVELS
from imagehaven.errors import UserError
from imagehaven.haven import Haven

TEXT = '''"""CT of smokers."""
from imagehaven.cohort import cohort, series, table

smoking = table("smoking")
ct = series.where(series.Modality == "CT")
smokers = smoking.where(smoking.status == "current")
cohort(ct & smokers)
'''


@pytest.fixture(scope="module")
def haven(tmp_path_factory: pytest.TempPathFactory) -> Haven:
    """Two patients with a CT and an MR each; only one of them smokes. A test has its project."""
    folder = tmp_path_factory.mktemp("cohorts")
    made = Haven.create(folder / "haven")
    with made.lake.transaction() as connection:
        for level in LEVELS:
            types = ", ".join(f'"{name}" {kind}' for name, kind in columns(level).items())
            connection.execute(f"CREATE TABLE IF NOT EXISTS {level} ({types})")
        for patient in ("p1", "p2"):
            _add(connection, "patient", PatientID=patient)
            ids = {"StudyInstanceUID": f"{patient}.1", "PatientID": patient}
            _add(connection, "study", **ids)
            for modality in ("CT", "MR"):
                row = ids | {"SeriesInstanceUID": f"{patient}.{modality}", "Modality": modality}
                _add(connection, "series", **row)
                _add(connection, "instance", **row, SOPInstanceUID=f"{patient}.{modality}.1")
    (folder / "smoking.csv").write_text("PatientID,status\np1,current\np2,never\n")
    link.load(made, "smoking", [folder / "smoking.csv"])
    link.create_project(made, "lung")
    return made


def _add(connection, table: str, **values: str) -> None:
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "ct_smokers.py"
    made.write_text(TEXT)
    return made


def test_a_run_keeps_text_snapshot_attrition_and_members(haven: Haven, file: Path) -> None:
    version = cohort.run(haven, file, project="lung")
    assert version.label == "ct_smokers@1"
    assert version.text == TEXT
    assert version.snapshot == haven.lake.snapshot() - 1
    assert [step["step"] for step in version.attrition] == [
        "everything in the catalogue",
        "ct",
        "smokers",
    ]
    assert version.counts == {"patients": 1, "studies": 1, "series": 1, "instances": 1}
    assert haven.sql(
        "SELECT SOPInstanceUID AS uid FROM cohort_member WHERE project = 'lung'"
    ).to_pylist() == [{"uid": "p1.CT.1"}]
    assert cohort.list_versions(haven, project="lung") == [version]


def test_a_check_run_counts_and_keeps_nothing(haven: Haven, file: Path) -> None:
    kept = cohort.list_versions(haven)
    tried = cohort.run(haven, file, project="lung", check=True)
    assert (tried.version, tried.counts["instances"]) == (0, 1)
    assert cohort.list_versions(haven) == kept


def test_check_needs_no_haven_and_with_one_knows_its_columns(haven: Haven, file: Path) -> None:
    verdict = cohort.check(file)
    assert (verdict.unit, verdict.checked_against) == ("series", "language")
    assert cohort.check(file, haven=haven).checked_against == "haven"
    file.write_text(TEXT.replace("smoking.status", "smoking.state"))
    assert cohort.check(file).cohort == "ct_smokers"
    with pytest.raises(DefinitionError, match=r"ct_smokers.py:6: .*did you mean status"):
        cohort.check(file, haven=haven)


def test_explain_shows_steps_and_sql(haven: Haven, file: Path) -> None:
    told = cohort.explain(haven, file)
    assert "2. smokers" in told
    assert "\"Modality\" = 'CT'" in told


def test_a_run_makes_a_new_project_once_and_a_check_run_makes_none(
    haven: Haven, file: Path
) -> None:
    known = [project.name for project in link.projects(haven)]
    assert cohort.run(haven, file, project="brain", check=True).counts["instances"] == 1
    assert [project.name for project in link.projects(haven)] == known
    assert cohort.run(haven, file, project="brain").label == "ct_smokers@1"
    assert cohort.run(haven, file, project="brain").label == "ct_smokers@1"
    assert [project.name for project in link.projects(haven)] == sorted(["brain", *known])
    events = [row.event for row in haven.ledger.audit.rows()]
    assert events[-3:] == ["project-create", "cohort-run", "cohort-run"]


def test_a_project_with_an_impossible_name_is_refused_before_anything_runs(
    haven: Haven, file: Path
) -> None:
    with pytest.raises(UserError, match="A project cannot be called"):
        cohort.run(haven, file, project="brain/..")
    assert cohort.list_versions(haven, project="brain/..") == []


def test_a_version_is_found_by_name_and_by_name_and_number(haven: Haven, file: Path) -> None:
    first = cohort.run(haven, file, project="found")
    file.write_text(TEXT.replace("ct & smokers", "ct"))
    second = cohort.run(haven, file, project="found")
    assert cohort.get_version(haven, "found", "ct_smokers") == second
    assert cohort.get_version(haven, "found", "ct_smokers@1") == first
    for unknown in ("ct_smokers@3", "ct_smokers@", "ct_smokers@new", "ct_smokers@" + "9" * 30):
        with pytest.raises(UserError, match="ct_smokers@1, ct_smokers@2"):
            cohort.get_version(haven, "found", unknown)

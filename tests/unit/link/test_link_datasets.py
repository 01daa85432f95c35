"""Loading health tables for cohorts to join."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagehaven.catalogue import prepare
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.link import load


def _write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_identifiers_keep_their_leading_zeros(haven: Haven, tmp_path: Path) -> None:
    file = _write(tmp_path / "s.csv", "PatientID,status,chi", "0101901234,current,0202801239")
    report = load(haven, "smoking", [file])
    assert report.columns == {"PatientID": "VARCHAR", "status": "VARCHAR", "chi": "VARCHAR"}
    row = haven.sql("SELECT PatientID, chi FROM linked.smoking").to_pylist()
    assert row == [{"PatientID": "0101901234", "chi": "0202801239"}]


def test_types_hold_for_every_value_or_the_column_stays_text(haven: Haven, tmp_path: Path) -> None:
    file = _write(
        tmp_path / "labs.csv",
        "patientid,taken,value,count,mixed,empty",
        "A1,2020-02-29,4.5,3,7,",
        "A2,2021-01-01,6,,seven,",
    )
    assert load(haven, "labs", [file]).columns == {
        "PatientID": "VARCHAR",
        "taken": "DATE",
        "value": "DOUBLE",
        "count": "BIGINT",
        "mixed": "VARCHAR",
        "empty": "VARCHAR",
    }


def test_a_second_load_replaces_the_table_and_the_first_stays_in_its_snapshot(
    haven: Haven, tmp_path: Path
) -> None:
    load(haven, "deaths", [_write(tmp_path / "a.csv", "PatientID,died", "A1,2020-01-01")])
    before = haven.lake.snapshot()
    load(haven, "deaths", [_write(tmp_path / "b.csv", "PatientID,died", "A2,2021-01-01")])
    count = "SELECT string_agg(PatientID) AS who FROM linked.deaths"
    assert haven.sql(count).to_pylist() == [{"who": "A2"}]
    assert haven.sql(count, snapshot=before).to_pylist() == [{"who": "A1"}]


def test_checking_reports_the_same_and_changes_nothing(haven: Haven, tmp_path: Path) -> None:
    file = _write(tmp_path / "d.csv", "PatientID,died", "A1,2020-01-01")
    prepare(haven)
    before = haven.lake.snapshot()
    assert load(haven, "deaths", [file], check=True).rows == 1
    assert haven.lake.snapshot() == before


def test_parquet_keeps_its_own_types(haven: Haven, tmp_path: Path) -> None:
    pq.write_table(pa.table({"PatientID": ["A1"], "dose": [1.5]}), tmp_path / "d.parquet")
    report = load(haven, "doses", [tmp_path / "d.parquet"])
    assert report.columns == {"PatientID": "VARCHAR", "dose": "DOUBLE"}


@pytest.mark.parametrize(
    ("name", "lines", "says"),
    [
        ("x", ["chi,status", "1,2"], "PatientID"),
        ("x", ["SECRET,current", "SECRET,former"], "none of its 2 columns"),
        ("x", ["PatientID,died", "A1,2021-02-30"], "calendar"),
        ("X y", ["PatientID", "A1"], "lower-case"),
        ("x", ["PatientID,a", "A1,1", "SECRET,2,3,4"], "same columns"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_remedy_and_without_the_value(
    haven: Haven, tmp_path: Path, name: str, lines: list[str], says: str
) -> None:
    with pytest.raises(UserError, match=says) as refused:
        load(haven, name, [_write(tmp_path / "x.csv", *lines)])
    assert "SECRET" not in str(refused.value)


def test_a_column_of_another_name_can_hold_the_patient(haven: Haven, tmp_path: Path) -> None:
    file = _write(tmp_path / "s.csv", "chi,status", "0101901234,current")
    assert list(load(haven, "smoking", [file], patient="CHI").columns) == ["PatientID", "status"]
    with pytest.raises(UserError, match="is called 'nhs'"):
        load(haven, "smoking", [file], patient="nhs")


def test_a_file_that_is_not_there_is_named(haven: Haven, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.csv does not exist"):
        load(haven, "x", [tmp_path / "gone.csv"])

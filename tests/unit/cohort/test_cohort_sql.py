"""What the compiled SQL promises beyond its answers: escaping, sharing, snapshots, typing."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from imagehaven.cohort.checks import problems_of
from imagehaven.cohort.engines.condition_sql import literal
from imagehaven.cohort.engines.sql import compile_nodes
from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.language import (
    Images,
    instances,
    node_of,
    patients,
    series,
    studies,
    table,
)
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.schema import Schema

_IDS = ("SeriesInstanceUID", "StudyInstanceUID", "PatientID")
SCHEMA = Schema(
    {
        "patient": {"PatientID": "VARCHAR", "PatientSex": "VARCHAR"},
        "study": {"StudyInstanceUID": "VARCHAR", "PatientID": "VARCHAR", "StudyDate": "DATE"},
        "series": {**dict.fromkeys(_IDS, "VARCHAR"), "Modality": "VARCHAR", "Rows": "BIGINT"},
        "instance": {**dict.fromkeys((*_IDS, "SOPInstanceUID"), "VARCHAR"), "elements": "JSON"},
        "linked.smoking": {"PatientID": "BIGINT", "recorded": "TIMESTAMP", "seen": "BOOLEAN"},
    }
)


def messages(made: Images) -> list[str]:
    return [problem.message for problem in problems_of(node_of(made), SCHEMA)]


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE series; --", "a'b", "\\", "%", "é\n\t", True, 7, -2.5, 1e300]
)
def test_a_literal_comes_back_as_it_was_written(value: object) -> None:
    row = duckdb.sql(f"SELECT {literal(value)}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    assert row[0] == value


@pytest.mark.parametrize("value", [dt.date(2020, 2, 29), dt.datetime(2020, 2, 29, 13, 45, 1, 5)])
def test_a_date_comes_back_as_it_was_written(value: dt.date) -> None:
    row = duckdb.sql(f"SELECT {literal(value)}").fetchone()
    assert row is not None
    assert row[0] == value


def test_a_name_with_a_quote_is_no_column() -> None:
    with pytest.raises(DefinitionError, match="not a column name"):
        series['x" OR 1=1 --']


def test_a_set_used_twice_is_computed_once() -> None:
    ct = series.where(series.Modality == "CT")
    compiled = compile_nodes(node_of((studies.having(ct) & ct) - patients.without(ct)), SCHEMA)
    assert compiled.members_sql.count("'CT'") == 1
    assert compiled.attrition_sql.count("'CT'") == 1


def test_stored_elements_are_read_only_near_an_already_narrowed_set() -> None:
    ct = series.where(series.Modality == "CT")
    loud = instances.where(instances.KVP == 120)
    near = '"SeriesInstanceUID" IN (SELECT "SeriesInstanceUID" FROM set_1)'
    for made in (ct.having(loud), ct.without(loud), ct & loud, loud & ct):
        assert near in compile_nodes(node_of(made), SCHEMA).members_sql
    for made in (series.having(loud), loud & series, (instances & ct) - ct.having(instances)):
        assert near not in compile_nodes(node_of(made), SCHEMA).members_sql


def test_a_plain_comparison_stays_bare_so_that_files_can_be_skipped() -> None:
    ct = series.where(series.Modality == "CT", series.Rows > 512)
    text = compile_nodes(node_of(ct), SCHEMA).members_sql
    assert '"series"."Modality" = \'CT\'' in text
    assert "coalesce" not in text


def test_a_snapshot_pins_every_table() -> None:
    pinned = Schema(SCHEMA.tables, catalog="lake", snapshot=7)
    women = series & patients.where(patients.PatientSex == "F")
    compiled = compile_nodes(node_of(women), pinned)
    for text in (compiled.members_sql, compiled.attrition_sql):
        assert text.count('"lake"."main".') == text.count("AT (VERSION => 7)") > 0


def test_every_problem_is_reported_at_once() -> None:
    wrong = series.where(series.Modality == 5, series.Rows == "many", series.Nothing.is_null())
    assert len(messages(wrong)) == 3


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (series.where(studies.StudyDate == "2020-02-30"), "is a date"),
        (series.where(series.Rows.contains("5")), "contains(...) is for text"),
        (series.where(series.Rows == True), "is a number"),  # noqa: E712
        (series.where(series.Modality == series.Rows), "cannot be compared"),
        (series.where(series.Modality == ""), "empty text counts as missing"),
        (patients & table("smoking"), "a key must be text"),
        (patients & table("nothing"), "linked tables here: smoking"),
        (studies.where(studies.Modality == "CT"), "series.Modality"),
    ],
)
def test_what_does_not_fit_the_lake_is_said_before_data_is_read(made: Images, message: str) -> None:
    assert any(message in found for found in messages(made)), messages(made)
    with pytest.raises(DefinitionError):
        compile_nodes(node_of(made), SCHEMA)


def test_yes_no_columns_have_no_order() -> None:
    rows = table("smoking")
    assert any("yes/no" in m for m in messages(patients & rows.where(rows.seen > True)))


def test_a_moment_is_compared_with_a_day_or_a_time() -> None:
    rows = table("smoking")
    good = rows.where(rows.recorded > "2020-01-31", rows.recorded < "2020-01-31 13:45")
    assert not any("date and time" in m for m in messages(patients & good))
    assert any("date and time" in m for m in messages(patients & rows.where(rows.recorded > "x")))


def test_nodes_refuse_what_does_not_fit_together() -> None:
    with pytest.raises(DefinitionError, match="unrelated rows"):
        nodes.Compare("==", nodes.Column("linked.a", "x"), nodes.Column("linked.b", "x"))
    with pytest.raises(DefinitionError, match="finite"):
        nodes.Literal(float("nan"))
    with pytest.raises(DefinitionError, match="not a set of images"):
        sets.Combine("union", sets.Rows("patient"), sets.LinkedRows("a", "PatientID"))

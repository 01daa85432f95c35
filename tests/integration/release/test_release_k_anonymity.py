"""Nobody stands in a release with too few others like them."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagehaven.deidentify import ladder_of
from imagehaven.errors import UserError
from imagehaven.release import release, rerun
from imagehaven.release.anonymity.plan import MOST_WITHHELD, fewest_steps
from road_to_release import Road

PEOPLE = st.lists(
    st.tuples(st.integers(0, 40), st.integers(20, 99), st.sampled_from("MFO")), min_size=1
)


@given(PEOPLE, st.integers(2, 6))
def test_the_steps_leave_few_patients_in_small_classes(
    people: list[tuple[int, int, str]], k: int
) -> None:
    ladders = [ladder_of("PatientAge"), ladder_of("PatientSex")]
    rows = pa.table(
        {
            "who": [str(who) for who, _, _ in people],
            "age": [f"{age:03d}Y" for _, age, _ in people],
            "sex": [sex for _, _, sex in people],
        }
    )
    steps = fewest_steps(rows, ladders, k)
    classes: dict[tuple[str, str], set[int]] = {}
    for who, age, sex in people:
        shown = (
            ladders[0].value(f"{age:03d}Y", steps["PatientAge"]),
            ladders[1].value(sex, steps["PatientSex"]),
        )
        classes.setdefault(shown, set()).add(who)
    small = {who for members in classes.values() if len(members) < k for who in members}
    exhausted = all(steps[ladder.keyword] == ladder.last for ladder in ladders)
    assert exhausted or len(small) <= MOST_WITHHELD * len({who for who, _, _ in people})


def test_every_combination_in_a_release_belongs_to_k_patients(road: Road, tmp_path: Path) -> None:
    road.cohort("crowd", name="all")
    report = release(road.haven, "crowd", "all", to=tmp_path / "k", k=3)
    metadata = tmp_path / "k" / "metadata" / "instances.parquet"
    fewest = duckdb.sql(
        "SELECT min(n) FROM (SELECT count(DISTINCT PatientID) AS n "
        f"FROM '{metadata}' GROUP BY PatientAge, PatientSex)"
    ).fetchone()
    assert report.states["released"] > 0
    assert fewest is not None
    assert fewest[0] >= 3
    with (tmp_path / "k" / "reports" / "k_anonymity.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["quasi_identifier"] for row in rows] == ["PatientAge", "PatientSex"]
    assert any(int(row["step"]) for row in rows)
    assert rerun(road.haven, report.release or "").identical


def test_a_cohort_of_fewer_than_k_patients_is_withheld_with_the_reason(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("few", name="all")
    report = release(road.haven, "few", "all", to=tmp_path / "few", k=500)
    assert report.states["released"] == 0
    assert report.reasons["withheld: rare-combination"] > 0


@pytest.mark.parametrize(
    ("k", "quasi", "told"),
    [(1, (), "at least 2"), (0, ("PatientAge",), "needs --k"), (5, ("PatientName",), "PatientSex")],
)
def test_a_wish_that_makes_no_sense_is_refused(
    road: Road, tmp_path: Path, k: int, quasi: tuple[str, ...], told: str
) -> None:
    road.cohort("wrong", name="all")
    with pytest.raises(UserError, match=told):
        release(road.haven, "wrong", "all", to=tmp_path / "no", k=k, quasi_identifiers=quasi)

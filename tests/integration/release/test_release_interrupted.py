"""A release that is stopped, by a kill, an opt-out or a vanished original, loses nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from imagehaven.engine import Crashed
from imagehaven.errors import TransientError, UserError
from imagehaven.ledger import schema
from imagehaven.link import opt_out
from imagehaven.release import State, package, release, rerun, run, verify_manifest
from imagehaven.release.folder import claim, layout
from imagehaven.release.records import find, not_released, released
from road_to_release import MR, Road, catalogued
from stopping import images, killed_at


def items(road: Road, name: str) -> list[tuple[Any, ...]]:
    """The ledger's rows of a release, without its name."""
    table = schema.release_item
    columns = [column for column in table.c if column.name != "release"]
    with road.haven.ledger.begin() as connection:
        rows = connection.execute(
            select(*columns).where(table.c.release == name).order_by(table.c.seq)
        )
        return [tuple(row) for row in rows]


@pytest.fixture(scope="module")
def uninterrupted(road: Road, tmp_path_factory: pytest.TempPathFactory) -> Path:
    road.cohort("steady")
    to = tmp_path_factory.mktemp("steady") / "out"
    report = release(road.haven, "steady", "all", to=to)
    assert report.states["released"] > 20, report.reasons
    return to


def test_a_release_killed_again_and_again_ends_like_an_uninterrupted_one(
    road: Road, uninterrupted: Path, tmp_path: Path
) -> None:
    to, chance = tmp_path / "out", random.Random(11)
    for lines in (1, 2, 4, 5, 7):
        if not killed_at(road, "steady", to, lines, chance.random() / 4):
            break
        assert not (to / "manifest.json").exists() or claim.claimant(to)
    report = release(road.haven, "steady", "all", to=to)
    assert report.release
    assert verify_manifest(to) == []
    assert images(to) == images(uninterrupted)
    assert items(road, report.release) == items(road, "steady-all-v1-r1")
    assert not (to / layout.PARTIAL).exists()


def test_what_a_kill_left_behind_is_cleared_and_what_it_tore_is_made_again(
    road: Road, uninterrupted: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    assert killed_at(road, "steady", to, 4, 0.0)
    names = sorted(images(uninterrupted))
    for place in (to / "images" / names[-1], to / "images" / "STRAY" / "1" / "x.dcm"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"torn")
    (to / layout.PARTIAL / "draft-left").mkdir()
    report = release(road.haven, "steady", "all", to=to)
    assert report.resumed
    assert verify_manifest(to) == []
    assert images(to) == images(uninterrupted)


def test_a_folder_that_was_emptied_meanwhile_is_filled_again(
    road: Road, uninterrupted: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    assert killed_at(road, "steady", to, 4, 0.0)
    shutil.rmtree(to)
    report = release(road.haven, "steady", "all", to=to)
    assert report.resumed
    assert images(to) == images(uninterrupted)


def test_a_stranger_in_the_folder_stops_the_release_before_it_is_sealed(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("stranger", MR)
    to = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        release(road.haven, "stranger", "all", to=to, progress=_stop_at("release", 1))
    (to / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"notes\.txt"):
        release(road.haven, "stranger", "all", to=to)
    (to / "notes.txt").unlink()
    assert release(road.haven, "stranger", "all", to=to).resumed


def test_another_cohort_cannot_take_over_a_stopped_releases_folder(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("taken")
    road.cohort("taken", MR, "mr")
    to = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        release(road.haven, "taken", "mr", to=to, progress=_stop_at("release", 1))
    with pytest.raises(UserError, match="asks for something else"):
        release(road.haven, "taken", "all", to=to)
    with pytest.raises(UserError, match="other terms"):
        release(road.haven, "taken", "mr", to=to, profile="basic")


def test_somebody_who_opts_out_midway_is_taken_out_of_the_folder(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("leaving")
    to = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        release(road.haven, "leaving", "all", to=to, progress=_stop_at("release", 30))
    patient = _patient_of(road, "leaving-all-v1-r1")
    names = tmp_path / "out.csv"
    names.write_text(f"PatientID\n{patient}\n", encoding="utf-8")
    opt_out(road.haven, [names], project="leaving")
    report = release(road.haven, "leaving", "all", to=to)
    assert report.states["opted-out"] == _instances_of(road, patient)
    assert verify_manifest(to) == []
    assert len(images(to)) == report.states["released"]
    again = tmp_path / "again"
    assert release(road.haven, "leaving", "all", to=again).states == report.states


def test_an_opt_out_during_the_very_last_step_still_counts(road: Road, tmp_path: Path) -> None:
    road.cohort("late", MR)
    to, patients = tmp_path / "out", []

    def tell(stage: str, _done: int, _total: int | None) -> None:
        if stage == "look again" and not patients:
            patients.append(_patient_of(road, "late-all-v1-r1"))
            names = tmp_path / "late.txt"
            names.write_text(f"{patients[0]}\n", encoding="utf-8")
            opt_out(road.haven, [names], project="late")

    report = release(road.haven, "late", "all", to=to, progress=tell)
    assert report.states["opted-out"] > 0
    assert verify_manifest(to) == []
    assert len(images(to)) == report.states["released"]


def test_a_release_whose_people_opted_out_since_is_not_called_complete(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("since", MR)
    to = tmp_path / "out"
    name = release(road.haven, "since", "all", to=to).release
    assert name
    names = tmp_path / "since.txt"
    names.write_text(f"{_patient_of(road, name)}\n", encoding="utf-8")
    opt_out(road.haven, [names], project="since")
    with pytest.raises(UserError, match="opted out"):
        release(road.haven, "since", "all", to=to)
    report = rerun(road.haven, name)
    assert not report.identical
    whys = {difference.why for difference in report.differences if "images/" in difference.path}
    assert whys == {"the person opted out since"}
    assert all("unexplained" not in difference.why for difference in report.differences)


@pytest.fixture
def own_road(hospital: Path, tmp_path: Path) -> Iterator[Road]:
    """A catalogue of this test's own, over originals that it may move and alter."""
    shutil.copytree(hospital, tmp_path / "originals")
    made = catalogued(tmp_path, tmp_path / "originals")
    yield made
    made.haven.ledger.close()


def test_an_original_that_is_gone_or_altered_is_missing_and_a_copy_stands_in(
    own_road: Road, tmp_path: Path
) -> None:
    road = own_road
    road.cohort("P")
    first = release(road.haven, "P", "all", to=tmp_path / "first")
    assert first.release
    plain = _plain_sources(road, first.release)
    gone, altered = plain[0], plain[1]
    gone.rename(gone.with_suffix(".away"))
    altered.write_bytes(altered.read_bytes() + b"\0\0")
    second = release(road.haven, "P", "all", to=tmp_path / "second")
    assert second.states["missing"] == 2
    assert second.states["released"] == first.states["released"] - 2
    assert {"missing: vanished", "missing: content-changed"} <= set(second.reasons)
    report = rerun(road.haven, first.release, workers=1)
    assert not report.identical
    whys = [difference.why for difference in report.differences if "images/" in difference.path]
    assert len(whys) == 2
    assert all(why.startswith("the original is no longer what was catalogued") for why in whys)


def test_an_object_that_kills_its_worker_is_crashed_and_takes_no_other_with_it(
    road: Road,
) -> None:
    version = road.cohort("crash", MR)
    from imagehaven.release import requested, terms

    agreed = terms.agree(road.haven, "crash", version.label, None)
    item = next(requested.requested(road.haven, agreed))
    result = run._ended(Crashed(item.to_json()))
    assert (result.state, result.SOPInstanceUID) == (State.CRASHED, item.SOPInstanceUID)


def test_a_destination_that_vanishes_is_a_transient_error_and_the_release_goes_on(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("vanish", MR)
    to = tmp_path / "out"

    def tell(stage: str, done: int, _total: int | None) -> None:
        if stage == "release" and done == 0:
            shutil.rmtree(to)

    with pytest.raises(TransientError, match="repeat the same command"):
        release(road.haven, "vanish", "all", to=to, progress=tell)
    report = release(road.haven, "vanish", "all", to=to)
    assert report.resumed
    assert verify_manifest(to) == []
    assert not_released(road.haven, str(report.release), [State.ERROR]) == []


def test_totals_count_every_state(road: Road, uninterrupted: Path) -> None:
    states = package.states(road.haven, "steady-all-v1-r1")
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        count = connection.execute(
            select(func.count()).where(table.c.release == "steady-all-v1-r1")
        ).scalar()
    assert sum(states.values()) == count
    assert find(road.haven, "steady-all-v1-r1").state == "complete"
    assert len(list(released(road.haven, "steady-all-v1-r1"))) == states["released"]


def _stop_at(stage: str, done: int) -> Any:
    def tell(now: str, so_far: int, _total: int | None) -> None:
        if now == stage and so_far >= done:
            raise KeyboardInterrupt

    return tell


def _patient_of(road: Road, name: str) -> str:
    """A patient with files in the release so far."""
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        uid = connection.execute(
            select(table.c.SOPInstanceUID)
            .where(table.c.release == name, table.c.state == "released")
            .order_by(table.c.seq)
        ).scalar()
    found = road.haven.sql("SELECT PatientID FROM instance WHERE SOPInstanceUID = ?", [uid])
    return str(found.column(0)[0])


def _instances_of(road: Road, patient: str) -> int:
    found = road.haven.sql("SELECT count(*) FROM instance WHERE PatientID = ?", [patient])
    return int(str(found.column(0)[0]))


def _plain_sources(road: Road, name: str) -> list[Path]:
    """Files, each the only source of an instance that the release holds."""
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        uids = list(
            connection.execute(
                select(table.c.SOPInstanceUID)
                .where(table.c.release == name, table.c.state == "released")
                .order_by(table.c.seq)
            ).scalars()
        )
    rows = road.haven.sql(
        "SELECT SOPInstanceUID AS uid, any_value(path) AS path FROM source "
        "GROUP BY ALL HAVING count(*) = 1 AND any_value(CAST(members AS VARCHAR)) = '[]'"
    ).to_pylist()
    places = {row["uid"]: Path(row["path"]) for row in rows}
    return [places[uid] for uid in uids if uid in places]

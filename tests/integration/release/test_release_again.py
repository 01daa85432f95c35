"""The same terms make the same bytes: on a rerun, on Ray, and on every store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from sqlalchemy import select

from imagehaven.deidentify import load
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.link import open_project
from imagehaven.release import State, release, rerun, run, verify_manifest
from imagehaven.release.folder import layout, manifest
from imagehaven.release.requested import Item
from imagehaven.release.work import WorkContext, release_chunk
from imagehaven.verify import default_rules
from imagehaven.verify.decided import Decided
from road_to_release import MR, Road, on_haven

BASIC = """
name: own
options: []
overrides:
  PatientID: {action: P, reason: "one pseudonym per patient and project"}
  PatientName: {action: P, reason: "viewers list by name"}
  KVP: {action: %s, reason: "a test"}
"""


def rows(haven: Haven, name: str) -> list[tuple[object, ...]]:
    """The ledger's rows of a release, without its name."""
    table = schema.release_item
    columns = [column for column in table.c if column.name != "release"]
    with haven.ledger.begin() as connection:
        found = connection.execute(
            select(*columns).where(table.c.release == name).order_by(table.c.seq)
        )
        return [tuple(row) for row in found]


def test_a_rerun_makes_the_same_bytes(road: Road, tmp_path: Path) -> None:
    road.cohort("same")
    first = release(road.haven, "same", "all", to=tmp_path / "out")
    assert first.release
    report = rerun(road.haven, first.release, to=tmp_path / "again", workers=1)
    assert report.identical
    assert (report.differences, report.changes) == ([], [])
    assert report.compared == first.requested
    assert verify_manifest(tmp_path / "again") == []
    files = [list(manifest.entries(tmp_path / name)) for name in ("out", "again")]
    assert files[0] == files[1]
    heads = [manifest.sections(tmp_path / name) for name in ("out", "again")]
    for head in heads:
        del head["record"]
    assert heads[0] == heads[1]


def test_a_rerun_without_a_folder_leaves_nothing_behind(road: Road, tmp_path: Path) -> None:
    road.cohort("tidy", MR)
    first = release(road.haven, "tidy", "all", to=tmp_path / "out")
    report = rerun(road.haven, str(first.release))
    assert report.identical
    assert report.folder is None
    assert not list(road.haven.drafts.glob("rerun-*"))


def test_a_rerun_on_another_profile_says_so_for_each_file(road: Road, tmp_path: Path) -> None:
    road.cohort("changed", MR)
    profile = tmp_path / "own.yaml"
    profile.write_text(BASIC % "X", encoding="utf-8")
    first = release(road.haven, "changed", "all", to=tmp_path / "out", profile=str(profile))
    assert first.states["released"] > 0
    profile.write_text(BASIC % "Z", encoding="utf-8")
    checked = rerun(road.haven, str(first.release), check=True)
    assert "de-identification profile changed" in checked.changes[0]
    report = rerun(road.haven, str(first.release))
    assert not report.identical
    assert all(
        "profile changed" in found.why or "follows from" in found.why
        for found in report.differences
    )
    text = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["terms"]["profile"] == "own"
    assert str(tmp_path) not in text


def test_a_rerun_of_nothing_is_a_user_error_that_names_what_there_is(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("known", MR)
    release(road.haven, "known", "all", to=tmp_path / "out")
    with pytest.raises(UserError, match="known-all-v1-r1"):
        rerun(road.haven, "unknown")
    with pytest.raises(UserError, match="not empty"):
        rerun(road.haven, "known-all-v1-r1", to=tmp_path / "out")


def test_ray_and_the_pool_make_the_same_release(road: Road, tmp_path: Path) -> None:
    road.cohort("engines")
    pool = release(road.haven, "engines", "all", to=tmp_path / "pool", engine="pool")
    ray = release(road.haven, "engines", "all", to=tmp_path / "ray", engine="ray", workers=2)
    assert rows(road.haven, str(pool.release)) == rows(road.haven, str(ray.release))
    both = [
        [entry for entry in manifest.entries(tmp_path / name) if "images/" in entry.path]
        for name in ("pool", "ray")
    ]
    assert both[0] == both[1]
    assert both[0]


def test_a_release_works_alike_on_every_store(
    any_haven: Haven, hospital: Path, tmp_path: Path
) -> None:
    road = on_haven(any_haven, tmp_path, hospital)
    road.cohort("P")
    first = release(any_haven, "P", "all", to=tmp_path / "out")
    assert first.states["released"] > 10
    assert verify_manifest(tmp_path / "out") == []
    assert rerun(any_haven, str(first.release)).identical


def test_the_second_object_with_the_same_pseudonyms_is_an_error_and_overwrites_nothing(
    road: Road, tmp_path: Path
) -> None:
    road.cohort("twins", MR)
    first = Path(str(get_testdata_file("CT_small.dcm")))
    second = tmp_path / "twin.dcm"
    content = first.read_bytes()
    second.write_bytes(content[:-4000] + bytes([content[-4000] ^ 1]) + content[-3999:])
    items = []
    for number, path in enumerate((first, second)):
        held = manifest.entry(path.parent, path.name)
        source = [str(path), str(path), "[]", held.bytes]
        uid = str(dcmread(first).SOPInstanceUID) + " " * number
        items.append(Item(number, uid, "CT", held.sha256, held.bytes, "1", [source], []).to_json())
    folder = tmp_path / "out"
    (folder / layout.PARTIAL).mkdir(parents=True)
    key = open_project(road.haven, "twins").key
    context = WorkContext(folder, key, load("research"), default_rules(), Decided(), {})
    results = release_chunk(context, items)
    assert [(result.state, result.reason) for result in results] == [
        (State.RELEASED, ""),
        (State.ERROR, "path-taken"),
    ]
    path = str(results[0].path)
    assert manifest.entry(folder, path).sha256 == results[0].sha256
    again = release_chunk(context, items[:1])
    assert again[0].existed, "made again, the same bytes are no collision"
    assert again[0].sha256 == results[0].sha256
    same = replace(again[0], SOPInstanceUID="another")
    settled = list(run._apart([results[0], same], {}))
    assert [result.state for result in settled] == [State.RELEASED, State.ERROR]
    assert settled[1].path is None
    settled = list(run._apart([same], {path: results[0].SOPInstanceUID}))
    assert settled[0].reason == "path-taken"

"""A release on real pieces: catalogue, cohort, de-identification, verification, folder."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydicom import dcmread
from sqlalchemy import func, select

from imagehaven.errors import UserError
from imagehaven.ledger import schema
from imagehaven.release import State, release, verify_manifest
from imagehaven.release.records import find, released
from road_to_release import MR, Road


@pytest.fixture(scope="module")
def done(road: Road, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole catalogue, released once for the tests below."""
    version = road.cohort("whole")
    to = tmp_path_factory.mktemp("out") / "release"
    report = release(road.haven, "whole", version.label, to=to)
    assert report.release == "whole-all-v1-r1"
    return to


def test_every_requested_object_ends_in_one_state(road: Road, done: Path) -> None:
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        states = dict(
            connection.execute(
                select(table.c.state, func.count())
                .where(table.c.release == "whole-all-v1-r1")
                .group_by(table.c.state)
            ).all()
        )
    asked = road.haven.sql(
        "SELECT count(*) AS n FROM cohort_member WHERE project = 'whole'"
    ).to_pylist()[0]["n"]
    assert sum(states.values()) == asked
    assert states["released"] > 20
    assert states["withheld"] >= 5
    assert states["conflicting"] >= 1
    assert set(states) <= {str(state) for state in State}
    assert not {"error", "crashed", "missing"} & set(states)


def test_the_folder_holds_exactly_what_the_manifest_and_the_ledger_name(
    road: Road, done: Path
) -> None:
    assert verify_manifest(done) == []
    images = sorted(p.relative_to(done).as_posix() for p in (done / "images").rglob("*.dcm"))
    assert images == [file.path for file in released(road.haven, "whole-all-v1-r1")]
    assert find(road.haven, "whole-all-v1-r1").manifest_sha256
    manifest = json.loads((done / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["terms"]["snapshot"] > 0
    assert manifest["counts"]["states"]["released"] == len(images)
    assert (done / "SHA256SUMS").read_text().splitlines()[-1].split() == [
        find(road.haven, "whole-all-v1-r1").manifest_sha256,
        "manifest.json",
    ]


def test_no_planted_identifier_survives_anywhere_in_the_folder(road: Road, done: Path) -> None:
    with (road.hospital / "answer_key" / "identifiers.csv").open(encoding="utf-8") as stream:
        # The research profile keeps patient characteristics (PS3.15 E.3.10).
        planted = {row["value"] for row in csv.DictReader(stream) if row["kind"] != "demographic"}
    # Shorter ones (a sex, an age) occur by chance in any pixels; verification looks at those.
    wanted = sorted(value for value in planted if len(value) >= 6)
    assert len(wanted) > 100
    everything = [path.read_bytes() for path in done.rglob("*") if path.is_file()]
    names = "\n".join(str(path.relative_to(done)) for path in done.rglob("*")).encode()
    survived = [
        value
        for value in wanted
        for spelling in {value.encode(), value.encode("latin-1", "ignore") or value.encode()}
        if any(spelling in content for content in [*everything, names])
    ]
    assert survived == []


def test_no_source_uid_survives_anywhere_in_the_folder(road: Road, done: Path) -> None:
    rows = road.haven.sql(
        "SELECT SOPInstanceUID AS uid FROM instance UNION SELECT SeriesInstanceUID FROM instance "
        "UNION SELECT StudyInstanceUID FROM instance"
    )
    uids = [uid.encode() for uid in rows.column("uid").to_pylist() if uid]
    for path in done.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [uid for uid in uids if len(uid) > 10 and uid in content], path.name


def test_the_metadata_has_one_row_for_each_released_file(done: Path) -> None:
    table = pq.read_table(done / "metadata" / "instances.parquet")
    assert table.num_rows == sum(1 for _ in (done / "images").rglob("*.dcm"))
    for row in table.slice(0, 5).to_pylist():
        dataset = dcmread(done / row["path"], stop_before_pixels=True)
        assert row["PatientID"] == dataset.PatientID == row["path"].split("/")[1]
        assert row["SOPInstanceUID"] == dataset.SOPInstanceUID == Path(row["path"]).stem


def test_a_released_file_keeps_its_pixels(road: Road, done: Path) -> None:
    from pydicom.data import get_testdata_file

    source = dcmread(str(get_testdata_file("CT_small.dcm")))
    same = [
        path
        for path in (done / "images").rglob("*.dcm")
        if dcmread(path).get("PixelData") == source.PixelData
    ]
    assert same, "CT_small.dcm is released with its pixels"


def test_the_same_call_again_makes_nothing_new(road: Road, done: Path) -> None:
    before = (done / "manifest.json").stat().st_mtime_ns
    again = release(road.haven, "whole", "all", to=done)
    assert again.unchanged
    assert again.release == "whole-all-v1-r1"
    assert (done / "manifest.json").stat().st_mtime_ns == before


def test_another_cohort_or_profile_into_the_same_folder_is_refused(road: Road, done: Path) -> None:
    road.cohort("whole", MR, "mr")
    with pytest.raises(UserError, match="another one"):
        release(road.haven, "whole", "mr", to=done)
    with pytest.raises(UserError, match="profile changed"):
        release(road.haven, "whole", "all", to=done, profile="basic")


def test_an_altered_file_is_named_when_the_call_is_repeated(road: Road, tmp_path: Path) -> None:
    road.cohort("altered", MR, "mr")
    to = tmp_path / "out"
    release(road.haven, "altered", "mr", to=to)
    victim = next((to / "images").rglob("*.dcm"))
    victim.write_bytes(victim.read_bytes() + b"\0")
    with pytest.raises(UserError, match=f"{victim.name} was altered"):
        release(road.haven, "altered", "mr", to=to)


def test_check_says_what_would_be_and_changes_nothing(road: Road, tmp_path: Path) -> None:
    version = road.cohort("checked")
    to = tmp_path / "out"
    rows = len(list(road.haven.ledger.audit.rows()))
    report = release(road.haven, "checked", "all", to=to, check=True)
    assert report.checked
    assert report.requested == version.counts["instances"]
    assert report.states["conflicting"] >= 1
    assert report.free_bytes
    assert report.problems == []
    assert not to.exists()
    assert len(list(road.haven.ledger.audit.rows())) == rows
    inside = release(road.haven, "checked", "all", to=road.haven.folder / "out", check=True)
    assert "inside the haven" in inside.problems[0]


def test_two_projects_share_no_pseudonym(road: Road, done: Path, tmp_path: Path) -> None:
    road.cohort("other")
    release(road.haven, "other", "all", to=tmp_path / "out")
    names = [
        {part for path in place.rglob("*") for part in path.relative_to(place).parts}
        for place in (done / "images", tmp_path / "out" / "images")
    ]
    assert names[0]
    assert not names[0] & names[1]


def test_the_audit_chain_holds_the_manifests_hash(road: Road, done: Path) -> None:
    sealed = [
        json.loads(row.detail)["manifest_sha256"]
        for row in road.haven.ledger.audit.rows()
        if row.event == "release-manifest" and json.loads(row.inputs)["release"].startswith("whole")
    ]
    assert find(road.haven, "whole-all-v1-r1").manifest_sha256 in sealed
    assert road.haven.ledger.audit.verify().intact


def test_the_vault_knows_the_way_back_and_the_folder_does_not(road: Road, done: Path) -> None:
    from imagehaven.link import Vault

    pseudonym = next((done / "images").iterdir()).name
    original = Vault(road.haven, "whole").original("PatientID", pseudonym)
    assert original

"""A watched folder: every file is taken once, when it is complete, and ends in a state."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalogue_files import write_instance
from imagehaven import catalogue
from imagehaven.acquire.watch import Feed, WatchOptions, place_of
from imagehaven.catalogue import WatchPlan
from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven
from watching import ONE_LOOK, once


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    place = tmp_path / "drop"
    place.mkdir()
    return place


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(haven: Haven, drop: Path, clock: Clock) -> Iterator[Feed]:
    """A watch of the drop folder in which a file settles for ten seconds of the clock."""
    with Feed(place_of(haven, str(drop)), haven.folder / "watch", 10.0, clock) as made:
        yield made


def names(feed: Feed) -> list[str]:
    """What may be taken now."""
    return [entry.name for entry in feed.look().complete]


def test_a_file_is_taken_once(haven: Haven, drop: Path) -> None:
    write_instance(drop / "deep" / "er" / "a.dcm")
    first = once(haven, drop)
    assert (first.found, first.catalogued, first.batches) == (1, 1, 1)
    again = once(haven, drop)
    assert (again.found, again.batches) == (0, 0)
    rows = haven.sql("SELECT source FROM source").to_pylist()
    assert [row["source"] for row in rows] == [str(drop.resolve() / "deep" / "er" / "a.dcm")]


def test_what_ingest_catalogued_is_found_unchanged_and_the_other_way_round(
    haven: Haven, drop: Path
) -> None:
    write_instance(drop / "a.dcm")
    catalogue.ingest(haven, [drop], workers=1)
    assert (once(haven, drop).found, once(haven, drop).found) == (1, 0)
    report = catalogue.ingest(haven, [drop], workers=1)
    assert (report.found, report.unchanged) == (1, 1)


def test_a_watch_that_lost_its_memory_finds_everything_unchanged(haven: Haven, drop: Path) -> None:
    for number in range(3):
        write_instance(drop / f"{number}.dcm", f"1.2.3.{number}")
    assert once(haven, drop).catalogued == 3
    shutil.rmtree(haven.folder / "watch")
    again = once(haven, drop)
    assert (again.found, again.unchanged, again.catalogued) == (3, 3, 0)


def test_a_file_that_grows_is_left_until_it_has_stood_still(
    feed: Feed, drop: Path, clock: Clock
) -> None:
    growing = drop / "a.dcm"
    growing.write_bytes(b"x")
    assert names(feed) == []
    for size in (2, 3):
        clock.now += 9
        growing.write_bytes(b"x" * size)
        assert feed.look().left == {"settling": 1}
    clock.now += 9
    assert names(feed) == []
    clock.now += 1
    assert names(feed) == ["a.dcm"]


def test_a_file_that_is_written_again_within_its_size_settles_anew(
    feed: Feed, drop: Path, clock: Clock
) -> None:
    path = drop / "a.dcm"
    path.write_bytes(b"x")
    assert names(feed) == []
    clock.now += 10
    os.utime(path, (1, 1))
    assert names(feed) == []
    clock.now += 10
    assert names(feed) == ["a.dcm"]


@pytest.mark.parametrize("name", [".a.dcm", "a.dcm.part", "A.DCM.TMP", "~a.dcm", "a.dcm~"])
def test_a_temporary_name_is_left_until_it_is_renamed(haven: Haven, drop: Path, name: str) -> None:
    write_instance(drop / name)
    before = once(haven, drop)
    assert (before.found, before.left) == (0, {str(drop): {"temporary name": 1}})
    (drop / name).rename(drop / "a.dcm")
    assert once(haven, drop).catalogued == 1


def test_a_file_that_another_program_has_open_for_writing_is_left(haven: Haven, drop: Path) -> None:
    path = write_instance(drop / "a.dcm")
    hold = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = once(haven, drop)
        writer.communicate()
    assert (seen.found, seen.left) == (0, {str(drop): {"open for writing": 1}})
    assert once(haven, drop).catalogued == 1


def test_a_reader_of_a_file_keeps_nobody_from_it(haven: Haven, drop: Path) -> None:
    with write_instance(drop / "a.dcm").open("rb"):
        assert once(haven, drop).catalogued == 1


def test_what_cannot_be_read_is_quarantined_once(haven: Haven, drop: Path) -> None:
    (drop / "broken").symlink_to(drop / "nothing")
    (drop / "text.txt").write_text("no image")
    os.mkfifo(drop / "pipe")
    report = once(haven, drop)
    assert (report.found, report.quarantined) == (3, 3)
    assert once(haven, drop).found == 0
    rows = catalogue.quarantined(haven).objects
    assert {(row.reason, row.attempts) for row in rows} == {
        ("broken-link", 1), ("not-dicom", 1), ("special-file", 1)
    }  # fmt: skip


def test_a_file_that_changed_is_read_again(haven: Haven, drop: Path) -> None:
    write_instance(drop / "a.dcm", PatientName="A")
    assert once(haven, drop).catalogued == 1
    write_instance(drop / "a.dcm", PatientName="Another")
    assert once(haven, drop).conflicting == 1


def test_an_archive_gives_its_members(haven: Haven, drop: Path, tmp_path: Path) -> None:
    inner = write_instance(tmp_path / "a.dcm")
    with zipfile.ZipFile(drop / "all.zip", "w") as archive:
        archive.write(inner, "one/a.dcm")
        archive.writestr("two/b.txt", "no image")
    report = once(haven, drop)
    assert (report.found, report.catalogued, report.quarantined) == (2, 1, 1)


def test_a_dicomdir_brings_nothing_that_is_not_complete(haven: Haven, drop: Path) -> None:
    from pydicom.data import get_testdata_file

    medium = get_testdata_file("DICOMDIR")
    shutil.copy(str(medium), drop / "DICOMDIR")
    report = once(haven, drop)
    assert (report.found, report.quarantined) == (1, 1)


def test_links_to_folders_are_told_and_not_followed(
    haven: Haven, drop: Path, tmp_path: Path
) -> None:
    write_instance(tmp_path / "elsewhere" / "a.dcm")
    (drop / "link").symlink_to(tmp_path / "elsewhere")
    report = once(haven, drop)
    assert (report.found, report.left[str(drop)]) == (0, {"link to a folder": 1})


def test_names_that_are_no_text_are_remembered_too(haven: Haven, drop: Path) -> None:
    odd = os.fsdecode(b"caf\xe9 \n.dcm")
    write_instance(drop / "a.dcm").rename(drop / odd)
    assert once(haven, drop).catalogued == 1
    assert once(haven, drop).found == 0


def test_batches_are_no_larger_than_asked_for(haven: Haven, drop: Path) -> None:
    for number in range(7):
        write_instance(drop / f"{number}.dcm", f"1.2.3.{number}")
    report = once(haven, drop, batch=3)
    assert (report.batches, report.catalogued) == (3, 7)


def test_a_batch_that_was_interrupted_is_given_out_again_as_it_was(
    haven: Haven, feed: Feed, drop: Path, clock: Clock
) -> None:
    for number in range(3):
        (drop / f"{number}.dcm").write_bytes(b"x")
    feed.look()
    clock.now += 10
    batch = feed.look().complete[:2]
    with pytest.raises(KeyboardInterrupt), feed.taking(batch) as (key, files):
        raise KeyboardInterrupt
    assert [path.name for path in files] == ["0.dcm", "1.dcm"]
    assert feed.begun() == batch
    with feed.taking(feed.begun()) as (again, _):
        assert again == key
    assert feed.begun() == []
    clock.now += 10
    assert names(feed) == ["2.dcm"]


def test_a_file_that_went_before_its_batch_is_in_the_quarantine(
    haven: Haven, drop: Path, clock: Clock
) -> None:
    (drop / "a.dcm").write_bytes(b"x")
    with Feed(place_of(haven, str(drop)), haven.folder / "watch", 0.0, clock) as feed:
        batch = feed.look().complete
        with pytest.raises(KeyboardInterrupt), feed.taking(batch):
            raise KeyboardInterrupt
    (drop / "a.dcm").unlink()
    assert once(haven, drop).quarantined == 1
    assert [row.reason for row in catalogue.quarantined(haven).objects] == ["vanished"]


def test_a_place_out_of_reach_is_told_and_does_not_hold_up_another(
    haven: Haven, drop: Path, tmp_path: Path
) -> None:
    write_instance(drop / "a.dcm")
    report = once(haven, tmp_path / "gone", drop)
    assert report.catalogued == 1
    assert report.unreachable == {str(tmp_path / "gone"): "No such file or directory"}


def test_two_watches_of_one_place_are_refused(haven: Haven, drop: Path, feed: Feed) -> None:
    with pytest.raises(TransientError, match="Another process watches"):
        once(haven, drop)


@pytest.mark.parametrize("place", ["ftp://host/drop", "s3://", "FILE", "HAVEN", "AROUND"])
def test_what_cannot_be_watched_is_refused(haven: Haven, tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    real = {"FILE": file, "HAVEN": haven.folder, "AROUND": haven.folder.parent}
    with pytest.raises(UserError):
        once(haven, real.get(place, place))


def test_check_says_what_it_would_take_and_leaves_nothing(haven: Haven, drop: Path) -> None:
    size = write_instance(drop / "a.dcm").stat().st_size
    (drop / "b.part").write_text("more to come")
    options = replace(ONE_LOOK, places=(str(drop), str(drop / "gone")))
    plan = catalogue.watch(haven, options, check=True)
    assert isinstance(plan, WatchPlan)
    (told,) = plan.places
    assert (told["files"], told["new"], told["bytes"]) == (2, 1, size)
    assert told["left"] == {"temporary name": 1}
    assert list(plan.unreachable) == [str(drop / "gone")]
    assert not (haven.folder / "watch").exists()
    assert once(haven, drop).catalogued == 1
    plan = catalogue.watch(haven, options, check=True)
    assert isinstance(plan, WatchPlan)
    assert plan.places[0]["new"] == 0


def test_every_batch_is_in_the_audit_trail(haven: Haven, drop: Path) -> None:
    write_instance(drop / "a.dcm")
    once(haven, drop)
    rows = [row.event for row in haven.ledger.audit.rows() if row.event.startswith("watch")]
    assert rows == ["watch-batch", "watch"]
    assert haven.ledger.audit.verify().intact


def test_the_release_knows_the_watched_folder_as_a_source(haven: Haven, drop: Path) -> None:
    write_instance(drop / "a.dcm")
    once(haven, drop)
    assert haven.ledger.runs.arguments("ingest", "paths") == [str(drop.resolve())]


def test_the_options_have_the_defaults_that_the_command_shows() -> None:
    options = WatchOptions()
    assert (options.every, options.settle, options.once, options.batch) == (30, 10, False, 2000)

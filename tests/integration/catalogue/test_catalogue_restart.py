"""Killed, resumed, and run on other engines: the catalogue always ends with the same rows."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalogue_files import rows_of, write_archive_of_patients
from imagehaven.catalogue import IngestReport, ingest
from imagehaven.catalogue.index import missing_chunks
from imagehaven.errors import UserError
from imagehaven.haven import Haven, Settings

INSTANCES = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive_of_patients(tmp_path_factory.mktemp("archive"), INSTANCES)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[str, list[str]]:
    haven = Haven.create(tmp_path_factory.mktemp("whole"), Settings(chunk_items=10))
    report = ingest(haven, [folder], engine="inline")
    assert isinstance(report, IngestReport)
    assert report.catalogued == INSTANCES - 10
    assert min(report.duplicate, report.conflicting, report.quarantined) > 0
    return rows_of(haven)


def start_ingest(haven: Haven, folder: Path, rest: float = 0) -> subprocess.Popen[bytes]:
    script = Path(__file__).resolve().parents[2] / "catalogue_files.py"
    command = [sys.executable, str(script), str(haven.folder), str(folder), "inline", str(rest)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


def kill_at_random_and_resume(haven: Haven, folder: Path, kills: int, seed: int) -> IngestReport:
    """Kill once something is committed, at moments that differ from kill to kill.

    The doomed rest after each of their commits, so that on the fastest machine the last of them
    still has work to do when it dies.
    """
    chance = random.Random(seed)
    for _ in range(kills):
        done = _items_done(haven)
        process = start_ingest(haven, folder, rest=0.2)
        deadline = time.monotonic() + 60
        while _items_done(haven) == done:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    report = ingest(haven, [folder], engine="inline")
    assert isinstance(report, IngestReport)
    return report


def _items_done(haven: Haven) -> int:
    return haven.ledger.runs.progress(1)[0]


@pytest.fixture
def in_chunks_of_ten(tmp_path: Path) -> Iterator[Callable[..., Haven]]:
    made: list[Haven] = []

    def make(url: str = "", commit_items: int = 20) -> Haven:
        settings = Settings(chunk_items=10, commit_items=commit_items, database=url)
        made.append(Haven.create(tmp_path / "haven", settings))
        return made[-1]

    yield make
    for haven in made:
        haven.ledger.close()


@pytest.mark.slow
def test_a_killed_ingest_ends_with_the_rows_of_an_uninterrupted_one(
    in_chunks_of_ten: Callable[..., Haven], folder: Path, uninterrupted: dict[str, list[str]]
) -> None:
    haven = in_chunks_of_ten(commit_items=10)
    assert kill_at_random_and_resume(haven, folder, kills=4, seed=1).resumed
    assert rows_of(haven) == uninterrupted


@pytest.mark.slow
def test_a_killed_ingest_on_postgresql_ends_with_the_same_rows(
    in_chunks_of_ten: Callable[..., Haven],
    folder: Path,
    uninterrupted: dict[str, list[str]],
    postgresql_url: str,
) -> None:
    haven = in_chunks_of_ten(postgresql_url, commit_items=10)
    kill_at_random_and_resume(haven, folder, kills=3, seed=2)
    assert rows_of(haven) == uninterrupted


def test_a_kill_between_the_two_commits_of_a_chunk_doubles_nothing(
    in_chunks_of_ten: Callable[..., Haven],
    folder: Path,
    uninterrupted: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lake has the chunk, the ledger and the index do not know: the narrowest moment."""
    haven = in_chunks_of_ten()
    honest = type(haven.ledger.runs).chunk_done

    def die(self: object, connection: object, run_id: int, seq: int, result: object) -> None:
        if seq == 4:
            raise KeyboardInterrupt
        honest(self, connection, run_id, seq, result)  # type: ignore[arg-type]

    monkeypatch.setattr(type(haven.ledger.runs), "chunk_done", die)
    with pytest.raises(KeyboardInterrupt):
        ingest(haven, [folder], engine="inline")
    monkeypatch.undo()
    with haven.lake.connect() as lake, haven.ledger.begin() as connection:
        assert missing_chunks(lake, connection) == [(1, 4), (1, 5)]
    ingest(haven, [folder], engine="inline")
    assert rows_of(haven) == uninterrupted


@pytest.mark.parametrize("engine", ["pool", pytest.param("ray", marks=pytest.mark.slow)])
def test_every_engine_gives_the_same_rows(
    in_chunks_of_ten: Callable[..., Haven],
    folder: Path,
    uninterrupted: dict[str, list[str]],
    engine: str,
) -> None:
    haven = in_chunks_of_ten()
    ingest(haven, [folder], engine=engine, workers=2)
    assert rows_of(haven) == uninterrupted


def test_two_processes_on_postgresql_never_make_two_instances_of_one_uid(
    in_chunks_of_ten: Callable[..., Haven], tmp_path: Path, postgresql_url: str
) -> None:
    haven = in_chunks_of_ten(postgresql_url)
    one = write_archive_of_patients(tmp_path / "one", 40)
    two = write_archive_of_patients(tmp_path / "two", 40)
    processes = [start_ingest(haven, place) for place in (one, two)]
    for process in processes:
        told = process.communicate(timeout=120)[1]
        assert process.returncode == 0, told.decode()
    counts = haven.sql(
        "SELECT count(*) AS n, count(DISTINCT SOPInstanceUID) AS uids FROM instance"
    ).to_pylist()
    assert counts == [{"n": 30, "uids": 30}]
    for table, uid in (("series", "Series"), ("study", "Study")):
        (row,) = haven.sql(
            f"SELECT count(*) = count(DISTINCT {uid}InstanceUID) AS once FROM {table}"
        ).to_pylist()
        assert row["once"]
    sources = haven.sql("SELECT count(*) AS n FROM source").to_pylist()
    assert sources == [{"n": 80}]


def test_the_same_ingest_twice_at_once_is_refused(
    haven: Haven, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(_stage: str, _done: int, _total: int | None) -> None:
        with pytest.raises(UserError, match="another process"):
            ingest(haven, [folder], engine="inline")

    ingest(haven, [folder], engine="inline", progress=again)

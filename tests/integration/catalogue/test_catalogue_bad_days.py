"""A store that vanishes, a disk that fills, a reader that dies: told plainly, nothing lost."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catalogue_files import die_on_marked, rows_of, write_archive_of_patients, write_instance
from imagehaven.acquire import Source
from imagehaven.catalogue import IngestReport, ingest, prepare
from imagehaven.catalogue.loading import reader
from imagehaven.errors import TransientError
from imagehaven.haven import Haven
from servers.postgresql import PostgreSQL


def test_a_database_that_goes_away_midway_is_told_and_the_rerun_completes(
    haven_on_postgresql: Haven, postgresql_server: PostgreSQL, tmp_path: Path
) -> None:
    haven = haven_on_postgresql
    folder = write_archive_of_patients(tmp_path / "in", 60)
    database = haven.settings.database.rsplit("/", 1)[1]

    def go_away(stage: str, done: int, _total: int | None) -> None:
        if stage == "catalogue" and 20 <= done < 41:
            postgresql_server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
            postgresql_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{database}'"
            )

    with pytest.raises(TransientError, match="repeat the command"):
        ingest(haven, [folder], engine="inline", progress=go_away)
    postgresql_server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    report = ingest(haven, [folder], engine="inline")
    assert isinstance(report, IngestReport)
    assert report.resumed
    assert (report.catalogued, report.duplicate, report.conflicting) == (50, 5, 5)
    assert len(rows_of(haven)["instance"]) == 50


def test_a_full_disk_is_told_and_the_rerun_completes(haven: Haven, tmp_path: Path) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 40)
    prepare(haven)
    script = Path(__file__).resolve().parents[2] / "catalogue_files.py"

    def no_room() -> None:
        # No file may grow beyond this: writing fails as it does on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    process = subprocess.run(
        [sys.executable, str(script), str(haven.folder), str(folder), "inline", "0"],
        stderr=subprocess.PIPE,
        preexec_fn=no_room,
        timeout=120,
        check=False,
    )
    told = process.stderr.decode()
    assert process.returncode != 0
    assert "TransientError" in told.splitlines()[-1], told
    report = ingest(haven, [folder], engine="inline")
    assert isinstance(report, IngestReport)
    assert (report.catalogued, report.duplicate, report.conflicting) == (30, 5, 5)


def test_a_lake_folder_that_cannot_be_written_is_told_and_the_rerun_completes(
    haven: Haven, tmp_path: Path
) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 40)
    prepare(haven)
    lake, away = haven.folder / "lake", haven.folder / "away"
    lake.rename(away)
    lake.write_text("in the way")
    with pytest.raises(TransientError, match="repeat the command"):
        ingest(haven, [folder], engine="inline")
    lake.unlink()
    away.rename(lake)
    report = ingest(haven, [folder], engine="inline")
    assert isinstance(report, IngestReport)
    assert report.resumed
    assert report.catalogued == 30


def test_a_file_that_kills_its_reader_is_quarantined_alone(
    haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write_instance(tmp_path / "in" / f"{number}.dcm", uid=f"1.{number}")
    write_instance(tmp_path / "in" / "deadly.dcm", uid="1.9")
    monkeypatch.setattr("imagehaven.catalogue.loading.run.read_chunk", die_on_marked)
    report = ingest(haven, [tmp_path / "in"], engine="pool", workers=2)
    assert isinstance(report, IngestReport)
    assert report.quarantined_by_reason == {"crashed-reader": 1}
    assert report.catalogued == 5


def test_a_source_that_vanishes_between_plan_and_reading_is_quarantined(tmp_path: Path) -> None:
    context = reader.ReadContext(("SOPInstanceUID",))
    gone = Source(str(tmp_path / "gone.dcm"), str(tmp_path / "gone.dcm"), (), 10)
    (row,) = reader.read_chunk(context, [{"source": gone.location, "size": 10}])
    assert (row.kind, row.reason) == ("quarantined", "vanished")

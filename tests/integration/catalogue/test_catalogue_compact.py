"""Compaction, and the index as a copy of what the lake says."""

from pathlib import Path

from sqlalchemy import text

from catalogue_files import rows_of, write_archive_of_patients
from imagehaven.catalogue import IngestReport, ingest
from imagehaven.catalogue.compact import compact
from imagehaven.haven import Haven


def test_compaction_leaves_every_row_and_every_snapshot_readable(
    any_haven: Haven, tmp_path: Path
) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 60)
    ingest(any_haven, [folder / "study0"], engine="inline")
    snapshot = any_haven.lake.snapshot()
    counts = "SELECT count(*) AS n, sum(length(elements::VARCHAR)) AS bytes FROM instance"
    then = any_haven.sql(counts).to_pylist()
    ingest(any_haven, [folder], engine="inline")
    rows = rows_of(any_haven)
    assert "instance" in compact(any_haven, most=1)
    assert rows_of(any_haven) == rows
    assert any_haven.sql(counts, snapshot=snapshot).to_pylist() == then


def test_a_lost_index_is_read_back_from_the_lake(haven: Haven, tmp_path: Path) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 40)
    ingest(haven, [folder], engine="inline")
    query = text("SELECT kind, hex(key), hex(fingerprint) FROM catalogue_key ORDER BY 1, 2")
    with haven.ledger.begin() as connection:
        before = connection.execute(query).all()
        connection.execute(text("DELETE FROM catalogue_key"))
    (folder / "study0" / "0000.dcm").touch()
    report = ingest(haven, [folder / "study0" / "0000.dcm"], engine="inline")
    assert isinstance(report, IngestReport)
    assert report.unchanged == 1
    with haven.ledger.begin() as connection:
        assert set(before) <= set(connection.execute(query).all())

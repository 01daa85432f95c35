"""Lookups by one identifier give what the lake gives, whatever happened to its files meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from catalogue_files import write_archive_of_patients, write_instance
from imagehaven.catalogue import index, ingest
from imagehaven.catalogue.compact import compact
from imagehaven.catalogue.index import places, written
from imagehaven.catalogue.lookup import Lookup
from imagehaven.catalogue.lookup.files import File, files_now, files_of
from imagehaven.errors import UserError
from imagehaven.haven import Haven

KEYWORDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
WANTED = ("SOPInstanceUID", "source", "InstanceNumber", "elements")


def assert_same_as_the_lake(haven: Haven, lookup: Lookup) -> None:
    chosen = ", ".join(dict.fromkeys((*WANTED, *KEYWORDS)))
    rows = haven.sql(f"SELECT {chosen} FROM instance ORDER BY SOPInstanceUID").to_pylist()
    for keyword in KEYWORDS:
        some = sorted({str(row[keyword]) for row in rows})
        for value in some[:: 1 + len(some) // 8]:
            found = lookup.find(keyword, value, WANTED)
            found.sort(key=lambda row: str(row["SOPInstanceUID"]))
            of_it = [{name: row[name] for name in WANTED} for row in rows if row[keyword] == value]
            assert found == of_it, keyword


def without_the_lake(lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the lake's own slow answer is a mistake."""

    def refuse(*_: object) -> None:
        raise AssertionError("the lake was asked")

    monkeypatch.setattr(Lookup, "_ask", refuse)


def test_a_lookup_gives_the_rows_of_the_lake_by_each_identifier(
    any_haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(any_haven, [write_archive_of_patients(tmp_path / "in", 60)], engine="inline")
    with Lookup(any_haven) as lookup:
        without_the_lake(lookup, monkeypatch)
        assert_same_as_the_lake(any_haven, lookup)
        assert lookup.find("SOPInstanceUID", "1.2.3.nobody") == []


def test_what_is_committed_or_merged_while_a_lookup_is_open_is_found(
    haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 120)
    with Lookup(haven) as lookup:
        for study in ("study0", "study1", "study2"):
            ingest(haven, [folder / study], engine="inline")
            assert_same_as_the_lake(haven, lookup)
        without_the_lake(lookup, monkeypatch)
        assert "instance" in compact(haven, most=1)
        assert_same_as_the_lake(haven, lookup)
        with haven.lake.connect() as lake:
            lake.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        assert_same_as_the_lake(haven, lookup)


def test_a_patient_of_several_load_runs_is_found_whole(
    haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        write_instance(tmp_path / "one" / f"{number}.dcm", uid=f"1.1.{number}")
        write_instance(tmp_path / "two" / f"{number}.dcm", uid=f"1.2.{number}")
    with Lookup(haven) as lookup:
        ingest(haven, [tmp_path / "one"], engine="inline")
        assert len(lookup.find("PatientID", "P1")) == 30
        ingest(haven, [tmp_path / "two"], engine="inline")
        without_the_lake(lookup, monkeypatch)
        assert len(lookup.find("PatientID", "P1")) == 60


def test_a_few_rows_that_the_lake_keeps_in_its_catalog_are_found(
    haven: Haven, tmp_path: Path
) -> None:
    """DuckLake writes no file for a handful of rows."""
    write_instance(tmp_path / "in" / "alone.dcm", uid="1.9")
    ingest(haven, [tmp_path / "in"], engine="inline")
    with Lookup(haven) as lookup:
        (row,) = lookup.find("SOPInstanceUID", "1.9")
    assert row["PatientID"] == "P1"
    assert "elements" not in row


def test_a_row_that_was_deleted_from_the_lake_is_not_found(haven: Haven, tmp_path: Path) -> None:
    ingest(haven, [write_archive_of_patients(tmp_path / "in", 60)], engine="inline")
    with haven.lake.transaction() as lake:
        lake.execute("DELETE FROM instance WHERE SOPInstanceUID = '1.2.3.1.3'")
    with Lookup(haven) as lookup:
        assert lookup.find("SOPInstanceUID", "1.2.3.1.3") == []
        assert len(lookup.find("SOPInstanceUID", "1.2.3.1.4")) == 1


def test_an_index_without_places_is_answered_by_the_lake_and_mended_by_the_next_load(
    haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the first version wrote it."""
    folder = write_archive_of_patients(tmp_path / "in", 60)
    ingest(haven, [folder], engine="inline")
    levels = "('series', 'study', 'patient')"
    with haven.ledger.begin() as connection:
        for change in (
            "kind = 'chunk' WHERE kind = 'chunk-placed'",
            "fingerprint = substr(fingerprint, 1, 16) WHERE kind = 'instance'",
            f"fingerprint = x'' WHERE kind IN {levels}",
        ):
            connection.execute(text(f"UPDATE catalogue_key SET {change}"))
    with Lookup(haven) as lookup:
        assert_same_as_the_lake(haven, lookup)
        write_instance(tmp_path / "more" / "1.dcm", uid="1.77", PatientID="P77")
        ingest(haven, [tmp_path / "more"], engine="inline")
        without_the_lake(lookup, monkeypatch)
        assert len(lookup.find("StudyInstanceUID", "1.2.3.3.0", WANTED)) == 24


def test_a_question_that_cannot_be_asked_is_told_with_the_choices(haven: Haven) -> None:
    with Lookup(haven) as lookup:
        with pytest.raises(UserError, match="SOPInstanceUID, SeriesInstanceUID"):
            lookup.find("AccessionNumber", "7")
        with pytest.raises(UserError, match="no column 'Colour'"):
            lookup.find("PatientID", "P1", ["Colour"])


def test_places_survive_their_writing() -> None:
    both = written((1, 0)) + written((70_000, 123_456))
    assert places("study", both) == [(1, 0), (70_000, 123_456)]
    assert places("instance", b"f" * 16 + both) == [(1, 0), (70_000, 123_456)]
    assert places("instance", b"f" * 16) == []


def test_a_chunk_that_no_file_covers_has_no_files(haven: Haven, tmp_path: Path) -> None:
    files = [File("a", True, 1, 1, 0, 4), File("b", True, 1, 2, 5, 9), File("c", False, 3, 3, 0, 9)]
    assert files_of(files, [(1, 2)]) == files[:1]
    assert files_of(files, [(1, 2), (2, 6)]) == files[:2]
    assert files_of(files, [(1, 2), (4, 0)]) is None
    assert files_of(files, [(3, 1)]) is None
    ingest(haven, [write_archive_of_patients(tmp_path / "in", 60)], engine="inline")
    with haven.lake.connect(read_only=True) as lake:
        assert [(file.first_run, file.whole) for file in files_now(lake)] == [(1, True)]


def test_a_patient_of_everybody_does_not_make_its_entry_grow(
    haven: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_MOST_PLACES", 1)
    sizes = []
    for number in range(3):
        folder = tmp_path / str(number)
        for one in range(2):
            write_instance(
                folder / f"{one}.dcm",
                uid=f"1.2.3.{number}.{one}",
                SeriesInstanceUID=f"1.2.4.{number}",
                StudyInstanceUID=f"1.2.5.{number}",
                PatientID="ANON",
            )
        ingest(haven, [folder], engine="inline")
        with haven.ledger.begin() as connection:
            known = index.seen(connection, "patient", [index.key_of("ANON")])
        sizes.append(len(*known.values()) // 8)
        with Lookup(haven) as lookup:
            assert_same_as_the_lake(haven, lookup)
    assert sizes == [1, 2, 2]
    assert index.MANY in places("patient", *known.values())

"""What ingesting files leaves in the catalogue."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from catalogue_files import rows_of, write_archive_of_patients, write_instance
from imagehaven.catalogue import IngestPlan, IngestReport, ingest, quarantined, query, retry
from imagehaven.errors import UserError
from imagehaven.haven import Haven


def load(haven: Haven, *paths: Path) -> IngestReport:
    report = ingest(haven, paths, engine="inline")
    assert isinstance(report, IngestReport)
    told = report.summary()
    states = ("catalogued", "duplicate", "conflicting", "quarantined")
    assert told["found"] == sum(told[state] for state in states)
    assert told["quarantined"] == sum(told["quarantined_by_reason"].values())
    return report


def one(haven: Haven, sql: str) -> dict[str, object]:
    (row,) = haven.sql(sql).to_pylist()
    return dict(row)


def test_a_file_becomes_an_instance_with_its_series_study_patient_and_source(
    haven: Haven, tmp_path: Path
) -> None:
    file = write_instance(
        tmp_path / "in" / "a.dcm",
        StudyDate="20200102",
        PatientBirthDate="1950",
        PatientName="Doe^Jane",
        InstanceNumber="7",
        ImageType=["ORIGINAL", "PRIMARY"],
    )
    report = load(haven, tmp_path / "in")
    assert (report.found, report.catalogued) == (1, 1)
    row = one(haven, "SELECT * FROM instance")
    assert row["InstanceNumber"] == 7
    assert row["ImageType"] == "ORIGINAL\\PRIMARY"
    assert row["source"] == str(file)
    assert row["size"] == file.stat().st_size
    elements = json.loads(str(row["elements"]))
    assert elements["00100010"]["Value"] == [{"Alphabetic": "Doe^Jane"}]
    study = one(haven, "SELECT * FROM study JOIN patient USING (PatientID)")
    assert str(study["StudyDate"]) == "2020-01-02"
    assert study["PatientBirthDate"] is None  # a year is no date; the elements keep it
    assert study["PatientName"] == "Doe^Jane"
    assert one(haven, "SELECT * FROM source")["SOPInstanceUID"] == "1.2.3.1"
    assert one(haven, "SELECT Modality FROM series")["Modality"] == "CT"


def test_the_same_file_twice_is_one_instance_with_two_sources(haven: Haven, tmp_path: Path) -> None:
    first = write_instance(tmp_path / "in" / "a.dcm")
    shutil.copy(first, tmp_path / "in" / "b.dcm")
    assert load(haven, tmp_path / "in").duplicate == 1
    assert one(haven, "SELECT count(*) AS n FROM instance")["n"] == 1
    assert one(haven, "SELECT count(*) AS n FROM source WHERE SOPInstanceUID = '1.2.3.1'")["n"] == 2


def test_other_content_under_the_same_uid_is_a_recorded_conflict(
    haven: Haven, tmp_path: Path
) -> None:
    write_instance(tmp_path / "in" / "a.dcm", PatientSex="F")
    second = write_instance(tmp_path / "in" / "b.dcm", PatientSex="M")
    assert load(haven, tmp_path / "in").conflicting == 1
    assert one(haven, "SELECT source FROM instance")["source"] == str(second.with_name("a.dcm"))
    row = one(haven, "SELECT * FROM conflict")
    assert row["source"] == str(second)
    assert json.loads(str(row["elements"]))["00100040"]["Value"] == ["M"]


def test_ingesting_again_finds_everything_unchanged(haven: Haven, tmp_path: Path) -> None:
    folder = write_archive_of_patients(tmp_path / "in", 60)
    first = load(haven, folder)
    before = rows_of(haven)
    again = load(haven, folder)
    assert again.load_run != first.load_run
    assert (again.catalogued, again.conflicting) == (0, 0)
    assert again.unchanged == again.duplicate == again.found - again.quarantined
    after = rows_of(haven)
    for table in ("instance", "series", "study", "patient", "source", "conflict", "container"):
        assert after[table] == before[table]


def test_a_file_that_changed_is_judged_anew_and_its_old_row_is_kept(
    haven: Haven, tmp_path: Path
) -> None:
    write_instance(tmp_path / "in" / "a.dcm", PatientSex="F")
    load(haven, tmp_path / "in")
    write_instance(tmp_path / "in" / "a.dcm", PatientSex="M")
    second = load(haven, tmp_path / "in")
    assert second.conflicting == 1
    rows = haven.sql("SELECT load_run, replaced_run FROM source ORDER BY load_run").to_pylist()
    assert rows == [
        {"load_run": 1, "replaced_run": second.load_run},
        {"load_run": second.load_run, "replaced_run": None},
    ]
    assert load(haven, tmp_path / "in").unchanged == 1


def test_what_cannot_be_read_is_quarantined_and_leaves_when_it_reads_well(
    haven: Haven, tmp_path: Path
) -> None:
    whole = write_instance(tmp_path / "whole.dcm").read_bytes()
    bad = tmp_path / "in" / "bad.dcm"
    bad.parent.mkdir()
    bad.write_bytes(whole[:-5])
    (tmp_path / "in" / "empty.dcm").touch()
    report = load(haven, tmp_path / "in")
    assert report.quarantined_by_reason == {"empty": 1, "truncated": 1}
    assert [thing.source for thing in quarantined(haven, reason="truncated").objects] == [str(bad)]
    load(haven, tmp_path / "in")
    assert [thing.attempts for thing in quarantined(haven).objects] == [2, 2]
    bad.write_bytes(whole)
    again = retry(haven, reason="truncated", engine="inline")
    assert isinstance(again, IngestReport)
    assert (again.found, again.catalogued) == (1, 1)
    assert [thing.reason for thing in quarantined(haven).objects] == ["empty"]
    assert one(haven, "SELECT count(*) AS n FROM instance")["n"] == 1


def test_a_retry_walks_a_broken_archive_again_once_it_is_mended(
    haven: Haven, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.write(write_instance(tmp_path / "a.dcm"), "a.dcm")
    place = tmp_path / "in" / "a.zip"
    place.parent.mkdir()
    place.write_bytes((tmp_path / "whole.zip").read_bytes()[:-30])
    assert load(haven, place.parent).quarantined_by_reason == {"broken-archive": 1}
    shutil.copy(tmp_path / "whole.zip", place)
    again = retry(haven, engine="inline")
    assert isinstance(again, IngestReport)
    assert again.catalogued == 1
    assert quarantined(haven).objects == []


def test_a_retry_of_what_is_gone_says_so(haven: Haven, tmp_path: Path) -> None:
    bad = tmp_path / "in" / "bad.dcm"
    bad.parent.mkdir()
    bad.touch()
    load(haven, bad.parent)
    bad.unlink()
    retry(haven, engine="inline")
    assert [thing.reason for thing in quarantined(haven).objects] == ["vanished"]


def test_an_archive_is_a_container_and_not_an_object(haven: Haven, tmp_path: Path) -> None:
    file = write_instance(tmp_path / "a.dcm")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(file, "inner/a.dcm")
    file.unlink()
    report = load(haven, tmp_path / "a.zip")
    assert (report.found, report.catalogued, report.containers) == (1, 1, 1)
    row = one(haven, "SELECT * FROM source")
    assert row["source"] == f"{tmp_path / 'a.zip'}!/inner/a.dcm"
    assert (row["path"], row["members"]) == (str(tmp_path / "a.zip"), '["inner/a.dcm"]')


def test_a_dicomdir_is_quarantined_and_says_how_many_of_its_files_are_missing(
    haven: Haven, tmp_path: Path
) -> None:
    whole = Path(str(get_testdata_file("DICOMDIR"))).parent
    (tmp_path / "lone").mkdir()
    shutil.copy(whole / "DICOMDIR", tmp_path / "lone")
    report = load(haven, tmp_path / "lone")
    assert (report.found, report.quarantined_by_reason) == (1, {"media-incomplete": 1})
    assert "31 of the 31" in one(haven, "SELECT detail FROM quarantine")["detail"]
    shutil.copytree(whole, tmp_path / "disc")
    assert load(haven, tmp_path / "disc").quarantined_by_reason["media-directory"] >= 1


def test_an_instance_without_its_links_is_catalogued_and_reported(
    haven: Haven, tmp_path: Path
) -> None:
    write_instance(tmp_path / "in" / "a.dcm", uid="1.1", SeriesInstanceUID=None, PatientID=None)
    write_instance(tmp_path / "in" / "b.dcm", uid="1.2", SeriesInstanceUID="1.9", PatientID="P1")
    write_instance(tmp_path / "in" / "c.dcm", uid="1.3", SeriesInstanceUID="1.9", PatientID="P2")
    write_instance(tmp_path / "in" / "d.dcm", uid="1.4", SeriesInstanceUID="1.9",
                   StudyInstanceUID="1.8", PatientID="P2")  # fmt: skip
    assert load(haven, tmp_path / "in").catalogued == 4
    problems = haven.sql("SELECT problem, uid FROM hierarchy_problem ORDER BY ALL").to_pylist()
    assert [(row["problem"], row["uid"]) for row in problems] == [
        ("no-patient-id", "1.1"),
        ("no-series-instance-uid", "1.1"),
        ("series-in-two-studies", "1.9"),
        ("study-in-two-patients", "1.2.3.5"),
    ]


def test_a_name_that_is_no_text_and_values_with_nul_are_stored(
    haven: Haven, tmp_path: Path
) -> None:
    folder = os.fsencode(tmp_path / "in")
    (tmp_path / "in").mkdir()
    file = write_instance(tmp_path / "a.dcm", PatientName="A\0B")
    shutil.copy(file, os.fsdecode(folder + b"/\xff.dcm"))
    report = load(haven, tmp_path / "in")
    assert report.catalogued == 1
    assert one(haven, "SELECT PatientName FROM patient")["PatientName"] == "AB"
    elements = json.loads(str(one(haven, "SELECT elements FROM instance")["elements"]))
    assert elements["00100010"]["Value"][0]["Alphabetic"] == "A\0B"


def test_check_says_what_would_be_read_and_stores_nothing(haven: Haven, tmp_path: Path) -> None:
    write_instance(tmp_path / "in" / "a.dcm")
    plan = ingest(haven, [tmp_path / "in"], check=True)
    assert isinstance(plan, IngestPlan)
    assert plan.found == 1
    assert load(haven, tmp_path / "in").load_run == 1


def test_a_path_that_is_not_there_is_the_users_error(haven: Haven, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        ingest(haven, [tmp_path / "nowhere"])
    with pytest.raises(UserError, match="No path"):
        ingest(haven, [])


def test_every_call_is_in_the_audit_trail(haven: Haven, tmp_path: Path) -> None:
    write_instance(tmp_path / "in" / "a.dcm")
    load(haven, tmp_path / "in")
    query(haven, "SELECT count(*) FROM instance", format="csv")
    events = {row.event: row for row in haven.ledger.audit.rows()}
    assert json.loads(events["ingest"].detail)["catalogued"] == 1
    assert "SELECT count(*) FROM instance" in events["query"].inputs


def test_a_query_in_an_unknown_format_is_the_users_error(haven: Haven) -> None:
    with pytest.raises(UserError, match="table, csv, json, parquet"):
        query(haven, "SELECT 1", format="xml")  # type: ignore[arg-type]


def test_real_files_are_stored_as_pydicom_reads_them(haven: Haven, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "test-SR.dcm", "liver.dcm"):
        shutil.copy(str(get_testdata_file(name)), tmp_path / "in" / name)
    report = load(haven, tmp_path / "in")
    rows = haven.sql("SELECT * FROM instance").to_pylist()
    assert len(rows) == report.found
    for row in rows:
        dataset = pydicom.dcmread(row["source"], stop_before_pixels=True)
        stored = json.loads(row["elements"])
        assert {f"{int(tag):08X}" for tag in dataset.keys()} <= stored.keys()  # noqa: SIM118
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality"):
            assert row[keyword] == dataset[keyword].value

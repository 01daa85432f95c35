"""What lacks is asked for exactly, from the secondary source too, and told when nobody has it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.misc import is_dicom

from imagehaven.acquire import retrieve_status
from imagehaven.haven import Haven
from receiving import eventually
from retrieving import (
    QUICK,
    Made,
    another,
    arrived,
    days,
    declare,
    dimse,
    make,
    retrieve,
    uid,
    web,
)
from servers import dcmqrscp, orthanc

DAY = ("2020-01-01", "2020-01-02")


@pytest.mark.parametrize("method", ["c-get", "wado-rs"])
def test_only_what_lacks_is_fetched(haven: Haven, own: Any, files: Made, method: str) -> None:
    declare(haven, main=dimse(own.dicom) if method == "c-get" else web(own.url))
    retrieve(haven, days("main", *DAY))
    here = arrived(haven, "main")
    lost = [path for number, path in enumerate(sorted(here.values())) if number % 3 == 0]
    times = {path: path.stat().st_mtime_ns for path in here.values() if path not in lost}
    for path in lost:
        path.unlink()
    told, _ = retrieve(haven, days("main", *DAY))
    assert told.instances["fetched"] == len(lost)
    assert told.instances["held"] == 18 - len(lost)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}


def test_a_deleted_and_an_added_instance_between_question_and_fetch(
    haven: Haven, own: Any, files: Made, tmp_path: Path
) -> None:
    # The worklist is made first; what the PACS has changes before its turn.
    slow = {**QUICK, "studies_per_second": 1}
    declare(haven, main=dimse(own.dicom, limits=slow))
    told: list[Any] = []

    def work() -> None:
        told.append(retrieve(haven, days("main", *DAY)))

    last = list(files.studies)[2]
    gone, more = files.studies[last][0], another(tmp_path, last, "20200102", 77)
    thread = threading.Thread(target=work)
    thread.start()
    # The first study has come, so all are planned; the third one's turn is seconds away.
    eventually(lambda: len(arrived(haven, "main")) >= 6)
    own.delete(gone)
    own.add([more])
    thread.join()
    result, _ = told[0]
    assert result.whole
    expected = {uid(path) for path in files.paths} - {uid(gone)} | {uid(more)}
    assert set(arrived(haven, "main")) == expected


@pytest.fixture
def archive(tmp_path: Path, files: Made) -> Iterator[dcmqrscp.Archive]:
    """A PACS that lists everything, and has lost the file of one instance."""
    with dcmqrscp.running(tmp_path / "archive") as server:
        server.add(files.paths)
        take_away(tmp_path / "archive" / "storage", lost(files))
        yield server


def lost(files: Made) -> Path:
    return next(iter(files.studies.values()))[2]


def take_away(storage: Path, path: Path) -> None:
    for one in storage.rglob("*"):
        if one.is_file() and is_dicom(one) and uid(one) == uid(path):
            one.unlink()
            return
    raise AssertionError("the server does not have it")


def test_an_instance_that_the_pacs_lists_and_cannot_deliver_is_told_as_missing(
    haven: Haven, archive: dcmqrscp.Archive, files: Made
) -> None:
    declare(haven, main=dimse(archive.port, dcmqrscp.TITLE))
    told, _ = retrieve(haven, days("main", *DAY))
    assert (told.studies["arrived"], told.studies["partly"]) == (2, 1)
    assert (told.instances["fetched"], told.instances["missing"]) == (17, 1)
    status = retrieve_status(haven, told.retrieval, state="partly")
    (row,) = status.studies
    assert row["StudyInstanceUID"] == next(iter(files.studies))
    assert (row["attempts"], row["missing"]) == (3, 1)
    (missing,) = status.missing
    assert missing["SOPInstanceUID"] == uid(lost(files))
    assert missing["reason"] == row["reason"] != ""


def test_the_secondary_source_is_asked_for_what_the_primary_does_not_deliver(
    haven: Haven, archive: dcmqrscp.Archive, own: Any, files: Made
) -> None:
    main = dimse(archive.port, dcmqrscp.TITLE, secondary="second")
    declare(haven, main=main, second=web(own.url))
    told, _ = retrieve(haven, days("main", *DAY))
    assert told.whole
    assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}
    rows = retrieve_status(haven, told.retrieval).studies
    assert sorted(row["from_source"] for row in rows) == ["main", "main", "second"]


@pytest.mark.parametrize("secondary", [True, False])
def test_a_study_that_cannot_be_listed_is_failed_unless_the_secondary_has_it(
    haven: Haven, own: Any, files: Made, tmp_path: Path, secondary: bool
) -> None:
    take_away(tmp_path / "orthanc" / "storage", lost(files))
    own.again(StorageCacheSize=0, MaximumStorageCacheSize=0)
    with orthanc.running(tmp_path / "second", title="SECOND") as second:
        second.add(files.paths)
        more = {"secondary": "second"} if secondary else {}
        declare(haven, main=web(own.url, **more), second=dimse(second.dicom, "SECOND"))
        told, lines = retrieve(haven, days("main", *DAY))
    assert any("HTTP 500" in line for line in lines)
    if secondary:
        assert told.whole
        assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}
        return
    assert (told.studies["arrived"], told.studies["failed"]) == (2, 1)
    (row,) = retrieve_status(haven, told.retrieval, state="failed").studies
    assert row["reason"] == "processing-failure"
    assert set(arrived(haven, "main")) == {
        uid(path) for paths in list(files.studies.values())[1:] for path in paths
    }


def test_a_study_that_is_gone_is_missing_and_comes_from_the_secondary(
    haven: Haven, own: Any, files: Made, tmp_path: Path
) -> None:
    slow = {**QUICK, "studies_per_second": 1}
    declare(haven, main=dimse(own.dicom, limits=slow))
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(retrieve(haven, days("main", *DAY))))
    thread.start()
    eventually(lambda: len(arrived(haven, "main")) >= 6)
    for path in list(files.studies.values())[2]:
        own.delete(path)
    thread.join()
    result, _ = told[0]
    assert (result.studies["arrived"], result.studies["missing"]) == (2, 1)
    (row,) = retrieve_status(haven, result.retrieval, state="missing").studies
    assert row["reason"] == "not-there"


@pytest.mark.parametrize("method", ["c-get", "wado-rs"])
def test_a_list_of_instances_that_is_cut_is_not_taken_for_the_whole(
    haven: Haven, tmp_path: Path, method: str
) -> None:
    made = make(tmp_path / "files", {"20200101": 1}, series=1, instances=9)
    with orthanc.running(tmp_path / "pacs", LimitFindInstances=4) as server:
        server.add(made.paths)
        declare(haven, main=dimse(server.dicom) if method == "c-get" else web(server.url))
        told, _ = retrieve(haven, days("main", *DAY))
        again, _ = retrieve(haven, days("main", *DAY))
    assert set(arrived(haven, "main")) == {uid(path) for path in made.paths}
    assert told.whole
    assert again.instances["fetched"] == 0
    if method == "c-get":
        assert told.instances["listed"] == 4


def test_a_study_of_many_classes_comes_by_c_get(haven: Haven, own: Any, tmp_path: Path) -> None:
    names = ["CT_small.dcm", "MR_small.dcm", "rtdose.dcm", "rtplan.dcm", "reportsi.dcm",
             "waveform_ecg.dcm", "SC_rgb_rle.dcm", "JPEG2000.dcm"]  # fmt: skip
    paths = []
    for number, name in enumerate(names):
        dataset = pydicom.dcmread(str(pydicom.data.get_testdata_file(name)))
        dataset.StudyInstanceUID, dataset.StudyDate = "1.2.3.4", "20210101"
        dataset.PatientID, dataset.SeriesInstanceUID = "P1", f"1.2.3.4.{number}"
        dataset.save_as(tmp_path / name)
        paths.append(tmp_path / name)
    own.add(paths)
    declare(haven, main=dimse(own.dicom))
    told, _ = retrieve(haven, days("main", "2021-01-01", "2021-01-01"))
    assert told.whole
    assert set(arrived(haven, "main")) == {uid(path) for path in paths}

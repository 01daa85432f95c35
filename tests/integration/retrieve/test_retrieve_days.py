"""Whole days come home by every method, bit by bit, once, and only what was asked for."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pydicom
import pytest

from imagehaven.acquire import check_retrieval, retrieve_status
from imagehaven.acquire.retrieve.request import by_list, by_query
from imagehaven.catalogue import ingest
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from receiving import data_set
from retrieving import QUICK, arrived, days, declare, dimse, make, moving, retrieve, uid, web
from servers import dcmqrscp
from servers.ports import free_port

ALL = ("2020-01-01", "2020-01-31")
METHODS = ["c-get", "c-move", "wado-rs"]


def source(method: str, pacs: Any, **more: Any) -> dict[str, Any]:
    if method == "c-get":
        return dimse(pacs.server.dicom, **more)
    if method == "c-move":
        return moving(pacs.server.dicom, pacs.move_to, **more)
    return web(pacs.server.url, **more)


@pytest.mark.parametrize("method", METHODS)
def test_days_come_whole_and_bit_by_bit(haven: Haven, pacs: Any, method: str) -> None:
    declare(haven, main=source(method, pacs))
    told, lines = retrieve(haven, days("main", *ALL))
    here = arrived(haven, "main")
    assert set(here) == {uid(path) for path in pacs.made.paths}
    assert told.whole
    assert told.studies["arrived"] == 8
    assert told.instances == {"listed": 48, "held": 0, "fetched": 48, "missing": 0}
    assert lines == []
    for path in pacs.made.paths:
        if method == "wado-rs":
            assert data_set(here[uid(path)]) == data_set(path)
        else:  # Orthanc writes it anew to send it
            assert pydicom.dcmread(here[uid(path)]) == pydicom.dcmread(path)
    again, _ = retrieve(haven, days("main", *ALL))
    assert again.instances == {"listed": 48, "held": 48, "fetched": 0, "missing": 0}
    assert not again.resumed
    assert arrived(haven, "main") == here


def test_the_same_object_by_c_get_and_c_move_is_one_file(haven: Haven, pacs: Any) -> None:
    declare(haven, get=source("c-get", pacs), move=source("c-move", pacs))
    retrieve(haven, days("get", *ALL))
    retrieve(haven, days("move", *ALL))
    by_get, by_move = arrived(haven, "get"), arrived(haven, "move")
    assert [path.name for path in by_get.values()] and set(by_get) == set(by_move)
    for name, path in by_get.items():
        assert path.name == by_move[name].name
        assert path.read_bytes() == by_move[name].read_bytes()


def test_real_files_come_as_they_are_stored(haven: Haven, tmp_path: Path, own: Any) -> None:
    names = ["CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm",
             "image_dfl.dcm", "reportsi.dcm", "rtdose.dcm",
             "JPEG-lossy.dcm", "emri_small_jpeg_ls_lossless.dcm", "waveform_ecg.dcm"]  # fmt: skip
    paths = [Path(str(pydicom.data.get_testdata_file(name))) for name in names]
    own.add(paths)
    listed = tmp_path / "list.csv"
    studies = {str(pydicom.dcmread(path).StudyInstanceUID) for path in paths}
    listed.write_text("\n".join(["StudyInstanceUID", *sorted(studies)]))
    declare(haven, get=dimse(own.dicom), web=web(own.url))
    for name in ("get", "web"):
        told, _ = retrieve(haven, by_list(name, listed))
        here = arrived(haven, name)
        assert {uid(path) for path in paths} == set(here)
        assert told.whole
        for path in paths:
            mine, theirs = pydicom.dcmread(here[uid(path)]), pydicom.dcmread(path)
            assert mine.file_meta.TransferSyntaxUID == theirs.file_meta.TransferSyntaxUID
            if name == "web":
                assert data_set(here[uid(path)]) == data_set(path)


@pytest.mark.parametrize("method", METHODS)
def test_a_modality_and_days_choose_studies(haven: Haven, pacs: Any, method: str) -> None:
    declare(haven, main=source(method, pacs))
    told, _ = retrieve(haven, days("main", "2020-01-02", "2020-01-05", "MR"))
    assert told.studies["arrived"] == 2
    wanted = {
        uid(path) for path in pacs.made.paths if path.name.startswith(("20200102-1", "20200102-3"))
    }
    assert set(arrived(haven, "main")) == wanted


@pytest.mark.parametrize("method", ["c-get", "wado-rs"])
def test_a_list_of_accession_numbers_brings_them_and_tells_what_is_not_there(
    haven: Haven, pacs: Any, tmp_path: Path, method: str
) -> None:
    declare(haven, main=source(method, pacs))
    listed = tmp_path / "list.csv"
    listed.write_text("AccessionNumber\nA202001010\nNOT-THERE\nA*\nA202001020\n")
    told, _ = retrieve(haven, by_list("main", listed))
    assert (told.studies["arrived"], told.not_found, told.refused) == (2, 1, 1)
    assert not told.whole
    questions = retrieve_status(haven, told.retrieval).questions
    assert [(one["part"], one["reason"]) for one in questions] == [
        ("line 3", "not-found"),
        ("line 4", "no-such-number"),
    ]
    # No number of the list is in the ledger.
    with haven.ledger.begin() as connection:
        for table in ("retrieval", "retrieval_part", "audit"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert "A20200101" not in str(rows)
            assert "NOT-THERE" not in str(rows)


def test_a_query_on_the_catalogue_is_a_request_and_what_is_catalogued_is_not_fetched(
    haven: Haven, pacs: Any
) -> None:
    study = next(iter(pacs.made.studies))
    some = pacs.made.studies[study][:4]
    place = haven.folder / "elsewhere"
    place.mkdir()
    for path in some:
        (place / path.name).write_bytes(path.read_bytes())
    ingest(haven, [place])
    declare(haven, main=source("c-get", pacs))
    request = by_query("main", haven, "SELECT DISTINCT StudyInstanceUID FROM instance")
    told, _ = retrieve(haven, request)
    assert told.instances == {"listed": 6, "held": 4, "fetched": 2, "missing": 0}
    assert set(arrived(haven, "main")) == {uid(path) for path in pacs.made.studies[study][4:]}
    with pytest.raises(UserError, match="no column"):
        by_query("main", haven, "SELECT 1 AS one")


@pytest.mark.parametrize("method", METHODS)
def test_a_check_counts_and_fetches_nothing(haven: Haven, pacs: Any, method: str) -> None:
    declare(haven, main=source(method, pacs))
    expected = check_retrieval(haven, days("main", *ALL))
    assert (expected.studies, expected.series, expected.instances) == (8, 16, 48)
    assert expected.days == [
        {"day": "2020-01-01", "studies": 3, "series": 6, "instances": 18},
        {"day": "2020-01-02", "studies": 4, "series": 8, "instances": 24},
        {"day": "2020-01-05", "studies": 1, "series": 2, "instances": 6},
    ]
    assert arrived(haven, "main") == {}
    assert retrieve_status(haven).retrievals == []


@pytest.mark.parametrize("method", METHODS)
def test_a_cut_answer_is_asked_again_in_parts_until_it_is_whole(
    haven: Haven, tmp_path: Path, method: str
) -> None:
    from servers import orthanc

    made = make(tmp_path / "files", {"20200101": 9, "20200102": 2}, series=1, instances=2)
    port = free_port()
    with orthanc.running(tmp_path / "pacs", move_to=port, LimitFindResults=3) as server:
        server.add(made.paths)
        declare(
            haven,
            main={
                "c-get": dimse(server.dicom),
                "c-move": moving(server.dicom, port),
                # Its DICOMweb does not say that it cuts.
                "wado-rs": web(server.url, **{"limits": {**QUICK, "results": 3}}),
            }[method],
        )
        told, _ = retrieve(haven, days("main", "2020-01-01", "2020-01-02"))
    assert told.studies["arrived"] == 11
    assert set(arrived(haven, "main")) == {uid(path) for path in made.paths}
    assert told.cut == 0
    if method != "wado-rs":
        assert told.questions > 10
        assert told.by_time > 0


@pytest.mark.parametrize("retrieving", ["c-get", "c-move"])
def test_another_pacs_by_other_hands_delivers_too(
    haven: Haven, tmp_path: Path, retrieving: str
) -> None:
    made = make(tmp_path / "files", {"20200101": 3})
    port = free_port()
    with dcmqrscp.running(tmp_path / "archive", move_to=port) as archive:
        archive.add(made.paths)
        how = dimse(archive.port, dcmqrscp.TITLE)
        if retrieving == "c-move":
            how = moving(archive.port, port, title=dcmqrscp.TITLE)
        declare(haven, main=how)
        told, _ = retrieve(haven, days("main", "2020-01-01", "2020-01-01", "CT"))
        assert told.studies["arrived"] == 2
        told, _ = retrieve(haven, days("main", "2020-01-01", "2020-01-01"))
    assert told.whole
    here = arrived(haven, "main")
    assert set(here) == {uid(path) for path in made.paths}
    for path in made.paths:
        assert pydicom.dcmread(here[uid(path)]) == pydicom.dcmread(path)


def test_what_was_retrieved_is_ingested(haven: Haven, pacs: Any) -> None:
    declare(haven, main=source("wado-rs", pacs))
    told, _ = retrieve(haven, days("main", *ALL))
    loaded = ingest(haven, [Path(told.spool) / "incoming"])
    assert loaded.summary()["catalogued"] == 48


def test_the_audit_trail_has_the_request_and_its_counts(haven: Haven, pacs: Any) -> None:
    declare(haven, main=source("c-get", pacs))
    retrieve(haven, days("main", *ALL))
    (row,) = [row for row in haven.ledger.audit.rows() if row.event == "retrieve"]
    assert json.loads(row.inputs)["request"]["from"] == "2020-01-01"
    assert json.loads(row.detail)["studies"]["arrived"] == 8


@pytest.mark.parametrize("method", ["c-get", "wado-rs"])
def test_a_large_object_takes_no_memory_to_speak_of(
    haven: Haven, own: Any, tmp_path: Path, method: str
) -> None:
    large = make(tmp_path / "large", {"20210101": 1}, series=1, instances=1, side=4096)
    own.add(large.paths)
    declare(haven, main=dimse(own.dicom) if method == "c-get" else web(own.url))
    retrieve(haven, days("main", "2020-01-01", "2020-01-01"))  # so that everything is imported
    tracemalloc.start()
    try:
        told, _ = retrieve(haven, days("main", "2021-01-01", "2021-01-01"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told.whole
    (path,) = large.paths
    assert arrived(haven, "main")[uid(path)].stat().st_size > 32 * 2**20
    assert data_set(arrived(haven, "main")[uid(path)])[-1024:] == path.read_bytes()[-1024:]
    assert peak < 8 * 2**20


def test_a_source_may_have_its_spool_elsewhere(haven: Haven, pacs: Any, tmp_path: Path) -> None:
    declare(haven, main=source("c-get", pacs, spool=str(tmp_path / "large disk")))
    told, _ = retrieve(haven, days("main", "2020-01-05", "2020-01-05"))
    assert told.spool == str(tmp_path / "large disk")
    assert len(list((tmp_path / "large disk" / "incoming").rglob("*.dcm"))) == 6
    again, _ = retrieve(haven, days("main", "2020-01-05", "2020-01-05"))
    assert again.instances["held"] == 6

"""Either side may be killed in the middle: it goes on, and nothing comes twice or half."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from imagehaven.acquire import retrieve_status
from imagehaven.acquire.retrieve.actions import Watching, retrieve_dicom
from imagehaven.haven import Haven
from receiving import eventually
from retrieving import (
    QUICK,
    arrived,
    command,
    days,
    declare,
    dimse,
    make,
    moving,
    retrieve,
    uid,
    web,
)
from servers import orthanc
from servers.ports import free_port

ALL = ("2020-01-01", "2020-01-05")
WORDS = ("retrieve", "main", "--from", ALL[0], "--to", ALL[1], "--json")


def drafts(haven: Haven) -> list[Path]:
    return list((haven.folder / "retrieved" / "main" / "drafts").iterdir())


@pytest.mark.parametrize("method", ["c-get", "c-move", "wado-rs"])
def test_a_killed_retriever_goes_on_and_fetches_nothing_again(
    haven: Haven, pacs: Any, method: str
) -> None:
    def how(**limits: Any) -> dict[str, Any]:
        wanted = {"limits": {**QUICK, **limits}}
        if method == "c-get":
            return dimse(pacs.server.dicom, **wanted)
        if method == "c-move":
            return moving(pacs.server.dicom, pacs.move_to, **wanted)
        return web(pacs.server.url, **wanted)

    # It rests between studies, so that it is at work when it is killed.
    declare(haven, main=how(studies_per_second=1))
    with command(haven, *WORDS) as process:
        eventually(lambda: len(arrived(haven, "main")) >= 8)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    (before,) = retrieve_status(haven).retrievals
    assert before["state"] == "running"
    assert before["studies"]["planned"] > 0
    assert before["studies"]["arrived"] > 0
    here = {path: path.stat().st_mtime_ns for path in arrived(haven, "main").values()}
    declare(haven, main=how())
    told, _ = retrieve(haven, days("main", *ALL))
    assert told.resumed
    assert told.retrieval == before["retrieval_id"]
    assert told.whole
    assert set(arrived(haven, "main")) == {uid(path) for path in pacs.made.paths}
    assert {path: path.stat().st_mtime_ns for path in here} == here
    rows = retrieve_status(haven, told.retrieval).studies
    assert all(row["held"] + row["fetched"] == row["listed"] for row in rows)
    assert len(list((haven.folder / "retrieved" / "main" / "incoming").rglob("*.dcm"))) == 48
    assert drafts(haven) == []


def test_an_interrupted_plan_is_not_asked_again(haven: Haven, pacs: Any) -> None:
    declare(haven, main=dimse(pacs.server.dicom))
    request = days("main", "2019-12-01", "2020-01-31")
    asked: list[str] = []

    def until(stop_at: int | None) -> Any:
        def bar(stage: str, done: int, _total: int | None) -> None:
            asked.append(stage)
            if done == stop_at and stage == "questions":
                raise KeyboardInterrupt

        return Watching(bar=bar)

    with pytest.raises(KeyboardInterrupt):
        retrieve_dicom(haven, request, progress=until(40))
    assert asked.count("questions") == 40
    assert retrieve_status(haven).retrievals[0]["state"] == "planning"
    told = retrieve_dicom(haven, request, progress=until(None))
    assert told.resumed
    assert asked.count("questions") == 62
    assert told.studies["arrived"] == 8


def test_a_plan_that_was_taken_apart_goes_on_with_its_parts(haven: Haven, tmp_path: Path) -> None:
    made = make(tmp_path / "files", {"20200101": 9}, series=1, instances=1)
    with orthanc.running(tmp_path / "pacs", LimitFindResults=3) as server:
        server.add(made.paths)
        declare(haven, main=dimse(server.dicom))
        request = days("main", "2020-01-01", "2020-01-01")
        for stop_at in range(1, 60, 4):

            def bar(stage: str, done: int, _total: int | None, stop_at: int = stop_at) -> None:
                if stage == "questions" and done == 4:
                    raise KeyboardInterrupt

            try:
                told = retrieve_dicom(haven, request, progress=Watching(bar=bar))
            except KeyboardInterrupt:
                continue
            break
    assert told.studies["arrived"] == 9


@pytest.mark.parametrize("method", ["c-get", "c-move", "wado-rs"])
def test_a_server_that_is_killed_in_the_middle_and_started_again_is_waited_for(
    haven: Haven, tmp_path: Path, method: str
) -> None:
    made = make(tmp_path / "files", {"20200101": 6}, side=128)
    port = free_port()
    with orthanc.running(tmp_path / "pacs", move_to=port) as server:
        server.add(made.paths)
        # It rests between studies, and what is left when the first has come takes seconds.
        slow = {**QUICK, "megabytes_per_second": 0.6, "studies_per_second": 3}
        wanted = {
            "c-get": dimse(server.dicom, limits=slow),
            "c-move": moving(server.dicom, port, limits=slow),
            "wado-rs": web(server.url, limits=slow),
        }
        declare(haven, main=wanted[method])
        told: list[Any] = []
        lines: list[str] = []
        watching = Watching(line=lines.append)

        def work() -> None:
            told.append(retrieve_dicom(haven, days("main", *ALL), progress=watching))

        thread = threading.Thread(target=work)
        thread.start()
        eventually(lambda: len(arrived(haven, "main")) >= 3)
        server.kill()
        before = len(arrived(haven, "main"))
        eventually(lambda: any("Pausing" in line for line in lines))
        server.start()
        thread.join()
    (result,) = told
    assert before < 36
    assert result.whole
    # What came before a study was broken off is here already when its turn comes again.
    assert result.instances["held"] + result.instances["fetched"] == 36
    assert set(arrived(haven, "main")) == {uid(path) for path in made.paths}
    assert drafts(haven) == []


def test_a_request_with_a_higher_priority_comes_first(haven: Haven, pacs: Any) -> None:
    declare(haven, main=dimse(pacs.server.dicom, limits={**QUICK, "studies_per_second": 2}))
    first = threading.Thread(target=retrieve, args=(haven, days("main", *ALL)))
    first.start()
    eventually(lambda: len(arrived(haven, "main")) >= 6)
    # Another request, while the first one's process has the source's turn.
    urgent, lines = retrieve(haven, days("main", "2020-01-05", "2020-01-05"), priority=5)
    assert urgent.studies["arrived"] == 1
    assert any("another process retrieves from it" in line for line in lines)
    assert retrieve_status(haven).retrievals[0]["studies"]["planned"] > 0
    first.join()
    assert retrieve_status(haven).retrievals[0]["state"] == "done"
    # What the urgent request fetched was not fetched for the other one.
    (row,) = [one for one in retrieve_status(haven, 1).studies if one["day"] == "20200105"]
    assert (row["held"], row["fetched"]) == (6, 0)

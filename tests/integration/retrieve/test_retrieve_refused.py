"""Refusals say who, why and what mends it; distress is waited out; secrets stay secret."""

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven
from retrieving import QUICK, arrived, command, days, declare, dimse, moving, retrieve, uid, web
from scripted_pacs import Scripted
from servers import dcmqrscp, orthanc
from servers.ports import free_port

DAY = ("2020-01-01", "2020-01-01")


@contextmanager
def before(server: Any, *answers: tuple[int, dict[str, str]]) -> Iterator[str]:
    """The URL of a front that gives these answers first, and then those of the PACS."""
    waiting = list(answers)

    class Front(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if waiting:
                status, headers = waiting.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = urllib.request.Request(f"http://127.0.0.1:{server.http}{self.path}")
            asked.add_header("Accept", self.headers["Accept"])
            with urllib.request.urlopen(asked) as answer:
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{front.server_port}/dicom-web"
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


def test_a_wrong_called_title_is_explained(haven: Haven, pacs: Any) -> None:
    declare(haven, main=dimse(pacs.server.dicom, "PACS2"))
    with pytest.raises(UserError, match="does not go by the AE title") as told:
        retrieve(haven, days("main", *DAY))
    assert f"main (PACS2 at 127.0.0.1:{pacs.server.dicom})" in str(told.value)
    assert "Correct title in pacs.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ((1, 1, 3), "does not know our AE title"),
        ((1, 1, 1), "gives no reason"),
        ((1, 3, 9), "result 1, source 3, reason 9"),
    ],
)
def test_a_rejection_for_good_ends_with_its_remedy(
    haven: Haven, codes: tuple[int, int, int], says: str
) -> None:
    with Scripted([("reject", codes)]) as server:
        declare(haven, main=dimse(server.port))
        with pytest.raises(UserError, match=says):
            retrieve(haven, days("main", *DAY))


def test_a_busy_source_is_waited_for(haven: Haven) -> None:
    busy = [("reject", (2, 3, 2)), ("reject", (2, 3, 1)), ("find", 0xA700), ("find", 0x0122)]
    with Scripted([*busy, ("find", 0)]) as server:
        declare(haven, main=dimse(server.port))
        told, lines = retrieve(haven, days("main", *DAY))
    assert told.whole
    said = " ".join(lines)
    assert "as many associations as it allows" in said
    assert "congested" in said
    assert "overloaded" in said
    assert server.left() == []


def test_a_source_without_patience_left_is_given_up_and_nothing_is_lost(haven: Haven) -> None:
    limits = {"pause": {"first": 0.05, "longest": 0.05, "patience": 0.4}}
    with Scripted([("reject", (2, 3, 2))] * 50) as server:
        declare(haven, main=dimse(server.port, limits=limits))
        with pytest.raises(TransientError, match=r"the same command, given again"):
            retrieve(haven, days("main", *DAY))
        assert 0 < len(server.left()) < 49


def test_nobody_listening_is_told_with_host_and_port(haven: Haven) -> None:
    port = free_port()
    declare(haven, main=dimse(port), web=web(f"http://127.0.0.1:{port}/dicom-web"))
    with pytest.raises(TransientError, match=rf"127.0.0.1:{port}.*no connection"):
        retrieve(haven, days("main", *DAY))
    with pytest.raises(TransientError, match=r"web .*no connection"):
        retrieve(haven, days("web", *DAY))


def test_a_port_that_speaks_no_dicom_is_told(haven: Haven, pacs: Any) -> None:
    declare(haven, main=dimse(pacs.server.http), web=web(f"http://127.0.0.1:{pacs.server.dicom}/"))
    with pytest.raises(TransientError, match="did not answer as DICOM does"):
        retrieve(haven, days("main", *DAY))
    with pytest.raises(TransientError, match=r"QIDO-RS"):
        retrieve(haven, days("web", *DAY))


def test_c_get_that_is_not_offered_is_told(haven: Haven, tmp_path: Path, files: Any) -> None:
    with dcmqrscp.running(tmp_path / "archive", "--disable-get") as archive:
        archive.add(files.paths)
        declare(haven, main=dimse(archive.port, dcmqrscp.TITLE))
        with pytest.raises(UserError, match=r"does not offer C-GET .* choose another `retrieve:`"):
            retrieve(haven, days("main", *DAY))


def test_a_destination_that_the_source_does_not_know_is_told(
    haven: Haven, tmp_path: Path, files: Any
) -> None:
    with dcmqrscp.running(tmp_path / "archive") as archive:
        archive.add(files.paths)
        how = moving(archive.port, free_port(), title=dcmqrscp.TITLE)
        how["destination"]["title"] = "ELSEWHERE"
        declare(haven, main=how)
        with pytest.raises(UserError, match="does not know where to send"):
            retrieve(haven, days("main", *DAY))


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_time_gets_it(haven: Haven, pacs: Any, status: int) -> None:
    with before(pacs.server, (status, {"Retry-After": "1"})) as url:
        declare(haven, main=web(url))
        told, lines = retrieve(haven, days("main", *DAY))
    assert told.studies["arrived"] == 3
    assert lines == [f"main (DICOMweb), QIDO-RS: HTTP {status}, it asks for time. Lower "
                     "associations and rates in pacs.yaml. Pausing for 1 s."]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "does not let us in"), (403, "right to query"), (302, "sends us elsewhere")],
)
def test_a_server_that_refuses_is_explained(
    haven: Haven, pacs: Any, status: int, says: str
) -> None:
    with before(pacs.server, (status, {"Location": "http://127.0.0.1:1/"})) as url:
        declare(haven, main=web(url))
        with pytest.raises(UserError, match=says):
            retrieve(haven, days("main", *DAY))


def test_a_password_lets_us_in_and_is_nowhere_written(
    haven: Haven, tmp_path: Path, files: Any
) -> None:
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"haven": "hunter2-of-a-test"}}
    with orthanc.running(tmp_path / "pacs") as server:
        server.add(files.paths)
        server.kill()
        server.configuration |= users
        server.start(allowed={401})
        wrong = tmp_path / "wrong"
        wrong.write_text("another")
        how = web(server.url, user="haven", password=f"file:{wrong}")
        declare(haven, main=how)
        with pytest.raises(UserError, match="does not let us in"):
            retrieve(haven, days("main", *DAY))
        declare(haven, main={**how, "password": "env:PASSWORD_OF_A_TEST"})
        words = ("retrieve", "main", "--from", DAY[0], "--to", DAY[1], "--json")
        with command(haven, *words, PASSWORD_OF_A_TEST="hunter2-of-a-test") as process:
            out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["studies"]["arrived"] == 2
    everything = [out.encode(), err.encode()]
    everything += [path.read_bytes() for path in haven.folder.rglob("*") if path.is_file()]
    for written in everything:
        assert b"hunter2" not in written
        assert b"aGF2ZW46" not in written  # "haven:" as Basic authentication writes it
    assert set(arrived(haven, "main")) == {uid(p) for p in files.paths if "20200101" in p.name}


def test_a_timeout_is_told_and_waited_out(haven: Haven, tmp_path: Path, files: Any) -> None:
    limits = {"timeout": 0.5, "attempts": 3, "pause": {"first": 0.2, "longest": 0.5}}
    with orthanc.running(tmp_path / "pacs") as server:
        server.add(files.paths)
        declare(haven, main=dimse(server.dicom, limits=limits))
        server.pause()
        timer = threading.Timer(1.0, server.go_on)
        timer.start()
        told, lines = retrieve(haven, days("main", *DAY))
        timer.join()
    assert told.whole
    assert any("Pausing" in line for line in lines)


def test_what_is_no_declared_source_is_told_with_the_choices(haven: Haven) -> None:
    with pytest.raises(UserError, match=r"pacs\.yaml is missing"):
        retrieve(haven, days("main", *DAY))
    declare(haven, main=dimse(104), other=dimse(104, limits=QUICK))
    with pytest.raises(UserError, match="Valid choices: main, other"):
        retrieve(haven, days("mian", *DAY))

"""The command `imagehaven receive`: what it prints, writes down, and leaves for ingest."""

import json
import signal
from pathlib import Path

from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from dicom_peer import CT, IMPLICIT, Peer
from imagehaven import catalogue
from imagehaven.cli.main import app, run
from imagehaven.haven import Haven
from receiving import dcmtk, process
from servers.ports import free_port
from web_peer import multipart, post

SOURCES = [str(get_testdata_file(name)) for name in ("CT_small.dcm", "MR_small.dcm")]


def test_it_stops_after_as_many_objects_and_says_what_came(haven: Haven) -> None:
    port = free_port()
    with process(haven.folder, port, "--stop-after-objects", "2") as receiver:
        sent = dcmtk("dcmsend", "-aec", "IMAGEHAVEN", "127.0.0.1", port, *SOURCES)
        assert sent.returncode == 0, sent.stderr
        answered, lines = receiver.communicate(timeout=60)
        assert receiver.returncode == 0
    told = json.loads(answered)
    assert (told["stored"], told["duplicates"], told["refused"]) == (2, 0, 0)
    assert told["associations"] == {"released": 1}
    assert len(lines.splitlines()) == 1
    report = catalogue.ingest(haven, [haven.folder / "spool" / "incoming"], workers=1)
    assert (report.found, report.catalogued) == (2, 2)


def test_sigterm_ends_it_in_order_and_ctrl_c_too(haven: Haven) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        port = free_port()
        with process(haven.folder, port) as receiver, Peer(port) as peer:
            peer.associate((CT, IMPLICIT))
            assert peer.store(1, CT, "1.2.3", b"data") == 0
            receiver.send_signal(number)
            assert peer.pdu()[0] == 7
            peer.socket.close()
            answered, _ = receiver.communicate(timeout=60)
            assert receiver.returncode == 0
            assert json.loads(answered)["associations"] == {"stopped": 1}


def test_start_end_and_each_association_are_in_the_trail_without_identifiers(haven: Haven) -> None:
    port = free_port()
    with process(haven.folder, port, "--stop-after-objects", "1") as receiver:
        assert dcmtk("echoscu", "-aec", "WRONG", "127.0.0.1", port).returncode == 1
        with Peer(port) as peer:
            peer.associate((CT, IMPLICIT))
            assert peer.store(1, CT, "1.2.3.99999", b"Canary^Patient") == 0
        answered, lines = receiver.communicate(timeout=60)
    rows = [row for row in haven.ledger.audit.rows() if row.event.startswith("receive")]
    assert [row.event for row in rows] == [
        "receive-start", "receive-association", "receive-association", "receive"
    ]  # fmt: skip
    assert haven.ledger.audit.verify().intact
    refused, stored = (json.loads(row.detail) for row in rows[1:3])
    assert (refused["outcome"], refused["stored"]) == ("rejected: called title", 0)
    assert (stored["calling"], stored["stored"], stored["bytes"] > 0) == ("TEST", 1, True)
    everything = answered + lines + "".join(row.inputs + row.detail for row in rows)
    for identifier in ("1.2.3.99999", "Canary"):
        assert identifier not in everything


def test_check_says_what_it_would_listen_on_and_touches_nothing(haven: Haven) -> None:
    port = free_port()
    words = ["-C", str(haven.folder), "receive", "--port", str(port), "--allow", "CT1@10.1.2.3"]
    done = CliRunner().invoke(app, [*words, "--check", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["ready"] is True
    assert told["listens"] == f"DICOM 0.0.0.0:{port}"
    assert told["allowed"] == ["CT1@10.1.2.3/32"]
    assert not (haven.folder / "spool").exists()
    assert not [row for row in haven.ledger.audit.rows() if row.event.startswith("receive")]


def test_check_fails_where_the_spool_cannot_be_made(haven: Haven, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    words = ["-C", str(haven.folder), "receive", "--port", str(free_port()), "--check", "--json"]
    done = CliRunner().invoke(app, [*words, "--spool", str(tmp_path / "file" / "spool")])
    assert done.exit_code == 1
    assert "cannot be written to" in json.loads(done.output)["problems"][0]


def test_both_doors_are_open_and_a_token_is_written_nowhere(haven: Haven, tmp_path: Path) -> None:
    token = "0123456789abcdef" * 4
    tokens = tmp_path / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text(f"ROUTER {token}\n")
    port, web = free_port(), free_port()
    words = ("--web-port", str(web), "--web-tokens", str(tokens), "--stop-after-objects", "2")
    with process(haven.folder, port, *words) as receiver:
        body = multipart(Path(SOURCES[0]).read_bytes())
        assert post(web, body).status == 401
        assert post(web, body, Authorization=f"Bearer {token}").status == 200
        sent = dcmtk("dcmsend", "-aec", "IMAGEHAVEN", "127.0.0.1", port, SOURCES[1])
        assert sent.returncode == 0, sent.stderr
        answered, lines = receiver.communicate(timeout=60)
    assert json.loads(answered)["associations"] == {"http 200": 1, "http 401": 1, "released": 1}
    rows = [row for row in haven.ledger.audit.rows() if row.event.startswith("receive")]
    assert len(rows) == 5
    assert json.loads(rows[-1].inputs)["options"]["web"]["tokens"] == ["ROUTER"]
    everything = answered + lines + "".join(row.inputs + row.detail for row in rows)
    assert token not in everything
    assert "ROUTER" in lines


def test_nothing_to_listen_on_is_a_mistake(haven: Haven) -> None:
    words = ["-C", str(haven.folder), "receive", "--json"]
    assert run(words) == 2
    assert run([*words, "--port", "1", "--web-allow", "10.0.0.0/8"]) == 2

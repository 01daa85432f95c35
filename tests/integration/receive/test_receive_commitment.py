"""Storage commitment says what the spool holds: on the same association, or on one of its own."""

import socket
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from commitment_peer import ACTION, CONTEXTS, MR, asked, item, request, respond, told
from dicom_peer import COMMITMENT, CT, EXPLICIT, IMPLICIT, Peer, results
from imagehaven.acquire.receive import server
from imagehaven.acquire.receive.titles import peers
from receiving import running
from servers.ports import free_port


def test_what_was_stored_is_committed_to(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        for number in range(3):
            assert peer.store(1, CT, f"1.2.{number}", b"data") == 0
        with asked(peer, *((CT, f"1.2.{number}") for number in range(3))) as report:
            assert told(report) == (1, {"1.2.0", "1.2.1", "1.2.2"}, {})
        assert peer.store(1, CT, "1.2.3", b"the association goes on") == 0
        peer.release()
        assert ours.outcomes(1) == ["released"]
        assert (ours.ended[0].committed, ours.ended[0].not_committed) == (3, 0)


def test_an_earlier_association_and_an_earlier_receiver_count(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        assert peer.store(1, CT, "1.2.1", b"data") == 0
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        with asked(peer, (CT, "1.2.1")) as report:
            assert told(report) == (1, {"1.2.1"}, {})


def test_what_is_not_there_damaged_or_of_another_class_is_not_committed_to(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        for uid in ("1.2.1", "1.2.2", "1.2.3", "1.2.4"):
            assert peer.store(1, CT, uid, b"data of " + uid.encode()) == 0
        places = {path.name.split("-")[0]: path for path in ours.objects()}
        damaged = places["1.2.2"].read_bytes()
        places["1.2.2"].write_bytes(damaged[:-1] + b"?")
        places["1.2.3"].unlink()
        wanted = ((CT, "1.2.1"), (CT, "1.2.2"), (CT, "1.2.3"), (MR, "1.2.4"), (CT, "1.2"))
        with asked(peer, *wanted) as report:
            missing, conflict = 0x0112, 0x0119
            reasons = {"1.2.2": missing, "1.2.3": missing, "1.2.4": conflict, "1.2": missing}
            assert told(report) == (2, {"1.2.1"}, reasons)


def test_a_peer_that_does_not_wait_is_called_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        address = f"TEST@127.0.0.1:{listening.getsockname()[1]}"
        with running(tmp_path / "spool", report_to=peers([address])) as ours:
            with Peer(ours.port) as peer:
                peer.associate(*CONTEXTS)
                assert peer.store(1, CT, "1.2.1", b"data") == 0
                peer.send(3, ACTION, request((CT, "1.2.1")))
                assert peer.message().command.Status == 0
                peer.release()
            connection, _ = listening.accept()
            with Peer(connection) as called:
                kind, body = called.pdu()
                assert kind == 1
                # The role that is asked for: no SCU, but SCP (PS3.7 D.3.3.4).
                assert COMMITMENT.encode() + b"\0\1" in body
                assert body[4:36] == b"TEST".ljust(16) + b"IMAGEHAVEN".ljust(16)
                called.socket.sendall(accepted(body))
                assert told(called.message()) == (1, {"1.2.1"}, {})
                respond(called, 1)
                assert called.pdu()[0] == 5
                called.socket.sendall(b"\x06\0\0\0\0\x04\0\0\0\0")
            assert sorted(ours.outcomes(2)) == ["released", "reported"]


def test_a_report_that_nobody_takes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_TRIES", (0.0, 0.0))
    nobody = f"TEST@127.0.0.1:{free_port()}"
    with running(tmp_path / "spool", report_to=peers([nobody])) as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        peer.send(3, ACTION, request((CT, "1.2.1")))
        assert peer.message().command.Status == 0
        peer.release()
        peer.socket.close()
        assert sorted(ours.outcomes(2)) == ["released", "report not delivered"]


def accepted(request: bytes) -> bytes:
    """An A-ASSOCIATE-AC that takes the first context in implicit VR little endian."""
    syntax = IMPLICIT.encode()
    item = b"\x40\0" + len(syntax).to_bytes(2) + syntax
    context = b"\x21\0" + (len(item) + 4).to_bytes(2) + b"\1\0\0\0" + item
    user = b"\x50\0\0\x08\x51\0\0\x04\0\0\x40\0"
    body = request[:68] + context + user
    return b"\x02\0" + len(body).to_bytes(4) + body


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, request()], ids=["none", "noise", "empty"])
def test_a_request_that_cannot_be_read_fails(content: bytes, tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate(*CONTEXTS)
        peer.send(3, ACTION, content or None)
        assert peer.message().command.Status == 0x0110
        peer.send(3, {**ACTION, "ActionTypeID": 2}, request((CT, "1.2.1")))
        assert peer.message().command.Status == 0x0123
        peer.release()


def test_a_report_is_written_in_the_syntax_agreed_on(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        deflated = "1.2.840.10008.1.2.1.99"
        _, body = peer.associate((COMMITMENT, EXPLICIT), (COMMITMENT, deflated))
        assert results(body) == [0, 4]
        explicit = BytesIO()
        asking = Dataset()
        asking.TransactionUID = "1.2.9999"
        asking.ReferencedSOPSequence = [item(CT, "1.2.1")]
        asking.save_as(explicit, implicit_vr=False, little_endian=True)
        peer.send(1, ACTION, explicit.getvalue())
        assert peer.message().command.Status == 0
        report = read_dataset(BytesIO(peer.message().dataset), False, True)
        assert report.FailedSOPSequence[0].FailureReason == 0x0112

"""Whatever dies or is sent, the spool holds whole objects, and all that were acknowledged."""

import hashlib
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from dicom_peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Peer,
    associate_request,
    encoded_command,
    results,
    store_request,
)
from imagehaven.acquire.receive.titles import allowed
from imagehaven.haven import Haven
from receiving import Running, data_set, dcmtk, eventually, process, quick, running, tool
from servers.ports import free_port

BODY = bytes(range(256)) * 400  # about 100 KB of what is no data set, and kept all the same


def test_a_sender_killed_in_the_middle_leaves_whole_objects_only(tmp_path: Path) -> None:
    source = str(get_testdata_file("CT_small.dcm"))
    with running(tmp_path / "spool") as ours:
        wanted = ["--repeat", "100000", "+II", "-aec", "IMAGEHAVEN", "127.0.0.1", str(ours.port)]
        sender = subprocess.Popen(
            [tool("storescu"), *wanted, source], env=quick(), stderr=subprocess.DEVNULL
        )
        eventually(lambda: len(ours.objects()) >= 20)
        sender.send_signal(signal.SIGKILL)
        sender.wait()
        assert ours.outcomes(1) == ["broken"]
        assert ours.drafts() == []
        for path in ours.objects():
            named = hashlib.sha256(EXPLICIT.encode() + b"\0" + data_set(path)).hexdigest()[:32]
            assert path.stem.split("-")[1] == named
        assert dcmtk("echoscu", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port).returncode == 0


def test_stopping_ends_a_busy_sender_between_two_objects(tmp_path: Path) -> None:
    source = str(get_testdata_file("CT_small.dcm"))
    with running(tmp_path / "spool") as ours:
        wanted = ["--repeat", "100000", "+II", "-aec", "IMAGEHAVEN", "127.0.0.1", str(ours.port)]
        sender = subprocess.Popen(
            [tool("storescu"), *wanted, source], env=quick(), stderr=subprocess.DEVNULL
        )
        eventually(lambda: len(ours.objects()) >= 20)
        ours.receiver.stop()
        assert sender.wait(60) != 0
        assert ours.outcomes(1) == ["stopped"]
        assert len(ours.objects()) == ours.ended[0].stored
        assert ours.drafts() == []


@pytest.mark.parametrize("sent", [0, 1, 5000, 99_999])
def test_an_object_broken_off_anywhere_leaves_nothing(sent: int, tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        with Peer(ours.port) as peer:
            peer.associate((CT, IMPLICIT))
            peer.send(1, store_request(CT, "1.2.3") | {"CommandDataSetType": 1}, None)
            part = BODY[:sent]
            if part:
                peer.fragments(1, part, 0, sent + 1)  # its "last" mark comes off below
        assert ours.outcomes(1)[0] in ("broken", "malformed")
        assert ours.drafts() == []


def test_an_abort_in_the_middle_of_an_object_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate((CT, IMPLICIT))
        peer.send(1, store_request(CT, "1.2.3") | {"CommandDataSetType": 1}, None)
        item = b"\0\0\x10\x02\x01\0" + bytes(4096)
        peer.socket.sendall(b"\x04\0\0\0\x10\x06" + item)
        eventually(lambda: len(ours.drafts()) == 1)
        peer.socket.sendall(b"\x07\0\0\0\0\x04\0\0\0\0")
        assert ours.outcomes(1) == ["aborted"]
        assert (ours.objects(), ours.drafts()) == ([], [])


def test_what_a_killed_receiver_acknowledged_is_there_whole(haven: Haven) -> None:
    port = free_port()
    acknowledged: list[str] = []

    def send() -> None:
        with Peer(port) as peer:
            peer.associate((CT, IMPLICIT))
            for number in range(100_000):
                try:
                    status = peer.store(1, CT, f"1.2.{number}", BODY + number.to_bytes(4))
                except OSError:
                    return
                assert status == 0
                acknowledged.append(f"1.2.{number}")

    spool = haven.folder / "spool"
    with process(haven.folder, port) as receiver:
        thread = threading.Thread(target=send)
        thread.start()
        eventually(lambda: len(acknowledged) >= 50)
        receiver.kill()
        thread.join()
    kept = {path.name.split("-")[0]: path for path in (spool / "incoming").rglob("*.dcm")}
    assert set(acknowledged) <= set(kept)
    for uid, path in kept.items():
        assert data_set(path) == BODY + int(uid.split(".")[2]).to_bytes(4)


def test_a_killed_receivers_drafts_go_at_the_next_start(haven: Haven) -> None:
    port, spool = free_port(), haven.folder / "spool"
    with process(haven.folder, port) as receiver, Peer(port) as peer:
        peer.associate((CT, IMPLICIT))
        peer.send(1, store_request(CT, "1.2.3") | {"CommandDataSetType": 1}, None)
        peer.socket.sendall(b"\x04\0\0\0\x10\x06" + b"\0\0\x10\x02\x01\0" + bytes(4096))
        eventually(lambda: any((spool / "drafts").iterdir()))
        receiver.kill()
        receiver.wait()
    assert any((spool / "drafts").iterdir())
    with running(spool) as ours:
        assert (ours.objects(), ours.drafts()) == ([], [])


def test_a_full_spool_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with running(tmp_path / "spool", spool_limit=250_000) as ours, Peer(ours.port) as peer:
        peer.associate((CT, IMPLICIT))
        assert [peer.store(1, CT, f"1.2.{n}", BODY) for n in range(4)] == [0, 0, 0xA700, 0xA700]
        assert sum(path.stat().st_size for path in ours.objects()) <= 250_000
        assert ours.drafts() == []
        for path in ours.objects():
            path.unlink()
        # Room is noticed within about a second.
        eventually(lambda: peer.store(1, CT, "1.2.9", BODY) == 0)
        peer.release()
        assert ours.outcomes(1) == ["released"]
        assert ours.ended[0].stored == 3
        assert ours.ended[0].refused >= 2


def test_a_disk_that_takes_no_more_refuses_and_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate((CT, IMPLICIT))
        with longest_file(50_000):
            assert peer.store(1, CT, "1.2.1", BODY) == 0xA700
            assert peer.store(1, CT, "1.2.2", BODY[:1000]) == 0
        assert peer.store(1, CT, "1.2.1", BODY) == 0
        assert len(ours.objects()) == 2
        assert ours.drafts() == []


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let this process write no longer file: a write beyond fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def conversation() -> bytes:
    """Association request, a stored object and a release, as one stream of bytes."""
    command = encoded_command(store_request(CT, "1.2.3") | {"CommandDataSetType": 1})
    told = associate_request(((CT, IMPLICIT), (VERIFICATION, IMPLICIT)))
    for control, content in ((3, command), (2, BODY[:3000])):
        item = (len(content) + 2).to_bytes(4) + bytes((1, control)) + content
        told += b"\x04\0" + len(item).to_bytes(4) + item
    return told + b"\x05\0\0\0\0\x04\0\0\0\0"


CONVERSATION = conversation()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One receiver for all examples: it has to survive them."""
    with running(tmp_path_factory.mktemp("steady") / "spool", silence=5.0) as ours:
        yield ours


def survives(steady: Running, told: bytes) -> None:
    before = len(steady.ended)
    with Peer(steady.port) as peer:
        try:
            peer.socket.sendall(told)
            peer.hang_up()
        except OSError:
            pass  # the receiver had heard enough
    eventually(lambda: len(steady.ended) > before)
    assert not [one for one in steady.ended if one.outcome.startswith("failed")]
    assert steady.drafts() == []
    with Peer(steady.port) as peer:
        assert results(peer.associate((VERIFICATION, IMPLICIT))[1]) == [0]
        peer.release()


def test_the_conversation_that_is_broken_below_is_a_good_one(steady: Running) -> None:
    survives(steady, CONVERSATION)
    assert steady.ended[0].stored == 1
    assert steady.ended[0].outcome == "released"


EXAMPLES = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(told=st.binary(max_size=400))
def test_garbage_does_it_no_harm(steady: Running, told: bytes) -> None:
    survives(steady, told)


@EXAMPLES
@given(kind=st.integers(0, 10), length=st.integers(0, 2**32 - 1), body=st.binary(max_size=60))
def test_pdus_that_lie_about_their_length_do_it_no_harm(
    steady: Running, kind: int, length: int, body: bytes
) -> None:
    survives(steady, bytes((kind, 0)) + length.to_bytes(4) + body)


@EXAMPLES
@given(end=st.integers(0, len(CONVERSATION)))
def test_a_conversation_that_ends_anywhere_does_it_no_harm(steady: Running, end: int) -> None:
    survives(steady, CONVERSATION[:end])


@EXAMPLES
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(CONVERSATION) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    )
)
def test_changed_bytes_do_it_no_harm(steady: Running, changes: list[tuple[int, int]]) -> None:
    told = bytearray(CONVERSATION)
    for position, value in changes:
        told[position] = value
    survives(steady, bytes(told))


def test_a_large_object_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    block = bytes(100_000)
    item = (len(block) + 2).to_bytes(4) + b"\1\0" + block
    data = b"\x04\0" + len(item).to_bytes(4) + item
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        peer.associate((CT, IMPLICIT))
        assert peer.store(1, CT, "1.2.1", block) == 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peer.send(1, store_request(CT, "1.2.2") | {"CommandDataSetType": 1}, None)
        for _ in range(1000):
            peer.socket.sendall(data)
        peer.fragments(1, b"end", 0, 100)
        assert peer.message().command.Status == 0
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert max(path.stat().st_size for path in ours.objects()) > 100_000_000
    assert grown < 10_000, "kilobytes"


def test_many_associations_leave_no_threads_and_no_descriptors(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    with running(tmp_path / "spool", allow=allowed(["TEST"])) as ours:

        def once(number: int) -> None:
            with Peer(ours.port) as peer:
                peer.associate((CT, IMPLICIT), calling="TEST" if number % 3 else "OTHER")
                if number % 3:
                    assert peer.store(1, CT, f"1.2.{number}", BODY[:100]) == 0
                if number % 3 == 2:
                    peer.release()

        once(1)
        eventually(lambda: len(ours.ended) == 1)
        threads, before = len(threading.enumerate()), descriptors()
        for number in range(200):
            once(number)
        eventually(lambda: len(ours.ended) == 201)
        # The threads that wait for the disk are made on demand, at most eight.
        eventually(lambda: len(threading.enumerate()) <= threads + 8)
        eventually(lambda: descriptors() <= before)
    assert set(threading.enumerate()) <= others


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))

"""Who may come in, what they hear when they may not, and TLS."""

import ssl
import subprocess
from pathlib import Path

import pytest

from dicom_peer import CT, IMPLICIT, VERIFICATION, Peer, associate_request, results
from imagehaven.acquire.receive.options import Options, Secured, examine
from imagehaven.acquire.receive.titles import allowed
from imagehaven.errors import TransientError, UserError
from receiving import dcmtk, eventually, running


def test_an_echo_is_answered(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        done = dcmtk("echoscu", "-v", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port)
        assert "Echo Response (Success)" in done.stdout + done.stderr
        assert ours.outcomes(1) == ["released"]
        assert ours.ended[0].echoes == 1


def test_another_called_title_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        done = dcmtk("echoscu", "-aec", "SOMEBODY", "127.0.0.1", ours.port)
        assert "Called AE Title Not Recognized" in done.stdout + done.stderr
        assert ours.outcomes(1) == ["rejected: called title"]


@pytest.mark.parametrize(
    "entry", ["CT1", "CT1@127.0.0.1", "CT1@127.0.0.0/8", "CT1@localhost", "*@127.0.0.1"]
)
def test_a_title_on_the_list_comes_in(entry: str, tmp_path: Path) -> None:
    with running(tmp_path / "spool", allow=allowed([entry])) as ours:
        asked = ("-aet", "CT1", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port)
        assert dcmtk("echoscu", *asked).returncode == 0


@pytest.mark.parametrize("entry", ["CT2", "ct1", "CT1@10.1.2.3", "*@10.0.0.0/8"])
def test_a_title_or_host_off_the_list_is_refused(entry: str, tmp_path: Path) -> None:
    with running(tmp_path / "spool", allow=allowed([entry])) as ours:
        asked = ("-aet", "CT1", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port)
        done = dcmtk("echoscu", *asked)
        assert "Calling AE Title Not Recognized" in done.stdout + done.stderr
        assert ours.outcomes(1) == ["rejected: calling title"]


def test_one_association_too_many_is_turned_away_and_the_next_is_not(tmp_path: Path) -> None:
    with running(tmp_path / "spool", max_associations=1) as ours:
        with Peer(ours.port) as first, Peer(ours.port) as second:
            assert first.associate((VERIFICATION, IMPLICIT))[0] == 2
            kind, body = second.associate((VERIFICATION, IMPLICIT))
            # Transient, by the presentation provider, local limit exceeded (PS3.8 table 9-21).
            assert (kind, body) == (3, bytes((0, 2, 3, 2)))
            first.release()
        eventually(lambda: len(ours.ended) == 2)
        with Peer(ours.port) as third:
            assert third.associate((VERIFICATION, IMPLICIT))[0] == 2


def test_another_application_context_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        request = associate_request(((CT, IMPLICIT),))
        peer.socket.sendall(request.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.9"))
        assert peer.pdu() == (3, bytes((0, 1, 1, 2)))


def test_stopping_aborts_the_idle_and_turns_the_lock_over(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        assert results(peer.associate((CT, IMPLICIT))[1]) == [0]
        with pytest.raises(TransientError, match="Another receiver"), running(tmp_path / "spool"):
            pass
        ours.receiver.stop()
        assert peer.pdu() == (7, bytes(4))
        peer.socket.close()
        assert ours.outcomes(1) == ["stopped"]
    with running(tmp_path / "spool"):
        pass


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server and a client that it signed, and a stranger."""
    place = tmp_path_factory.mktemp("papers")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    for who in ("authority", "stranger"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", f"/CN={who}", "-keyout", f"{who}.key", "-out", f"{who}.pem")  # fmt: skip
    for who in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={who}", "-keyout",
                f"{who}.key", "-out", f"{who}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "authority.pem", "-CAkey",
                "authority.key", "-CAcreateserial", "-days", "2", "-out", f"{who}.pem")  # fmt: skip
    return place


def echo_tls(port: int, papers: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return dcmtk("echoscu", *words, "-aec", "IMAGEHAVEN", "127.0.0.1", port)


def test_tls_carries_an_association(papers: Path, tmp_path: Path) -> None:
    secured = Secured(papers / "server.pem", papers / "server.key")
    with running(tmp_path / "spool", tls=secured) as ours:
        trusting = ("+tla", "+cf", papers / "authority.pem")
        done = echo_tls(ours.port, papers, *trusting)
        assert done.returncode == 0, done.stderr
        distrusting = ("+tla", "+cf", papers / "stranger.pem")
        assert echo_tls(ours.port, papers, *distrusting).returncode != 0
        assert ours.outcomes(2) == ["released", "tls refused"]


def test_a_client_needs_a_certificate_that_the_authority_signed(
    papers: Path, tmp_path: Path
) -> None:
    secured = Secured(papers / "server.pem", papers / "server.key", papers / "authority.pem")
    with running(tmp_path / "spool", tls=secured) as ours:
        trust = ("+cf", papers / "authority.pem")
        known = ("+tls", papers / "client.key", papers / "client.pem", *trust)
        assert echo_tls(ours.port, papers, *known).returncode == 0
        unknown = ("+tls", papers / "stranger.key", papers / "stranger.pem", *trust)
        assert echo_tls(ours.port, papers, *unknown).returncode != 0
        assert echo_tls(ours.port, papers, "+tla", *trust).returncode != 0
        assert ours.outcomes(3) == ["released", "tls refused", "tls refused"]


def test_plain_talk_to_a_tls_port_and_old_tls_are_refused(papers: Path, tmp_path: Path) -> None:
    secured = Secured(papers / "server.pem", papers / "server.key")
    assert secured.context().minimum_version == ssl.TLSVersion.TLSv1_2
    with running(tmp_path / "spool", tls=secured) as ours:
        assert dcmtk("echoscu", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port).returncode != 0
        assert ours.outcomes(1) == ["tls refused"]


def test_a_key_of_another_certificate_is_told_before_and_at_the_start(
    papers: Path, tmp_path: Path
) -> None:
    wrong = Secured(papers / "server.pem", papers / "client.key")
    prospect = examine(Options(port=0, spool=tmp_path / "spool", host="127.0.0.1", tls=wrong))
    assert not prospect.ready
    assert not (tmp_path / "spool").exists()
    with pytest.raises(UserError, match="TLS cannot be set up"), running(tmp_path / "s", tls=wrong):
        pass


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        taken = examine(Options(port=ours.port, spool=tmp_path / "b", host="127.0.0.1"))
        assert [problem.split(" at ")[0] for problem in taken.problems] == [f"Port {ours.port}"]

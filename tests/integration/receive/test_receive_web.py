"""STOW-RS: what is posted lies in the same spool as it was sent, or the client hears why not."""

import io
import subprocess
import time
from pathlib import Path

import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from pydicom.data import get_testdata_file

from imagehaven.acquire.receive.options import Options, Secured, Web
from imagehaven.acquire.receive.web.callers import callers
from imagehaven.errors import UserError
from receiving import data_set, dcmtk, running
from web_peer import MEDIA, answer, chunked, connect, contents, head, multipart, post

REFERENCED, FAILED, OTHERS = "00081199", "00081198", "0008119A"
INSTANCE, REASON = "00081155", "00081197"
NAMES = [
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm",
    "JPEG2000.dcm", "MR_small_RLE.dcm", "test-SR.dcm", "waveform_ecg.dcm",
]  # fmt: skip


def source(name: str) -> Path:
    return Path(str(get_testdata_file(name)))


FILES = [source(name) for name in NAMES]
CT, MR = contents(*FILES[:2])
STUDY = str(pydicom.dcmread(FILES[0]).StudyInstanceUID)
WEB = Web(0)


def test_files_lie_in_the_spool_as_they_were_posted(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        heard = post(ours.web, multipart(*contents(*FILES)))
        assert heard.status == 200, heard.body
        assert heard.headers["content-type"] == "application/dicom+json"
        stored = {item[INSTANCE] for item in heard.items(REFERENCED)}
        assert stored == {str(pydicom.dcmread(file).SOPInstanceUID) for file in FILES}
        assert heard.told["00081190"] == {"vr": "UR"}
        assert {path.read_bytes() for path in ours.objects()} == set(contents(*FILES))
        assert ours.drafts() == []
        assert ours.outcomes(1) == ["http 200"]
        assert (ours.ended[0].stored, ours.ended[0].called) == (len(FILES), "STOW-RS")


def test_a_client_by_others_stores_and_reads_the_answer(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        client = DICOMwebClient(f"http://127.0.0.1:{ours.web}")
        sent = [pydicom.dcmread(file) for file in FILES[:3]]
        heard = client.store_instances(sent)
        assert len(heard.ReferencedSOPSequence) == 3
        assert "FailedSOPSequence" not in heard
        heard = client.store_instances(sent[:1], study_instance_uid=STUDY)
        assert len(heard.ReferencedSOPSequence) == 1
        assert ours.outcomes(2) == ["http 200", "http 200"]
        assert [one.stored for one in ours.ended] == [3, 0]
        assert ours.ended[1].duplicates == 1


def test_the_same_object_by_either_door_is_one_file(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        assert post(ours.web, multipart(CT, CT)).status == 200
        assert ours.outcomes(1) == ["http 200"]
        assert (ours.ended[0].stored, ours.ended[0].duplicates) == (1, 1)
        # What DCMTK sends of it is another encoding, so that it is sent back as it was received.
        wanted = ("--decompress-never", "-aec", "IMAGEHAVEN", "127.0.0.1", ours.port)
        assert dcmtk("dcmsend", *wanted, FILES[0]).returncode == 0
        (received,) = [path for path in ours.objects() if path.read_bytes() != CT]
        before = len(ours.objects())
        assert post(ours.web, multipart(received.read_bytes())).status == 200
        assert ours.outcomes(3) == ["http 200", "released", "http 200"]
        assert ours.ended[-1].duplicates == 1
        assert len(ours.objects()) == before


def test_bodies_in_chunks_and_after_100_continue_are_taken(tmp_path: Path) -> None:
    body = multipart(CT, MR)
    with running(tmp_path / "spool", web=WEB) as ours, connect(ours.web) as connection:
        for size in (1000, 7, len(body)):
            connection.sendall(head(None, Transfer_Encoding="chunked") + chunked(body, size))
            assert answer(connection).status == 200
        connection.sendall(head(len(body), Expect="100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert answer(connection).status == 200
        assert len(ours.objects()) == 2


def test_only_instances_of_the_study_named_are_stored(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        heard = post(ours.web, multipart(CT, MR), f"/studies/{STUDY}")
        assert heard.status == 202
        assert [item[REASON] for item in heard.items(FAILED)] == [0x0110]
        assert len(heard.items(REFERENCED)) == len(ours.objects()) == 1
        assert post(ours.web, multipart(MR), f"/studies/{STUDY}").status == 409
        assert ours.drafts() == []


def test_parts_that_are_no_dicom_are_told_apart(tmp_path: Path) -> None:
    no_length = CT[:132] + CT[144:]
    bad = (b"", b"no image", no_length, CT[:200], b"\0" * 500)
    with running(tmp_path / "spool", web=WEB) as ours:
        heard = post(ours.web, multipart(CT, *bad))
        assert heard.status == 202
        assert [item[REASON] for item in heard.items(OTHERS)] == [0xC000] * len(bad)
        assert post(ours.web, multipart(CT, kind="image/jpeg")).status == 409
        assert len(ours.objects()) == 1
        assert ours.drafts() == []
        assert ours.outcomes(2) == ["http 202", "http 409"]
        assert ours.ended[0].refused == len(bad)


def test_a_full_spool_refuses_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB, spool_limit=len(CT) + 1000) as ours:
        heard = post(ours.web, multipart(CT, MR))
        assert heard.status == 202
        assert [item[REASON] for item in heard.items(FAILED)] == [0xA700]
        assert post(ours.web, multipart(MR)).status == 409
        assert ours.drafts() == []


REFUSED = {
    "another media type": (415, {"Content_Type": "application/dicom"}),
    "metadata alone": (415, {"Content_Type": MEDIA.replace("dicom", "dicom+json")}),
    "no boundary": (400, {"Content_Type": 'multipart/related; type="application/dicom"'}),
    "a boundary that is none": (400, {"Content_Type": "multipart/related; boundary=a]b"}),
    "compressed": (415, {"Content_Encoding": "gzip"}),
    "wants XML": (406, {"Accept": "application/dicom+xml"}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_understood_is_refused(why: str, tmp_path: Path) -> None:
    status, fields = REFUSED[why]
    with running(tmp_path / "spool", web=WEB) as ours:
        assert post(ours.web, multipart(CT), **fields).status == status
        assert (ours.objects(), ours.drafts()) == ([], [])


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/studies", 405), ("DELETE", f"/studies/{STUDY}", 405), ("POST", "/", 404),
        ("POST", "/studies/../../etc", 404), ("POST", "/studies/1.2/series", 404),
    ],
)  # fmt: skip
def test_other_resources_are_not_there(
    method: str, target: str, status: int, tmp_path: Path
) -> None:
    with running(tmp_path / "spool", web=WEB) as ours, connect(ours.web) as connection:
        connection.sendall(head(0, target, method))
        assert answer(connection).status == status


BODY = multipart(CT, MR)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no multipart", BODY[:-9], BODY.replace(b"\r\n", b"\n"), b"--cut--\r\n",
        BODY.replace(b"Content-Type", b"Content Type"), BODY + b"x" * 100_000,
    ],
    ids=["empty", "text", "cut", "LF", "no part", "field", "epilogue"],
)  # fmt: skip
def test_a_malformed_body_leaves_nothing(body: bytes, tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        assert post(ours.web, body).status == 400
        assert (ours.objects(), ours.drafts()) == ([], [])
        assert post(ours.web, multipart(CT)).status == 200


@pytest.mark.parametrize("sent", [0, 10, len(CT) // 2, len(CT) + 500, len(BODY) - 1])
def test_a_body_that_breaks_off_leaves_nothing(sent: int, tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        with connect(ours.web) as connection:
            connection.sendall(head(len(BODY)) + BODY[:sent])
        assert ours.outcomes(1) == ["broken"]
        assert (ours.objects(), ours.drafts()) == ([], [])


@pytest.mark.parametrize(
    "said",
    [
        b"\0\1\2\3\r\n\r\n", b"POST /studies\r\n\r\n", b"POST /studies HTTP/1.1\r\n\r\n",
        b"POST /studies HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"POST /studies HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
        head(None, Transfer_Encoding="chunked") + b"what\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_does_no_harm(said: bytes, tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        with connect(ours.web) as connection:
            connection.sendall(said)
            assert 400 <= answer(connection).status < 500
        assert not ours.outcomes(1)[0].startswith("failed")
        assert post(ours.web, multipart(CT)).status == 200


def test_limits_hold_for_bodies_and_parts(tmp_path: Path) -> None:
    with running(tmp_path / "a", web=Web(0, longest=len(CT) // 2)) as ours:
        assert post(ours.web, multipart(CT)).status == 413
        with connect(ours.web) as connection:
            body = chunked(multipart(CT), 500)
            connection.sendall(head(None, Transfer_Encoding="chunked") + body)
            assert answer(connection).status == 413
        assert (ours.objects(), ours.drafts()) == ([], [])
    with running(tmp_path / "b", web=Web(0, most_parts=1)) as ours:
        assert post(ours.web, BODY).status == 413
        assert (ours.objects(), ours.drafts()) == ([], [])


def test_a_sender_that_stops_in_the_middle_is_let_go(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB, silence=0.3) as ours:
        with connect(ours.web) as connection:
            connection.sendall(head(len(BODY)) + BODY[:2000])
            assert ours.outcomes(1) == ["broken"]
        assert (ours.objects(), ours.drafts()) == ([], [])


def test_a_sender_that_drips_is_let_go_though_it_is_never_silent(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB, silence=0.5) as ours:
        with connect(ours.web) as connection:
            connection.sendall(head(len(BODY)))
            for start in range(len(BODY)):
                try:
                    connection.sendall(BODY[start : start + 1])
                except OSError:
                    break
                if ours.ended:
                    break
                time.sleep(0.05)
        assert ours.outcomes(1) == ["broken"]
        assert (ours.objects(), ours.drafts()) == ([], [])


def test_one_too_many_is_asked_to_come_again(tmp_path: Path) -> None:
    with (
        running(tmp_path / "spool", web=WEB, max_associations=1) as ours,
        connect(ours.web) as first,
    ):
        first.sendall(head(len(BODY)) + BODY[:1000])
        heard = post(ours.web, BODY)
        assert (heard.status, heard.headers["retry-after"]) == (503, "10")
        first.sendall(BODY[1000:])
        assert answer(first).status == 200


def test_stopping_ends_the_request_at_hand_and_takes_no_other(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours, connect(ours.web) as connection:
        connection.sendall(head(len(BODY)) + BODY[:1000])
        while not ours.drafts():
            time.sleep(0.02)
        ours.receiver.stop()
        connection.sendall(BODY[1000:])
        assert answer(connection).status == 200
        assert connection.recv(1) == b""
        assert len(ours.objects()) == 2


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    import resource

    block = bytes(2**20)
    with running(tmp_path / "spool", web=WEB) as ours:
        assert post(ours.web, multipart(CT)).status == 200
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin, end = multipart(CT)[: -len(b"\r\n--cut--\r\n")], b"\r\n--cut--\r\n"
        with connect(ours.web) as connection:
            connection.sendall(head(len(begin) + 100 * len(block) + len(end)) + begin)
            for _ in range(100):
                connection.sendall(block)
            connection.sendall(end)
            assert answer(connection).status == 200
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert max(path.stat().st_size for path in ours.objects()) > 100_000_000
    assert grown < 10_000, "kilobytes"


TOKEN = "0123456789abcdef" * 4


def tokens(tmp_path: Path) -> Path:
    place = tmp_path / "tokens"
    place.touch(mode=0o600)
    place.write_text(f"# who may post\n\nROUTER {TOKEN}\nOTHER {TOKEN[::-1]}\n")
    return place


def test_a_token_opens_and_is_written_nowhere(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=Web(0, callers((), tokens(tmp_path)))) as ours:
        refused = {
            "none": "", "wrong": f"Bearer {TOKEN[:-1]}0", "basic": f"Basic {TOKEN}",
            "empty": "Bearer ", "cut": f"Bearer {TOKEN[:-1]}",
        }  # fmt: skip
        for header in refused.values():
            heard = post(ours.web, multipart(CT), Authorization=header)
            assert (heard.status, heard.headers["www-authenticate"]) == (401, "Bearer")
        assert ours.objects() == []
        assert post(ours.web, multipart(CT), Authorization=f"Bearer {TOKEN}").status == 200
        assert ours.outcomes(6) == ["http 401"] * 5 + ["http 200"]
        assert [one.calling for one in ours.ended] == [""] * 5 + ["ROUTER"]
        everything = "".join(str(one.summary()) for one in ours.ended) + repr(ours.receiver.options)
        assert TOKEN not in everything


@pytest.mark.parametrize(
    "content", ["", "ROUTER short", f"ROUTER {TOKEN}\nROUTER {TOKEN}", TOKEN, "caf\u00e9 " + TOKEN]
)
def test_a_file_that_holds_no_tokens_is_refused_without_its_content(
    content: str, tmp_path: Path
) -> None:
    place = tmp_path / "tokens"
    place.touch(mode=0o600)
    place.write_text(content)
    with pytest.raises(UserError) as refused:
        callers((), place)
    assert TOKEN not in str(refused.value)


def test_a_file_of_tokens_that_others_may_read_is_refused(tmp_path: Path) -> None:
    place = tokens(tmp_path)
    place.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        callers((), place)


def test_tokens_do_not_cross_a_network_in_clear(tmp_path: Path) -> None:
    web = Web(0, callers(["10.0.0.0/8"], tokens(tmp_path)))
    with pytest.raises(UserError, match="--tls-cert"):
        Options(port=None, spool=tmp_path / "spool", web=web).ports()


def test_a_machine_off_the_list_may_not_post(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=Web(0, callers(["10.0.0.0/8"], None))) as ours:
        assert post(ours.web, multipart(CT)).status == 403
        assert (ours.objects(), ours.outcomes(1)) == ([], ["http 403"])


def test_tls_and_client_certificates_guard_the_web_port_too(tmp_path: Path) -> None:
    import ssl

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    for who in ("server", "client"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                f"/CN={who}", "-addext", f"subjectAltName=DNS:{who}", "-keyout", f"{who}.key",
                "-out", f"{who}.pem")  # fmt: skip
    secured = Secured(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "client.pem")
    with running(tmp_path / "spool", web=WEB, tls=secured) as ours:
        stranger = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
        with pytest.raises(OSError):
            post(ours.web, multipart(CT), tls=stranger)
        known = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
        known.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        assert post(ours.web, multipart(CT), tls=known).status == 200
        assert ours.outcomes(2) == ["tls refused", "http 200"]
        assert ours.ended[1].calling == "client"


def test_what_was_posted_is_what_a_reader_reads(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=WEB) as ours:
        assert post(ours.web, multipart(CT)).status == 200
        (kept,) = ours.objects()
        assert data_set(kept) == data_set(FILES[0])
        assert pydicom.dcmread(io.BytesIO(kept.read_bytes())) == pydicom.dcmread(FILES[0])

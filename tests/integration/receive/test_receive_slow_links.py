"""Over a bad network objects come whole or not at all, and whoever sends again is done in time."""

from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from imagehaven.acquire.receive.options import Web
from receiving import data_set, dcmtk, running
from slow_link import Link, slow_link
from web_peer import multipart, post

CT = Path(str(get_testdata_file("CT_small.dcm")))
MR = Path(str(get_testdata_file("MR_small.dcm")))
BOTH = {data_set(CT), data_set(MR)}


def send(port: int, *files: Path) -> int:
    wanted = ("--decompress-never", "-aec", "IMAGEHAVEN", "127.0.0.1", port)
    return dcmtk("dcmsend", *wanted, *files).returncode


@pytest.mark.parametrize(
    "link",
    [Link(delay=0.05), Link(delay=0.001, piece=500), Link(delay=0.01, piece=1460)],
    ids=["delayed", "in crumbs", "throttled"],
)
def test_a_slow_link_carries_everything(link: Link, tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=Web(0)) as ours:
        with slow_link(ours.port, link):
            assert send(link.port, CT, MR) == 0
        # DCMTK writes group lengths and padding its own way: the bytes are compared without them.
        assert {path.stat().st_size > 9000 for path in ours.objects()} == {True}
        assert len(ours.objects()) == 2
        with slow_link(ours.web, link):
            assert post(link.port, multipart(CT.read_bytes(), MR.read_bytes())).status == 200
        assert {data_set(path) for path in ours.objects()} >= BOTH
        assert ours.outcomes(2) == ["released", "http 200"]


@pytest.mark.parametrize("after", [10, 300, 5000, 30_000])
def test_a_link_that_is_cut_leaves_whole_objects_and_sending_again_brings_the_rest(
    after: int, tmp_path: Path
) -> None:
    with running(tmp_path / "spool", web=Web(0)) as ours:
        with slow_link(ours.port, Link(cut_after=after, piece=min(after // 2, 250))) as link:
            assert send(link.port, CT, MR) != 0
        assert ours.outcomes(1)[0] in ("broken", "no-request")
        assert ours.drafts() == []
        before = len(ours.objects())
        assert send(ours.port, CT, MR) == 0
        assert len(ours.objects()) == 2
        assert ours.outcomes(2)[1] == "released"
        assert ours.ended[-1].duplicates == before


@pytest.mark.parametrize("after", [10, 300, 5000, 39_000])
def test_a_request_that_is_cut_leaves_nothing(after: int, tmp_path: Path) -> None:
    body = multipart(CT.read_bytes(), MR.read_bytes())
    with running(tmp_path / "spool", web=Web(0)) as ours:
        with (
            slow_link(ours.web, Link(cut_after=after, piece=min(after // 2, 250))) as link,
            pytest.raises(OSError),
        ):
            post(link.port, body)
        # Cut within its head, it was no request yet.
        assert ours.outcomes(1) == ["no-request" if after == 10 else "broken"]
        assert (ours.objects(), ours.drafts()) == ([], [])
        assert post(ours.web, body).status == 200
        assert {data_set(path) for path in ours.objects()} == BOTH


def test_a_fast_sender_is_not_held_up_by_slow_ones(tmp_path: Path) -> None:
    with running(tmp_path / "spool", web=Web(0)) as ours:
        crawling = Link(delay=0.2, piece=2000)
        with slow_link(ours.web, crawling):
            import threading

            slow = threading.Thread(
                target=post, args=(crawling.port, multipart(CT.read_bytes(), MR.read_bytes()))
            )
            slow.start()
            assert send(ours.port, MR) == 0
            assert ours.outcomes(1) == ["released"], "while the other one still sends"
            slow.join()
        assert ours.outcomes(2)[1] == "http 200"

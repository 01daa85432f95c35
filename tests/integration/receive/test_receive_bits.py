"""What arrives is what was sent: bit by bit, once, under a name that follows from it."""

import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

import dicom_peer
from dicom_peer import CT, EXPLICIT, IMPLICIT, Peer
from receiving import data_set, dcmtk, eventually, quick, running, tool
from servers.ports import free_port

#: One file for each transfer syntax: native, deflated, RLE and the JPEG families.
SENT = [
    "CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm",
    "image_dfl.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "JPEG-LL.dcm", "JPGExtended.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm", "waveform_ecg.dcm", "rtplan.dcm",
    "test-SR.dcm", "SC_rgb_rle.dcm",
]  # fmt: skip


def source(name: str) -> Path:
    found = get_testdata_file(name)
    assert isinstance(found, str)
    return Path(found)


def send(port: int, *files: Path, sender: str = "DCMSEND") -> subprocess.CompletedProcess[str]:
    wanted = ("--decompress-never", "-aet", sender, "-aec", "IMAGEHAVEN", "127.0.0.1", port)
    return dcmtk("dcmsend", *wanted, *files)


@pytest.mark.parametrize("name", SENT)
def test_the_data_set_is_what_dcmtk_keeps_bit_by_bit(name: str, tmp_path: Path) -> None:
    theirs, port = tmp_path / "theirs", free_port()
    theirs.mkdir()
    command = [tool("storescp"), "+B", "+xa", "-od", str(theirs), str(port)]
    reference = subprocess.Popen(command, env=quick(), stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: dcmtk("echoscu", "127.0.0.1", port).returncode == 0)
        done = send(port, source(name))
        assert done.returncode == 0, done.stderr
    finally:
        reference.terminate()
        reference.wait()
    with running(tmp_path / "spool") as ours:
        done = send(ours.port, source(name))
        assert done.returncode == 0, done.stderr
        (kept,) = ours.objects()
        (expected,) = theirs.iterdir()
        assert data_set(kept) == data_set(expected)
        mine, other = pydicom.dcmread(kept).file_meta, pydicom.dcmread(expected).file_meta
        assert mine.TransferSyntaxUID == other.TransferSyntaxUID
        assert mine.MediaStorageSOPClassUID == other.MediaStorageSOPClassUID
        assert mine.MediaStorageSOPInstanceUID == other.MediaStorageSOPInstanceUID


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "MR_small_RLE.dcm", "CT_small.dcm"])
def test_pixels_are_those_of_the_file_sent(name: str, tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        assert send(ours.port, source(name)).returncode == 0
        (kept,) = ours.objects()
    assert pydicom.dcmread(kept).PixelData == pydicom.dcmread(source(name)).PixelData


def test_bytes_that_no_toolkit_would_write_are_kept(tmp_path: Path) -> None:
    # An odd length, elements out of order, and bytes behind the last one.
    odd = b"\x08\x00\x18\x00\x03\x00\x00\x001.2" + b"\x08\x00\x05\x00\x00\x00\x00\x00" + b"\xff" * 7
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        assert peer.associate((CT, IMPLICIT))[0] == 2
        assert peer.store(1, CT, "1.2", odd) == 0
        (kept,) = ours.objects()
        assert data_set(kept) == odd


def test_file_meta_says_who_sent_and_what_was_agreed(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        assert send(ours.port, source("CT_small.dcm"), sender="SCANNER 7").returncode == 0
        (kept,) = ours.objects()
        assert dcmtk("dcmftest", kept).stdout.startswith("yes")
        meta = pydicom.dcmread(kept).file_meta
    assert meta.SourceApplicationEntityTitle == "SCANNER 7"
    assert meta.TransferSyntaxUID == EXPLICIT
    assert meta.MediaStorageSOPClassUID == CT
    assert meta.ImplementationVersionName == "IMAGEHAVEN_RECV"


def test_the_same_object_sent_twice_is_one_file(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        for sender in ("FIRST", "SECOND"):
            assert send(ours.port, source("CT_small.dcm"), sender=sender).returncode == 0
        assert ours.outcomes(2) == ["released", "released"]
        assert len(ours.objects()) == 1
        assert [(one.stored, one.duplicates) for one in ours.ended] == [(1, 0), (0, 1)]
        assert ours.drafts() == []


def test_the_same_object_on_another_day_is_still_one_file(tmp_path: Path) -> None:
    with running(tmp_path / "spool") as ours:
        assert send(ours.port, source("CT_small.dcm")).returncode == 0
        (day,) = (ours.spool / "incoming").iterdir()
        day.rename(day.with_name("2001-01-01"))
        assert send(ours.port, source("CT_small.dcm")).returncode == 0
        assert len(ours.objects()) == 1


def test_other_content_under_the_same_uid_is_a_second_file(tmp_path: Path) -> None:
    changed = pydicom.dcmread(source("CT_small.dcm"))
    changed.InstanceNumber = 99
    changed.save_as(tmp_path / "changed.dcm")
    with running(tmp_path / "spool") as ours:
        assert send(ours.port, source("CT_small.dcm")).returncode == 0
        assert send(ours.port, tmp_path / "changed.dcm").returncode == 0
        first, second = ours.objects()
        assert first.name.split("-")[0] == second.name.split("-")[0] == changed.SOPInstanceUID
        assert first.parent == second.parent, "they are of one study"


def test_a_vendors_sop_class_is_stored_and_a_query_is_not(tmp_path: Path) -> None:
    vendors, query = "1.2.840.113619.4.26", "1.2.840.10008.5.1.4.1.2.1.1"
    with running(tmp_path / "spool") as ours, Peer(ours.port) as peer:
        kind, body = peer.associate((vendors, IMPLICIT), (query, IMPLICIT), (CT, "not a uid"))
        assert (kind, dicom_peer.results(body)) == (2, [0, 3, 4])
        assert peer.store(1, vendors, "1.2.3", b"anything") == 0
        peer.release()
        (kept,) = ours.objects()
        assert pydicom.filereader.read_file_meta_info(kept).MediaStorageSOPClassUID == vendors


@pytest.mark.parametrize("uid", ["../../outside", "a/b", "..", "1.2/../../3", "x" * 70])
def test_a_uid_that_is_a_path_leads_nowhere(uid: str, tmp_path: Path) -> None:
    with running(tmp_path / "deep" / "er" / "spool") as ours, Peer(ours.port) as peer:
        peer.associate((CT, IMPLICIT))
        assert peer.store(1, CT, uid, b"data") == 0
        (kept,) = ours.objects()
        assert kept.name.startswith("x")
    assert list(tmp_path.rglob("*.dcm")) == [kept]

"""What the receiver's allow-list and file names mean."""

import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from imagehaven.acquire.receive import filing
from imagehaven.acquire.receive.titles import (
    ONLY_THIS_MACHINE,
    Peer,
    admits,
    allowed,
    check_title,
    peers,
)
from imagehaven.acquire.receive.upperlayer import pdu
from imagehaven.acquire.receive.upperlayer.command import decode_command
from imagehaven.acquire.receive.upperlayer.negotiation import is_storage
from imagehaven.errors import UserError

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


@pytest.mark.parametrize(
    ("entry", "title", "host", "comes_in"),
    [
        ("CT1", "CT1", "10.1.2.3", True),
        ("CT1", "CT2", "10.1.2.3", False),
        ("CT1@10.1.2.3", "CT1", "10.1.2.3", True),
        ("CT1@10.1.2.3", "CT1", "10.1.2.4", False),
        ("CT1@10.1.2.3", "CT1", "::ffff:10.1.2.3", True),
        ("*@10.1.0.0/16", "ANY ONE", "10.1.255.255", True),
        ("*@10.1.0.0/16", "ANY ONE", "10.2.0.0", False),
        ("*", "ANY ONE", "192.0.2.1", True),
        ("A@B@10.1.2.3", "A@B", "10.1.2.3", True),
        ("CT1@fe80::/10", "CT1", "fe80::1%eth0", True),
        ("CT1@2001:db8::1", "CT1", "10.1.2.3", False),
    ],
)
def test_an_entry_admits_its_titles_and_hosts(
    entry: str, title: str, host: str, comes_in: bool
) -> None:
    assert admits(allowed([entry]), title, host) is comes_in


def test_without_entries_only_this_machine_comes_in() -> None:
    assert allowed([]) == ONLY_THIS_MACHINE
    assert admits(allowed([]), "ANYONE", "127.0.0.1")
    assert admits(allowed([]), "ANYONE", "::1")
    assert not admits(allowed([]), "ANYONE", "10.1.2.3")


@pytest.mark.parametrize("text", ["", " CT1", "CT1 ", "SEVENTEEN LETTERS", "A\\B", "ÄRZTE", "A\n"])
def test_what_is_no_title_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="1 to 16 printable"):
        check_title(text)


@pytest.mark.parametrize("entry", ["CT1@", "CT1@999.1.1.1", "CT1@no such host", "@10.1.2.3"])
def test_what_is_no_entry_is_refused(entry: str) -> None:
    with pytest.raises(UserError):
        allowed([entry])


def test_peers_are_read_with_their_ports() -> None:
    assert peers(["A@pacs:104", "B@[::1]:11112"]) == {
        "A": Peer("A", "pacs", 104),
        "B": Peer("B", "::1", 11112),
    }


@pytest.mark.parametrize("entry", ["A", "A@pacs", "A@pacs:0", "A@pacs:70000", "@pacs:1", "A@:1"])
def test_what_is_no_peer_is_refused(entry: str) -> None:
    with pytest.raises(UserError):
        peers([entry])


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm",
                                  "JPEG2000.dcm", "rtplan.dcm", "test-SR.dcm"])  # fmt: skip
def test_the_study_is_found_as_pydicom_finds_it(name: str) -> None:
    path = str(get_testdata_file(name))
    dataset = pydicom.dcmread(path)
    with open(path, "rb") as stream:  # noqa: PTH123 - the path is pydicom's
        content = stream.read()
    behind = content[filing.META + dataset.file_meta.FileMetaInformationGroupLength :]
    found = filing.study_folder(behind[: filing.HEAD], dataset.file_meta.TransferSyntaxUID)
    assert found == filing.hashed(str(dataset.StudyInstanceUID).encode())


def explicit(tag: int, kind: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, kind)
    if kind == b"SQ":
        return head + b"\0\0\xff\xff\xff\xff" + value + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return head + struct.pack("<H", len(value)) + value


def test_a_study_inside_a_sequence_is_not_the_objects_own() -> None:
    inner = explicit(0x0020000D, b"UI", b"1.9\0")
    undefined = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + inner + b"\xfe\xff\x0d\xe0\0\0\0\0"
    defined = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
    for item in (undefined, defined):
        sequence = explicit(0x00081110, b"SQ", item)
        head = sequence + explicit(0x0020000D, b"UI", b"1.5\0")
        assert filing.study_folder(head, EXPLICIT) == filing.hashed(b"1.5")
        assert filing.study_folder(sequence, EXPLICIT) == filing.NO_STUDY


@given(st.binary(max_size=300), st.sampled_from([IMPLICIT, EXPLICIT, BIG]))
def test_no_bytes_stop_the_search_for_the_study(head: bytes, syntax: str) -> None:
    folder = filing.study_folder(head, syntax)
    assert folder == filing.NO_STUDY or len(folder) == 32


@given(st.text(max_size=80))
def test_no_uid_is_a_path(uid: str) -> None:
    name = filing.file_name(uid, "0" * 64)
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) <= 101


@given(st.binary(max_size=200))
def test_a_command_is_read_or_refused(raw: bytes) -> None:
    try:
        decode_command(raw)
    except pdu.ProtocolError:
        return


@given(st.binary(max_size=300))
def test_a_request_is_read_or_refused(raw: bytes) -> None:
    try:
        pdu.decode_request(raw)
    except pdu.ProtocolError:
        return


@pytest.mark.parametrize(
    ("uid", "stored"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True),  # CT Image Storage
        ("1.2.840.10008.5.1.4.1.1.9.1.1", True),  # 12-lead ECG
        ("1.2.840.10008.5.1.1.27", True),  # Stored Print, retired
        ("1.2.840.10008.5.1.4.38.1", True),  # Hanging Protocol
        ("1.2.840.10008.5.1.4.1.1.99999", True),  # not yet in the Standard
        ("1.2.840.113619.4.26", True),  # a vendor's
        ("1.2.840.10008.1.20.1", False),  # Storage Commitment
        ("1.2.840.10008.5.1.4.1.2.2.1", False),  # Study Root Find
        ("1.2.840.10008.5.1.4.31", False),  # Modality Worklist
        ("1.2.840.10008.1.2.1", False),  # a transfer syntax
        ("", False),
        ("abc", False),
        ("1." * 40 + "1", False),
    ],
)
def test_storage_classes_are_told_from_others(uid: str, stored: bool) -> None:
    assert is_storage(uid) is stored

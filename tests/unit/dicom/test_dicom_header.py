"""Headers of good and hostile files: each is read, or quarantined with its own reason."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from imagehaven.dicom import Header, plain_stream, read_header, to_elements
from imagehaven.dicom import header as header_module
from imagehaven.errors import Quarantine

IMPLICIT, EXPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))
CT = "1.2.840.10008.5.1.4.1.1.2"


def explicit(
    tag: int, vr: str, value: bytes, *, length: int | None = None, big: bool = False
) -> bytes:
    """One explicit VR element, with a false length where a test asks for it."""
    order = ">" if big else "<"
    length = len(value) if length is None else length
    head = struct.pack(f"{order}HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in {"OB", "OW", "SQ", "UN", "UT"}:
        return head + struct.pack(f"{order}HL", 0, length) + value
    return head + struct.pack(f"{order}H", length) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    return (
        struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value) if length is None else length)
        + value
    )


def item(content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content) if length is None else length) + content


SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
ITEM_END = struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
INSTANCE = explicit(0x00080016, "UI", CT.encode() + b"\0") + explicit(0x00080018, "UI", b"1.2.3\0")


def part10(dataset: bytes, syntax: str = EXPLICIT) -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = explicit(0x00020010, "UI", uid)
    length = explicit(0x00020000, "UL", struct.pack("<L", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + dataset


def read(content: bytes) -> Header:
    return read_header(io.BytesIO(content), len(content))


def reason(content: bytes) -> str:
    try:
        read(content)
    except Quarantine as outcome:
        assert outcome.detail
        return outcome.reason
    return "read"


def nested(levels: int, *, undefined: bool) -> bytes:
    content = b""
    for _ in range(levels):
        inner = item(content + ITEM_END, 0xFFFFFFFF) + SEQUENCE_END if undefined else item(content)
        content = explicit(0x0040A730, "SQ", inner, length=0xFFFFFFFF if undefined else None)
    return content


def test_an_empty_file_is_quarantined_as_empty() -> None:
    assert reason(b"") == "empty"


@pytest.mark.parametrize(
    "content", [b"x", b"a letter, no image " * 50, b"\x89PNG" * 100, b"{}", b"\0" * 500]
)
def test_a_file_of_another_kind_is_not_dicom(content: bytes) -> None:
    assert reason(content) == "not-dicom"


def test_a_data_set_without_preamble_and_file_meta_is_read() -> None:
    header = read(INSTANCE)
    assert (header.preamble, header.transfer_syntax) == (None, EXPLICIT)
    header = read(implicit(0x00080016, CT.encode() + b"\0") + implicit(0x00080018, b"1.2.3\0"))
    assert header.transfer_syntax == IMPLICIT


def test_a_cut_within_an_element_is_truncated() -> None:
    content = Path(str(get_testdata_file("rtplan.dcm"))).read_bytes()
    reasons = [reason(content[:cut]) for cut in range(400, len(content) - 8, 7)]
    # A cut exactly between two top-level elements leaves a shorter, whole data set.
    assert set(reasons) <= {"truncated", "no-sop-instance-uid", "read"}
    assert reasons.count("truncated") > 0.9 * len(reasons)


def test_pixel_data_shorter_than_declared_is_truncated() -> None:
    pixels = explicit(0x7FE00010, "OW", b"\0" * 10, length=100)
    assert reason(part10(INSTANCE + pixels)) == "truncated"


def test_encapsulated_pixel_data_without_its_delimiter_is_truncated() -> None:
    pixels = explicit(0x7FE00010, "OB", item(b"") + item(b"abcd"), length=0xFFFFFFFF)
    assert reason(part10(INSTANCE + pixels, "1.2.840.10008.1.2.4.50")) == "truncated"


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_two_hundred_deep_are_too_deep(undefined: bool) -> None:
    assert reason(part10(INSTANCE + nested(200, undefined=undefined))) == "too-deep"
    assert reason(part10(INSTANCE + nested(5000, undefined=True))) == "too-deep"


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_sixty_deep_are_read(undefined: bool) -> None:
    elements = to_elements(read(part10(INSTANCE + nested(60, undefined=undefined))).dataset)
    depth = 0
    while "0040A730" in elements:
        elements, depth = elements["0040A730"].get("Value", [{}])[0], depth + 1
    assert depth == 60


def test_a_hostile_length_allocates_nothing() -> None:
    hostile = part10(INSTANCE + explicit(0x00420011, "OB", b"PDF", length=0xFFFFFFF0))
    tracemalloc.start()
    assert reason(hostile) == "hostile-length"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_a_length_slightly_beyond_the_file_is_truncated() -> None:
    assert reason(part10(INSTANCE + explicit(0x00100010, "PN", b"A^B", length=900))) == "truncated"


def test_more_elements_than_any_image_has_are_hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagehaven.dicom.parse.MAX_NODES", 1000)
    sequence = explicit(0x0040A730, "SQ", item(b"") * 1200)
    assert reason(part10(INSTANCE + sequence)) == "hostile-length"


def test_a_missing_instance_uid_is_named() -> None:
    assert reason(part10(explicit(0x00080060, "CS", b"CT"))) == "no-sop-instance-uid"
    assert reason(part10(explicit(0x00080018, "UI", b""))) == "no-sop-instance-uid"


def test_a_file_that_ends_behind_its_file_meta_is_truncated() -> None:
    assert reason(part10(b"")) == "truncated"


def test_a_dicomdir_is_a_media_directory() -> None:
    content = Path(str(get_testdata_file("DICOMDIR"))).read_bytes()
    assert reason(content) == "media-directory"


def test_a_transfer_syntax_that_is_no_uid_is_unreadable() -> None:
    assert reason(part10(INSTANCE, "explicit")) == "unreadable-transfer-syntax"


def test_a_wrongly_declared_native_syntax_is_found_out() -> None:
    assert read(part10(INSTANCE, IMPLICIT)).transfer_syntax == EXPLICIT
    assert read(part10(INSTANCE, BIG)).transfer_syntax == EXPLICIT
    assert read(part10(INSTANCE, DEFLATED)).dataset.SOPInstanceUID == "1.2.3"
    big = explicit(0x00080018, "UI", b"1.2.3\0", big=True)
    assert read(part10(big, EXPLICIT)).transfer_syntax == BIG


def test_a_deflated_data_set_is_read_and_its_offsets_count_in_the_inflated_file() -> None:
    pixels = explicit(0x7FE00010, "OW", b"pixels")
    packer = zlib.compressobj(wbits=-15)
    deflated = part10(packer.compress(INSTANCE + pixels) + packer.flush(), DEFLATED)
    stream = io.BytesIO(deflated)
    header = read_header(stream, len(deflated))
    assert header.deflated
    plain = plain_stream(stream, header)
    plain.seek(header.pixel_offset or 0)
    assert plain.read(header.pixel_length or 0) == b"pixels"


def test_a_deflated_bomb_is_hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_module, "MAX_INFLATED", 2**22)
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(INSTANCE + b"\0" * 2**24) + packer.flush()
    assert reason(part10(bomb, DEFLATED)) == "hostile-length"
    assert reason(part10(bomb[:1000], DEFLATED)) == "truncated"
    assert reason(part10(b"\xff" * 1000, DEFLATED)) == "malformed"


def test_pixels_are_not_loaded_and_what_follows_them_is_trailing() -> None:
    pixels = explicit(0x7FE00010, "OW", b"\1\2\3\4")
    trailing = explicit(0xFFFCFFFC, "OB", b"\0" * 6)
    content = part10(INSTANCE + pixels + trailing)
    header = read(content)
    assert (header.pixel_tag, header.pixel_length) == (0x7FE00010, 4)
    assert content[header.pixel_offset :][:4] == b"\1\2\3\4"
    assert [f"{tag:08X}" for tag in header.trailing.keys()] == ["FFFCFFFC"]  # noqa: SIM118
    assert 0x7FE00010 not in header.dataset


def test_zeros_that_pad_the_file_are_no_elements() -> None:
    pixels = explicit(0x7FE00010, "OW", b"\1\2")
    assert len(read(part10(INSTANCE + pixels + b"\0" * 500)).trailing) == 0


def test_a_sequence_of_garbage_is_kept_as_bytes_and_does_not_lose_the_file() -> None:
    garbage = explicit(0x00081140, "SQ", b"this is no item at all")
    elements = to_elements(read(part10(INSTANCE + garbage)).dataset)
    assert elements["00081140"]["Invalid"] is True
    assert elements["00081140"]["Length"] == 22
    assert elements["00080018"]["Value"] == ["1.2.3"]


def test_a_sequence_hidden_in_an_unknown_private_value_is_opened() -> None:
    inner = item(implicit(0x00100010, b"Doe^Jane"))
    hidden = explicit(0x00091001, "UN", inner)
    elements = to_elements(read(part10(INSTANCE + hidden)).dataset)
    name = elements["00091001"]["Value"][0]["00100010"]
    assert name == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}


def test_a_value_too_large_to_hold_is_hashed_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagehaven.dicom.parse.LARGE_VALUE", 1000)
    content = part10(INSTANCE + explicit(0x00420011, "OB", b"%PDF" * 1000))
    stored = to_elements(read(content).dataset)["00420011"]
    assert stored["Length"] == 4000
    assert "InlineBinary" not in stored
    monkeypatch.undo()
    assert to_elements(read(content).dataset)["00420011"] == stored


def test_no_message_holds_a_value() -> None:
    content = part10(INSTANCE + explicit(0x00100010, "PN", b"CANARY^NAME ", length=900))
    with pytest.raises(Quarantine) as caught:
        read(content)
    assert "CANARY" not in str(caught.value)

"""Whatever bytes arrive, reading ends in a reading or a quarantine, soon and in little memory."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_charset_files, get_testdata_file

from imagehaven.acquire import Reading, Source, read_source
from imagehaven.dicom import read_header
from imagehaven.dicom.pixels import check_decodable
from imagehaven.errors import Quarantine, Withheld

REASONS = {
    "empty", "hostile-length", "malformed", "media-directory", "no-sop-instance-uid", "not-dicom",
    "too-deep", "truncated", "unreadable-transfer-syntax",
}  # fmt: skip
SEEDS = [
    Path(str(get_testdata_file(name))).read_bytes()
    for name in (
        "rtplan.dcm", "CT_small.dcm", "nested_priv_SQ.dcm", "image_dfl.dcm", "test-SR.dcm",
        "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "DICOMDIR",
    )
]  # fmt: skip
SEEDS += [Path(name).read_bytes() for name in get_charset_files("chrH3*.dcm")]
# Bytes that mean much to a parser: undefined lengths, items, delimiters, VRs, escape sequences.
TELLING = [
    b"\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\x10\x00\x00\x00",
    b"\xfe\xff\xdd\xe0\x00\x00\x00\x00", b"\xfe\xff\x0d\xe0\x00\x00\x00\x00", b"SQ\x00\x00", b"UN",
    b"\x00\x00\x00\x80", b"\x1b$B", b"\x08\x00\x05\x00CS\x06\x00zlib\\x",
    b"\xe0\x7f\x10\x00OB\x00\x00",
]  # fmt: skip

budget = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, min(len(content), draw(st.sampled_from([400, 4000, 10**7])))))
        how = draw(st.sampled_from(["flip", "write", "insert", "delete", "repeat", "cut"]))
        if how == "flip" and place < len(content):
            content[place] ^= draw(st.integers(1, 255))
        elif how in {"write", "insert"}:
            telling = draw(st.sampled_from(TELLING) | st.binary(min_size=1, max_size=12))
            content[place : place + len(telling) * (how == "write")] = telling
        elif how == "delete":
            del content[place : place + draw(st.integers(1, 24))]
        elif how == "repeat":
            content[place:place] = content[max(0, place - 64) : place] * draw(st.integers(1, 40))
        elif how == "cut":
            del content[place:]
    return bytes(content)


def outcome(content: bytes) -> Reading | Quarantine:
    try:
        return read_source(io.BytesIO(content), Source("/x", "/x", (), len(content)))
    except Quarantine as quarantine:
        return quarantine


@budget
@given(damaged_files())
def test_a_damaged_file_is_read_or_quarantined_with_a_known_reason(content: bytes) -> None:
    start = time.monotonic()
    result = outcome(content)
    assert time.monotonic() - start < 5
    if isinstance(result, Quarantine):
        assert result.reason in REASONS
        # The seam that catches pydicom's own errors is for the unknown; what is known is named.
        assert "reader failed" not in result.detail
    else:
        json.dumps([result.meta, result.elements], allow_nan=False).encode("ascii")
        assert "00080018" in result.elements


@budget
@given(st.binary(max_size=2000) | st.binary(max_size=2000).map(lambda b: b"\0" * 128 + b"DICM" + b))
def test_any_bytes_at_all_are_read_or_quarantined(content: bytes) -> None:
    result = outcome(content)
    assert isinstance(result, Reading) or result.reason in REASONS


@budget
@given(damaged_files())
def test_pixels_of_a_damaged_file_decode_or_are_withheld(content: bytes) -> None:
    stream = io.BytesIO(content)
    try:
        check_decodable(stream, read_header(stream, len(content)))
    except Withheld as withheld:
        assert withheld.reason == "undecodable-pixels"
    except Quarantine as quarantine:
        assert quarantine.reason in REASONS


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFE, 0x10000000])
def test_no_declared_length_is_allocated(length: int) -> None:
    content = bytearray(SEEDS[1])
    tracemalloc.start()
    for place in range(132, 1500, 19):
        changed = content.copy()
        changed[place : place + 4] = length.to_bytes(4, "little")
        outcome(bytes(changed))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23

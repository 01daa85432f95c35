"""Whatever bytes arrive, reading ends in a reading or a quarantine, soon and in little memory."""

from __future__ import annotations

import io
import json
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from damaged_dicom import SEEDS, damaged_files
from imagehaven.acquire import Reading, Source, read_source
from imagehaven.dicom import read_header
from imagehaven.dicom.pixels import check_decodable
from imagehaven.errors import Quarantine, Withheld

REASONS = {
    "empty", "hostile-length", "malformed", "media-directory", "no-sop-instance-uid", "not-dicom",
    "too-deep", "truncated", "unreadable-transfer-syntax",
}  # fmt: skip
budget = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


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

"""Real DICOM files with damage done to them, for tests that read whatever arrives."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st
from pydicom.data import get_charset_files, get_testdata_file

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

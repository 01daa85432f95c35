"""What hides around and between the pixels is not released, and errors and logs tell nothing."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file, load
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine, Withheld

SECRET = b"Macfarlane^Fiona 0703511238"
_COMMENT = struct.pack(">H", len(SECRET) + 4) + b"\0\1" + SECRET


@pytest.fixture(scope="module", name="research")
def _research() -> Profile:
    return load("research")


Release = Callable[[bytes], bytes]


@pytest.fixture(name="release")
def _release(tmp_path: Path, research: Profile) -> Release:
    def release(data: bytes) -> bytes:
        made = deidentify_file(BytesIO(data), tmp_path, research, Pseudonyms(b"k" * 32))
        return (tmp_path / made.path).read_bytes()

    return release


def real(name: str) -> Dataset:
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    dataset.BurnedInAnnotation = "NO"
    # As a scanner makes it, so that it is released as it is and not searched for text first.
    dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "AXIAL"]
    return dataset


def as_bytes(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    with quiet_pydicom():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def compressed(name: str, *fragments: bytes, table: bool = False) -> bytes:
    """The file with these fragments for its single frame."""
    dataset = real(name)
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<L", len(f)) + f for f in fragments)
    first = b"\xfe\xff\x00\xe0\0\0\0\0"
    if table:
        first = b"\xfe\xff\x00\xe0" + struct.pack("<L", 28) + SECRET + b" "
    dataset.PixelData = first + items + b"\xfe\xff\xdd\xe0\0\0\0\0"
    dataset["PixelData"].is_undefined_length = True
    return as_bytes(dataset)


def frame(name: str) -> bytes:
    return get_frame(real(name).PixelData, 0, number_of_frames=1)


def even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


J2K, RLE = "693_J2KI.dcm", "rtdose_rle_1frame.dcm"


def _behind_the_sizes(codestream: bytes) -> bytes:
    """Put a comment into the main header, behind SIZ."""
    end = 4 + struct.unpack(">H", codestream[4:6])[0]
    return codestream[:end] + b"\xff\x64" + _COMMENT + codestream[end:]


def _after_first_tile_part(codestream: bytes) -> bytes:
    """Put a comment into the header of the first tile-part."""
    start = codestream.index(b"\xff\x90")
    length = struct.unpack(">L", codestream[start + 6 : start + 10])[0]
    longer = struct.pack(">L", length + len(_COMMENT) + 2) if length else b"\0\0\0\0"
    head = codestream[: start + 6] + longer + codestream[start + 10 : start + 12]
    return head + b"\xff\x64" + _COMMENT + codestream[start + 12 :]


COMPRESSED = {
    "behind the end of a codestream": lambda: compressed(J2K, even(frame(J2K) + SECRET)),
    "comment": lambda: compressed(J2K, even(_behind_the_sizes(frame(J2K)))),
    "comment in a tile-part": lambda: compressed(J2K, even(_after_first_tile_part(frame(J2K)))),
    "16-bit text behind the end": lambda: compressed(
        J2K, even(frame(J2K) + SECRET.decode().encode("utf-16-le"))
    ),
    "stale fragment": lambda: compressed(J2K, even(frame(J2K)), even(SECRET)),
    "stale frame": lambda: compressed(J2K, even(frame(J2K)), even(frame(J2K))),
    "in the RLE header": lambda: compressed(RLE, even(frame(RLE)[:36] + SECRET + frame(RLE)[63:])),
}
UNCLEAR = {
    "offset table": lambda: compressed(J2K, even(frame(J2K)), table=True),
    "behind the last run": lambda: compressed(RLE, even(frame(RLE) + SECRET)),
    "within a segment": lambda: compressed(
        J2K, even(frame(J2K)[:51] + b"\xff\x64" + _COMMENT + frame(J2K)[51:])
    ),
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_text_in_compressed_pixel_data_is_cut_out(name: str, release: Release) -> None:
    written = release(COMPRESSED[name]())
    assert SECRET[:10] not in written
    assert SECRET[:10].decode().encode("utf-16-le") not in written
    original = RLE if "RLE" in name else J2K
    assert np.array_equal(pydicom.dcmread(BytesIO(written)).pixel_array, real(original).pixel_array)


@pytest.mark.parametrize("name", UNCLEAR)
def test_where_nobody_can_tell_what_is_picture_the_file_is_withheld(
    name: str, release: Release
) -> None:
    with pytest.raises(Withheld, match=r"codestream-comment|undecodable-pixels"):
        release(UNCLEAR[name]())


@pytest.mark.parametrize("name", [J2K, RLE])
def test_compressed_pixel_data_that_says_nothing_is_released(name: str, release: Release) -> None:
    assert frame(name) in release(compressed(name, even(frame(name))))


def test_a_picture_in_the_bits_above_the_values_is_withheld(release: Release) -> None:
    ct = real("CT_small.dcm")
    ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 12, 11, 0
    pixels = ct.pixel_array.astype("<u2") & 0x0FFF
    ct.PixelData = pixels.tobytes()
    assert pixels.tobytes() in release(as_bytes(ct))
    ct.PixelRepresentation = 1
    signed = np.where(pixels & 0x0800, pixels | 0xF000, pixels)
    ct.PixelData = signed.tobytes()
    assert signed.tobytes() in release(as_bytes(ct))
    drawn = pixels.copy()
    drawn[4:9, 4:60] |= 0x4000
    ct.PixelData = drawn.tobytes()
    with pytest.raises(Withheld, match="overlay"):
        release(as_bytes(ct))


def test_overlays_do_not_follow(release: Release) -> None:
    ct = real("CT_small.dcm")
    drawn = np.random.default_rng(1).integers(0, 256, 2048, np.uint8).tobytes()
    ct.add_new(0x60000010, "US", 128)
    ct.add_new(0x60003000, "OW", drawn)
    ct.add_new(0x60001500, "LO", SECRET.decode())
    written = release(as_bytes(ct))
    assert drawn[:64] not in written
    assert SECRET not in written
    assert ct.PixelData in written


def test_overlays_in_the_bits_above_the_values_do_not_follow(release: Release) -> None:
    ct = real("CT_small.dcm")
    ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 12, 11, 0
    pixels = ct.pixel_array.astype("<u2") & 0x0FFF
    drawn = pixels.copy()
    drawn[4:9, 4:60] |= 0x4000
    ct.PixelData = drawn.tobytes()
    ct.add_new(0x60020100, "US", 16)
    ct.add_new(0x60020102, "US", 14)
    written = release(as_bytes(ct))
    assert pixels.tobytes() in written
    ct[0x60020102].value = 13  # the header means other bits than those that are set
    with pytest.raises(Withheld, match="overlay"):
        release(as_bytes(ct))


def test_preamble_and_trailing_bytes_do_not_follow(release: Release) -> None:
    data = as_bytes(real("CT_small.dcm"))
    for hidden in (b"II*\0" + SECRET.ljust(124, b"\0") + data[128:], data + b"\0\0" + SECRET):
        try:
            written = release(hidden)
        except Quarantine:
            continue  # refused is as good
        assert written[:128] == bytes(128)
        assert SECRET not in written


def test_native_pixel_data_that_is_too_long_is_withheld(release: Release) -> None:
    ct = real("CT_small.dcm")
    ct.PixelData += SECRET + b" "
    with pytest.raises(Withheld, match="undecodable-pixels"):
        release(as_bytes(ct))


REFUSED = {
    "unknown class": lambda d: setattr(d, "SOPClassUID", f"1.2.{SECRET[-10:].decode()}"),
    "no series": lambda d: setattr(d, "SeriesInstanceUID", ""),
    "features": lambda d: setattr(d, "RecognizableVisualFeatures", SECRET.decode()[:16]),
    "rows": lambda d: setattr(d, "Rows", 7),
    "large": lambda d: setattr(d, "NumberOfFrames", SECRET[-10:].decode()),
    "image type": lambda d: setattr(d, "ImageType", ["DERIVED", "MACFARLANE", "VRT"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_tells_no_value(
    name: str, release: Release, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    ct = real("CT_small.dcm")
    ct.PatientName, ct.PatientID = "Macfarlane^Fiona", "0703511238"
    with quiet_pydicom():
        REFUSED[name](ct)
        data = as_bytes(ct)
    with caplog.at_level(logging.DEBUG), pytest.raises((Withheld, Quarantine)) as refused:
        release(data)
    told = [str(refused.value), refused.value.detail, caplog.text, *capfd.readouterr()]
    chain = refused.value.__cause__ or (
        None if refused.value.__suppress_context__ else refused.value.__context__
    )
    told.append(str(chain or ""))
    assert not any("acfarlane" in text or "0703511238" in text for text in told)


def test_a_released_file_tells_nothing_on_the_way(
    release: Release, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    ct = real("CT_small.dcm")
    ct.PatientName, ct.PatientID = "Macfarlane^Fiona", "0703511238"
    with quiet_pydicom():
        ct.PatientAge, ct.StudyDate = "Macfarlane", "Macfarlane"
        data = as_bytes(ct)
    with caplog.at_level(logging.DEBUG):
        release(data)
    assert not any("acfarlane" in text for text in (caplog.text, *capfd.readouterr()))

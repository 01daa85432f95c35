"""Text beside a compressed picture is cut out of the codestream, and the picture stays the same."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file, load
from imagehaven.deidentify.pixels.beside.codestream import stripped
from imagehaven.dicom.header import Header, read_header
from imagehaven.dicom.pixels import Shape, decode_frame, shape_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Withheld

SECRET = b"Macfarlane^Fiona 0703511238"
SIGNATURE = b"LEAD Technologies Inc. V1.01"
FILES = {
    "JPEG baseline": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG lossless": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-LS, near": "JPEGLSNearLossless_16.dcm",
    "JPEG 2000": "MR_small_jp2klossless.dcm",
    "JPEG 2000, lossy": "693_J2KI.dcm",
    "RLE": "MR_small_RLE.dcm",
    "RLE, colour": "SC_rgb_rle.dcm",
}
Release = Callable[[bytes], bytes]


@pytest.fixture(scope="module", name="research")
def _research() -> Profile:
    return load("research")


@pytest.fixture(name="release")
def _release(tmp_path: Path, research: Profile) -> Release:
    def release(data: bytes) -> bytes:
        made = deidentify_file(BytesIO(data), tmp_path, research, Pseudonyms(b"k" * 32))
        return (tmp_path / made.path).read_bytes()

    return release


def real(name: str) -> Dataset:
    """A real file as a scanner of a known maker makes it, so that its frames are not searched."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(str(get_testdata_file(FILES[name])))
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        dataset.Modality, dataset.BurnedInAnnotation = "CT", "NO"
        dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
            if not dataset.get(keyword):
                setattr(dataset, keyword, "1.2.3")
    return dataset


def frame_of(dataset: Dataset) -> bytes:
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


def with_frame(dataset: Dataset, frame: bytes) -> bytes:
    """The file with this codestream."""
    dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    dataset["PixelData"].is_undefined_length = True
    buffer = BytesIO()
    with quiet_pydicom():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def planted(name: str, frame: bytes, text: bytes) -> bytes:
    """The codestream with a comment: a segment of its own, or bytes that no segment of RLE uses."""
    if name.startswith("RLE"):
        count = struct.unpack("<L", frame[:4])[0]
        return frame[: 4 + 4 * count] + text[: 60 - 4 * count].ljust(60 - 4 * count) + frame[64:]
    if name.startswith(("JPEG 2000", "HTJ2K")):
        at = 4 + struct.unpack(">H", frame[4:6])[0]  # behind SIZ
        segment = b"\xff\x64" + struct.pack(">HH", len(text) + 4, 1) + text
        return frame[:at] + segment + frame[at:]
    return frame[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + frame[2:]


@pytest.mark.parametrize("name", FILES)
def test_a_comment_is_cut_out_and_the_codestream_is_what_it_was(
    name: str, release: Release
) -> None:
    dataset = real(name)
    frame = frame_of(dataset)
    written = release(with_frame(dataset, planted(name, frame, SECRET)))
    assert SECRET[:10] not in written
    new = pydicom.dcmread(BytesIO(written))
    if name.startswith("RLE"):
        assert np.array_equal(new.pixel_array, real(name).pixel_array)
    else:
        assert frame_of(new).rstrip(b"\0") == frame.rstrip(b"\0")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("RLE")])
def test_an_encoders_signature_stays(name: str, release: Release) -> None:
    dataset = real(name)
    commented = planted(name, frame_of(dataset), SIGNATURE)
    assert commented in release(with_frame(dataset, commented))


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("RLE")])
def test_what_lies_behind_the_end_of_a_codestream_is_cut_off(name: str, release: Release) -> None:
    dataset = real(name)
    frame = frame_of(dataset)
    written = release(with_frame(dataset, frame.rstrip(b"\0") + SECRET))
    assert SECRET not in written
    assert frame.rstrip(b"\0") in written


def test_a_tile_parts_length_is_told_anew() -> None:
    frame = frame_of(real("JPEG 2000")).rstrip(b"\0")
    at = frame.index(b"\xff\x90")
    comment = b"\xff\x64" + struct.pack(">HH", len(SECRET) + 4, 1) + SECRET
    (length,) = struct.unpack(">L", frame[at + 6 : at + 10])
    assert length
    longer = frame[: at + 6] + struct.pack(">L", length + len(comment)) + frame[at + 10 : at + 12]
    assert _without(longer + comment + frame[at + 12 :]) == frame


def test_a_list_of_tile_lengths_would_be_wrong() -> None:
    frame = frame_of(real("JPEG 2000"))
    siz = 4 + struct.unpack(">H", frame[4:6])[0]
    at = frame.index(b"\xff\x90")
    lengths = b"\xff\x55" + struct.pack(">HBBL", 8, 0, 0x40, len(frame) - at - 2)
    comment = b"\xff\x64" + struct.pack(">HH", len(SECRET) + 4, 1) + SECRET
    with pytest.raises(Withheld, match="codestream-comment"):
        _without(frame[:siz] + lengths + frame[siz : at + 12] + comment + frame[at + 12 :])
    assert _without(frame[:siz] + lengths + comment + frame[siz:]).count(SECRET) == 0


def _without(frame: bytes) -> bytes:
    return stripped(frame, "1.2.840.10008.1.2.4.90", 8192, lambda text: SECRET in text)


@pytest.mark.parametrize("marker", [0xE0, 0xE8, 0xEE])
def test_text_where_the_colours_are_told_withholds_the_file(marker: int, release: Release) -> None:
    dataset = real("JPEG baseline")
    frame = frame_of(dataset)
    segment = struct.pack(">HH", 0xFF00 | marker, len(SECRET) + 2) + SECRET
    with pytest.raises(Withheld, match="codestream-comment"):
        release(with_frame(dataset, frame[:2] + segment + frame[2:]))


def test_bytes_between_the_segments_of_rle_go() -> None:
    dataset = real("RLE, colour")
    frame = frame_of(dataset)
    count, *starts = struct.unpack("<16L", frame[:64])
    moved = [start + len(SECRET) + 1 for start in starts[:count]]
    head = struct.pack("<16L", count, *moved, *[0] * (15 - count))
    hidden = head + SECRET + b"\0" + frame[64:]
    header, shape = _header(with_frame(dataset, hidden))
    made = stripped(hidden, "1.2.840.10008.1.2.5", shape.frame_bits // 8, lambda t: SECRET in t)
    assert SECRET not in made
    same = decode_frame(frame, header, shape)
    assert np.array_equal(decode_frame(made, header, shape), same)


def test_segments_of_rle_in_another_order_are_withheld() -> None:
    frame = frame_of(real("RLE, colour"))
    count, first, second = struct.unpack("<3L", frame[:12])
    turned = struct.pack("<3L", count, second, first) + frame[12:]
    with pytest.raises(Withheld, match="codestream-comment"):
        stripped(turned, "1.2.840.10008.1.2.5", 30000, bool)


def _header(data: bytes) -> tuple[Header, Shape]:
    header = read_header(BytesIO(data), len(data))
    return header, shape_of(header)


def test_frames_without_a_comment_stay_in_a_file_of_many(release: Release) -> None:
    name = "JPEG 2000"
    dataset = real(name)
    frame = frame_of(dataset)
    dataset.NumberOfFrames = 3
    commented = planted(name, frame, SECRET)
    frames = [one + b"\0" * (len(one) % 2) for one in (frame, commented, frame)]
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    new = pydicom.dcmread(BytesIO(release(buffer.getvalue())))
    assert new.pixel_array.shape[0] == 3
    for number in range(3):
        one = get_frame(new.PixelData, number, number_of_frames=3)
        assert one.rstrip(b"\0") == frame.rstrip(b"\0")

"""Pixel data is decoded frame by frame as pydicom does, or withheld with the reason."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels

from imagehaven.dicom import Header, quiet_pydicom, read_header
from imagehaven.dicom.pixels import check_decodable, decode_frames
from imagehaven.errors import Quarantine, Withheld

# Pixel data that breaks its own attributes, in pydicom's test files, and what is wrong there.
UNDECODABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "codestream's size",
    "MR_small_padded.dcm": "length",
    "badVR.dcm": "NumberOfFrames",
}


def header_of(content: bytes) -> Header:
    return read_header(io.BytesIO(content), len(content))


def real(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


def test_every_real_file_decodes_but_the_known_broken_ones(real_files: list[Path]) -> None:
    decoded = 0
    for path in real_files:
        with path.open("rb") as stream:
            try:
                header = read_header(stream, path.stat().st_size)
            except Quarantine:
                continue
            if path.name in UNDECODABLE:
                with pytest.raises(Withheld, match=UNDECODABLE[path.name]) as caught:
                    check_decodable(stream, header)
                assert caught.value.reason == "undecodable-pixels"
                continue
            check_decodable(stream, header)
            decoded += header.pixel_tag is not None
    assert decoded > 100


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm", "MR_small_bigendian.dcm", "SC_rgb_expb_2frame.dcm", "liver_1frame.dcm",
        "liver.dcm", "liver_expb.dcm", "SC_ybr_full_422_uncompressed.dcm", "image_dfl.dcm",
        "MR_small_RLE.dcm", "SC_rgb_rle_16bit_2frame.dcm", "examples_jpeg2k.dcm",
        "MR_small_jp2klossless.dcm", "SC_rgb_small_odd_big_endian.dcm", "rtdose_expb.dcm",
    ],
)  # fmt: skip
def test_frames_are_those_of_pydicom(name: str) -> None:
    content = real(name)
    with quiet_pydicom():
        theirs = list(iter_pixels(pydicom.dcmread(io.BytesIO(content)), raw=True))
    mine = list(decode_frames(io.BytesIO(content), header_of(content)))
    assert len(mine) == len(theirs)
    for frame, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(frame, other)


@pytest.mark.parametrize("name", ["JPEG-LL.dcm", "JPEGLSNearLossless_16.dcm", "JPGExtended.dcm"])
def test_syntaxes_that_pillow_cannot_decode_are_decoded(name: str) -> None:
    path = get_testdata_file(name)
    content = Path(str(path)).read_bytes()
    header = header_of(content)
    (frame,) = decode_frames(Path(str(path)), header)
    assert frame.shape == (header.dataset.Rows, header.dataset.Columns)
    assert frame.max() > frame.min()


def test_an_instance_without_pixel_data_has_nothing_to_decode() -> None:
    content = real("rtplan.dcm")
    check_decodable(io.BytesIO(content), header_of(content))


def changed(name: str, **values: object) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(real(name)))
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    with quiet_pydicom():
        dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("CT_small.dcm", {"Rows": 127}),
        ("CT_small.dcm", {"Rows": 0}),
        ("CT_small.dcm", {"NumberOfFrames": "2"}),
        ("CT_small.dcm", {"Rows": 65535, "Columns": 65535}),
        ("CT_small.dcm", {"BitsAllocated": 12}),
        ("MR_small_RLE.dcm", {"Rows": 63}),
        ("MR_small_RLE.dcm", {"Rows": 65}),
        ("MR_small_RLE.dcm", {"NumberOfFrames": "2"}),
        ("MR_small_jp2klossless.dcm", {"Rows": 65}),
        ("examples_jpeg2k.dcm", {"SamplesPerPixel": 1}),
        ("SC_rgb_jpeg_gdcm.dcm", {"Columns": 1}),
    ],
)
def test_attributes_that_contradict_the_pixel_data_withhold_it(
    name: str, values: dict[str, object]
) -> None:
    content = changed(name, **values)
    with pytest.raises(Withheld) as caught:
        check_decodable(io.BytesIO(content), header_of(content))
    assert caught.value.reason == "undecodable-pixels"


def test_a_damaged_codestream_withholds_the_instance() -> None:
    content = bytearray(real("MR_small_jp2klossless.dcm"))
    start = header_of(bytes(content)).pixel_offset or 0
    content[start + 120 : -200] = b"\xff\x93" * ((len(content) - 320 - start) // 2) + b"\0" * (
        (len(content) - 320 - start) % 2
    )
    with pytest.raises((Withheld, Quarantine)):
        check_decodable(io.BytesIO(bytes(content)), header_of(bytes(content)))


def test_video_has_no_decoder_and_is_withheld() -> None:
    dataset = pydicom.dcmread(io.BytesIO(real("examples_jpeg2k.dcm")))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.4.102")
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    with pytest.raises(Withheld, match="no decoder"):
        check_decodable(buffer, header_of(buffer.getvalue()))


def test_one_bit_frames_may_start_within_a_byte() -> None:
    dataset = Dataset()
    dataset.SOPInstanceUID, dataset.SOPClassUID = "1.2.3", "1.2.840.10008.5.1.4.1.1.66.4"
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.SamplesPerPixel = 1, 3, 1, 1
    dataset.NumberOfFrames = "2"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True)
    buffer.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 2) + bytes([0b101110, 0]))
    frames = decode_frames(buffer, header_of(buffer.getvalue()))
    assert [frame.tolist() for frame in frames] == [[[0, 1, 1]], [[1, 0, 1]]]

"""Between and beside frames: bytes that no offset points at, icons of masked pictures, comments."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence

from leak_runs import (
    BORN,
    CHI,
    STRANGER,
    STRANGER_CHI,
    Released,
    Trap,
    as_bytes,
    item,
    real,
    release_all,
    survivors,
)

_SECRET = f"{STRANGER}^Fiona {STRANGER_CHI}".encode()
_SECRETS = (_SECRET, STRANGER, STRANGER_CHI, "drummond", CHI, BORN)
_JPEG, _JPEG2000 = "SC_rgb_jpeg_dcmtk.dcm", "693_J2KI.dcm"
_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def _frame(name: str) -> bytes:
    return get_frame(real(name).PixelData, 0, number_of_frames=1)


def _scanned(**values: object) -> Dataset:
    """As a scanner of a known maker makes it, so that its frames are not searched for text."""
    kind = ["ORIGINAL", "PRIMARY", "AXIAL"]
    return real(_JPEG2000, Manufacturer="SIEMENS", ImageType=kind, **values)


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _fragments(*parts: bytes) -> bytes:
    return b"".join(_ITEM + struct.pack("<L", len(part)) + part for part in parts)


def _two_frames(between: bytes) -> bytes:
    """Two frames that an extended offset table lists, with a fragment between them."""
    dataset = _scanned(NumberOfFrames=2)
    frame = _even(_frame(_JPEG2000))
    parts = [frame, between, frame] if between else [frame, frame]
    gap = 8 + len(between) if between else 0
    dataset.PixelData = _ITEM + b"\0\0\0\0" + _fragments(*parts) + _END
    dataset["PixelData"].is_undefined_length = True
    dataset.add_new(0x7FE00001, "OV", struct.pack("<2Q", 0, 8 + len(frame) + gap))
    dataset.add_new(0x7FE00002, "OV", struct.pack("<2Q", len(frame), len(frame)))
    return as_bytes(dataset)


def _cut(places: tuple[int, ...]) -> bytes:
    """One frame in several fragments, as large ones are stored."""
    dataset, frame = _scanned(), _even(_frame(_JPEG2000))
    ends = [*places, len(frame)]
    parts = [frame[a:b] for a, b in zip([0, *places], ends, strict=True)]
    dataset.PixelData = _ITEM + b"\0\0\0\0" + _fragments(*parts) + _END
    dataset["PixelData"].is_undefined_length = True
    return as_bytes(dataset)


def _commented(text: bytes) -> bytes:
    dataset, frame = real(_JPEG), _frame(_JPEG)
    comment = b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
    dataset.PixelData = encapsulate([_even(frame[:2] + comment + frame[2:])])
    dataset["PixelData"].is_undefined_length = True
    return as_bytes(dataset)


def _icon_of(pixels: bytes) -> Dataset:
    icon = item(Rows=8, Columns=64, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new(0x7FE00010, "OB", pixels.ljust(512, b"\0"))
    return icon


def _ultrasound(*places: Callable[[Dataset, Dataset], None]) -> bytes:
    """An ultrasound with a title above its region, and icons of it."""
    pixels = np.zeros((96, 128), dtype=np.uint8)
    pixels[40:90, 10:120] = np.arange(110, dtype=np.uint8) + 40
    pixels[2:10, :27] = np.frombuffer(_SECRET, dtype=np.uint8)[:27]
    region = item(
        RegionLocationMinX0=0, RegionLocationMinY0=32, RegionLocationMaxX1=127,
        RegionLocationMaxY1=95, RegionSpatialFormat=1, RegionDataType=1, RegionFlags=0,
    )  # fmt: skip
    dataset = real(
        "CT_small.dcm",
        SOPClassUID=_ULTRASOUND,
        Modality="US",
        Rows=96,
        Columns=128,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        SequenceOfUltrasoundRegions=Sequence([region]),
    )
    dataset.file_meta.MediaStorageSOPClassUID = _ULTRASOUND
    dataset.PixelData = pixels.tobytes()
    for place in places:
        place(dataset, _icon_of(_SECRET))
    return as_bytes(dataset)


def _at_the_top(dataset: Dataset, icon: Dataset) -> None:
    dataset.IconImageSequence = Sequence([icon])


def _in_a_reference(dataset: Dataset, icon: Dataset) -> None:
    cited = item(
        ReferencedSOPClassUID=_ULTRASOUND,
        ReferencedSOPInstanceUID="1.2.826.0.1.3680043.8.498.55",
        IconImageSequence=Sequence([icon]),
    )
    dataset.ReferencedImageSequence = Sequence([cited])


def _privately(dataset: Dataset, icon: Dataset) -> None:
    block = dataset.private_block(0x0029, "SIEMENS CSA NON-IMAGE", create=True)
    block.add_new(0x60, "SQ", Sequence([icon]))


def _as_bare_pixels(dataset: Dataset, icon: Dataset) -> None:
    dataset.MaskSubtractionSequence = Sequence([icon])


_ICONS = {
    "icon": _at_the_top,
    "icon of a reference": _in_a_reference,
    "private icon": _privately,
    "pixels in another sequence": _as_bare_pixels,
}
TRAPS: dict[str, Trap] = {
    "between two frames": Trap(_two_frames(_even(_SECRET)), _SECRETS, _two_frames(b"")),
    "signature of an encoder": Trap(_commented(_SECRET), _SECRETS, _commented(b"DCMTK 3.6.4")),
    "fragments": Trap(_cut((2000, 4000)), (), _cut(())),
    **{
        f"masked ultrasound: {name}": Trap(_ultrasound(place), _SECRETS)
        for name, place in _ICONS.items()
    },
    "masked ultrasound": Trap(_ultrasound(), _SECRETS),
}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("frames"), TRAPS)


@pytest.mark.parametrize("name", TRAPS)
def test_what_hides_there_is_withheld_or_gone(name: str, outcome: Released) -> None:
    assert (name in outcome.files) != (name in outcome.reasons)
    assert not survivors(outcome.bytes_of(name), _SECRETS)


def test_frames_that_a_table_lists_come_out_as_they_were(outcome: Released) -> None:
    new = outcome.dataset("between two frames near")
    frame = _frame(_JPEG2000).rstrip(b"\0")
    for number in range(2):
        table = (new[0x7FE00001].value, new[0x7FE00002].value)
        got = get_frame(new.PixelData, number, number_of_frames=2, extended_offsets=table)
        assert got.rstrip(b"\0") == frame


@pytest.mark.parametrize("name", ["fragments", "fragments near"])
def test_a_frame_in_fragments_comes_out_as_it_was(name: str, outcome: Released) -> None:
    new = outcome.dataset(name)
    assert get_frame(new.PixelData, 0, number_of_frames=1) == _even(_frame(_JPEG2000))


def test_a_comment_goes_and_a_signature_need_not(outcome: Released) -> None:
    told, signed = (outcome.dataset(f"signature of an encoder{end}") for end in ("", " near"))
    assert np.array_equal(told.pixel_array, signed.pixel_array)


@pytest.mark.parametrize("name", _ICONS)
def test_the_region_stays_and_no_picture_beside_it(name: str, outcome: Released) -> None:
    new = outcome.dataset(f"masked ultrasound: {name}")
    plain = outcome.dataset("masked ultrasound")
    assert new.PixelData == plain.PixelData
    assert plain.pixel_array[40:90, 10:120].any()
    inner = [one for one in new.iterall() if one.tag == 0x7FE00010]
    assert len(inner) == 1


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []

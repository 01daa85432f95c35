"""What hides beside the pixels: tables, comments, EXIF, icons, planes, labels, curves and sound."""

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
    Plant,
    Released,
    Trap,
    as_bytes,
    item,
    planted,
    put,
    real,
    release_all,
    survivors,
)

_SECRET = f"{STRANGER}^Fiona {STRANGER_CHI}".encode()
_JPEG, _JPEG2000 = "SC_rgb_jpeg_dcmtk.dcm", "693_J2KI.dcm"
_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">HH", marker, len(body) + 2) + body


def _exif() -> bytes:
    """EXIF with an image description and an artist, little endian."""
    text = _SECRET + b"\0"
    first = 8 + 2 + 12 * 2 + 4
    entries = struct.pack("<HHLL", 0x010E, 2, len(text), first)
    entries += struct.pack("<HHLL", 0x013B, 2, len(text), first)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + b"\0\0\0\0" + text


_SEGMENTS = {
    "JPEG comment": _segment(0xFFFE, _SECRET),
    "EXIF": _segment(0xFFE1, _exif()),
    "XMP": _segment(0xFFE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + _SECRET + b"</x>"),
    "ICC profile": _segment(0xFFE2, b"ICC_PROFILE\0\1\1" + _SECRET),
    "Photoshop resources": _segment(0xFFED, b"Photoshop 3.0\x008BIM\4\4\0\0" + _SECRET),
}


def _with_codestream(name: str, change: Callable[[bytes], bytes]) -> bytes:
    dataset = real(name)
    frame = change(get_frame(dataset.PixelData, 0, number_of_frames=1))
    dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    dataset["PixelData"].is_undefined_length = True
    return as_bytes(dataset)


def _extended_table(offsets: bytes, lengths: bytes) -> bytes:
    """A file whose single frame has an extended offset table of these bytes."""
    dataset = real(_JPEG2000)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    dataset.PixelData = encapsulate([frame], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    dataset.add_new(0x7FE00001, "OV", offsets)
    dataset.add_new(0x7FE00002, "OV", lengths)
    return as_bytes(dataset)


def _right_table() -> bytes:
    dataset = real(_JPEG2000)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    return _extended_table(struct.pack("<Q", 0), struct.pack("<Q", len(frame)))


def _icon(dataset: Dataset) -> None:
    icon = item(Rows=8, Columns=64, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new(0x7FE00010, "OB", _SECRET.ljust(512, b"\0"))
    dataset.IconImageSequence = Sequence([icon])


def _private_icon(dataset: Dataset) -> None:
    icon = item(Rows=8, Columns=64)
    icon.add_new(0x7FE00010, "OB", _SECRET.ljust(512, b"\0"))
    dataset.private_block(0x0029, "SIEMENS CSA NON-IMAGE", create=True).add_new(
        0x60, "SQ", Sequence([icon])
    )


def _plane(dataset: Dataset) -> None:
    for group in (0x6000, 0x601E):
        dataset.add_new(group << 16 | 0x0010, "US", 128)
        dataset.add_new(group << 16 | 0x0011, "US", 128)
        dataset.add_new(group << 16 | 0x0040, "CS", "G")
        dataset.add_new(group << 16 | 0x0050, "SS", [1, 1])
        dataset.add_new(group << 16 | 0x0100, "US", 1)
        dataset.add_new(group << 16 | 0x0102, "US", 0)
        dataset.add_new(group << 16 | 0x0022, "LO", STRANGER)
        dataset.add_new(group << 16 | 0x1500, "LO", STRANGER)
        dataset.add_new(group << 16 | 0x3000, "OW", _SECRET.ljust(2048, b"\0"))


def _high_bits(dataset: Dataset) -> None:
    """Letters in the bits above the stored ones, of which nothing in the header speaks."""
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    pixels = np.frombuffer(dataset.PixelData, dtype="<u2") & 0x0FFF
    bits = np.unpackbits(np.frombuffer(_SECRET, dtype=np.uint8))
    pixels[: bits.size] |= bits.astype(np.uint16) << 12
    dataset.PixelData = pixels.tobytes()


def _clean_bits(dataset: Dataset) -> None:
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    pixels = np.frombuffer(dataset.PixelData, dtype="<u2") & 0x0FFF
    dataset.PixelData = pixels.tobytes()


def _sound(dataset: Dataset) -> None:
    for tag in (0x5000200C, 0x50003000, 0x5002200C):
        dataset.add_new(tag, "OW", _SECRET.ljust(64, b"\0"))
    dataset.add_new(0x50002500, "LO", STRANGER)
    dataset.add_new(0x50000022, "LO", STRANGER)


def _slide(kind: str) -> bytes:
    dataset = real("SC_rgb.dcm", SOPClassUID=_SLIDE, Modality="SM")
    dataset.file_meta.MediaStorageSOPClassUID = _SLIDE
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    dataset.TotalPixelMatrixColumns, dataset.TotalPixelMatrixRows = dataset.Columns, dataset.Rows
    dataset.ContainerIdentifier = STRANGER_CHI
    dataset.LabelText, dataset.BarcodeValue = STRANGER, STRANGER_CHI
    specimen = item(SpecimenIdentifier=STRANGER_CHI, SpecimenShortDescription=f"of {STRANGER}")
    dataset.SpecimenDescriptionSequence = Sequence([specimen])
    return as_bytes(dataset)


def _waveform(dataset: Dataset) -> None:
    note = item(UnformattedTextValue=f"{STRANGER} {STRANGER_CHI}", AnnotationGroupNumber=0)
    dataset.WaveformAnnotationSequence = Sequence([note])
    dataset.WaveformSequence[0].MultiplexGroupLabel = STRANGER.upper()
    for channel in dataset.WaveformSequence[0].ChannelDefinitionSequence:
        channel.ChannelLabel = STRANGER


_CHEST: Plant = put(SeriesDescription="CT chest")
TRAPS: dict[str, Trap] = {
    **{
        name: Trap(_with_codestream(_JPEG, lambda f, s=segment: f[:2] + s + f[2:]), (_SECRET,))
        for name, segment in _SEGMENTS.items()
    },
    "bytes behind the end of a JPEG": Trap(
        _with_codestream(_JPEG, lambda frame: frame + _SECRET),
        (_SECRET,),
        _with_codestream(_JPEG, lambda frame: frame),
    ),
    "extended offset table of letters": Trap(
        _extended_table(_SECRET[:24], _SECRET[:24]), (_SECRET[:24], _SECRET[:12]), _right_table()
    ),
    "icon": Trap(planted(_icon), (_SECRET,), planted(_CHEST)),
    "icon in a private sequence": Trap(planted(_private_icon), (_SECRET,)),
    "overlay planes": Trap(planted(_plane), (_SECRET,)),
    "bits above the stored ones": Trap(planted(_high_bits), (), planted(_clean_bits)),
    "curves and sound": Trap(planted(_sound), (_SECRET,)),
    "slide label": Trap(_slide("LABEL"), (), _slide("VOLUME")),
    "slide overview": Trap(_slide("OVERVIEW"), ()),
    "slide identifiers": Trap(_slide("VOLUME"), ()),
    "notes of a waveform": Trap(
        planted(_waveform, "waveform_ecg.dcm"),
        (),
        planted(lambda dataset: None, "waveform_ecg.dcm"),
    ),
}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("beside"), TRAPS)


@pytest.mark.parametrize("name", TRAPS)
def test_what_hides_beside_the_pixels_is_withheld_or_gone(name: str, outcome: Released) -> None:
    secrets = (*TRAPS[name].secrets, STRANGER, STRANGER_CHI, "drummond", CHI, BORN)
    assert (name in outcome.files) != (name in outcome.reasons)
    assert not survivors(outcome.bytes_of(name), secrets)


@pytest.mark.parametrize("name", [name for name, one in TRAPS.items() if one.near])
def test_the_same_file_with_nothing_beside_them_is_released(name: str, outcome: Released) -> None:
    assert outcome.dataset(f"{name} near").PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("name", ["icon", "icon in a private sequence", "curves and sound"])
def test_an_icon_or_a_sound_does_not_hold_back_its_picture(name: str, outcome: Released) -> None:
    new = outcome.dataset(name)
    assert "IconImageSequence" not in new
    assert new.PixelData == real().PixelData


@pytest.mark.parametrize("name", ["slide label", "slide overview"])
def test_the_label_of_a_slide_is_withheld(name: str, outcome: Released) -> None:
    assert outcome.reasons[name] == "slide-label"


def test_bits_above_the_stored_ones_come_out_empty_or_not_at_all(outcome: Released) -> None:
    name = "bits above the stored ones"
    if name in outcome.files:
        pixels = np.frombuffer(outcome.dataset(name).PixelData, dtype="<u2")
        assert not (pixels >> 12).any()
    else:
        assert outcome.reasons[name] == "overlay"


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []

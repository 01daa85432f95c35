"""Pixels that are not known to be clean are withheld, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify.pixels.policy import check_pixels, policy
from imagehaven.dicom import read_header
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine, Withheld

Released = Callable[..., Any]
UID = "1.2.840.10008.5.1.4.1.1"


def _set(**values: Any) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        with quiet_pydicom():
            for keyword, value in values.items():
                setattr(dataset, keyword, value)

    return change


def _undeclared_bits(dataset: Dataset) -> None:
    dataset.PixelData = b"\x00\x70" * 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set(SOPClassUID=f"{UID}.104.1"), "encapsulated-document"),
        (_set(SOPClassUID=f"{UID}.88.11"), "structured-report"),
        (_set(SOPClassUID=f"{UID}.11.1"), "presentation-state"),
        (_set(SOPClassUID=f"{UID}.77.1.4"), "recognisable-features"),
        (
            _set(SOPClassUID=f"{UID}.77.1.6", ImageType=["ORIGINAL", "PRIMARY", "LABEL"]),
            "slide-label",
        ),
        (_set(SOPClassUID="1.2.3.4.5"), "unknown-sop-class"),
        (_set(BurnedInAnnotation="YES"), "declared-text-not-found"),
        (_set(BurnedInAnnotation="no"), "declared-text-not-found"),
        (_set(RecognizableVisualFeatures="YES"), "recognisable-features"),
        (_set(ImageType=["DERIVED", "SECONDARY", "VRT"]), "recognisable-features"),
        (_set(Rows=3), "undecodable-pixels"),
        (_set(StudyInstanceUID=""), "no-study-or-series"),
        (_undeclared_bits, "overlay"),
    ],
)
def test_what_is_not_known_to_be_clean_is_withheld(
    change: Callable[[Dataset], None], reason: str, ct: Dataset, release: Released, tmp_path: Path
) -> None:
    change(ct)
    with pytest.raises(Withheld) as outcome:
        release(ct)
    assert outcome.value.reason == reason
    assert not list(tmp_path.rglob("*.dcm"))


@pytest.mark.parametrize(
    "change",
    [
        _set(ImageType=["DERIVED", "PRIMARY", "AXIAL"]),
        _set(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        _set(ImageType=["DERIVED", "SECONDARY", "MPR"]),
        _set(SOPClassUID=f"{UID}.1.1"),
        _set(SOPClassUID=f"{UID}.7", ConversionType="WSD"),
        _set(SOPClassUID=f"{UID}.20", Modality="NM"),
        _set(SOPClassUID=f"{UID}.6.1"),
        _set(SOPClassUID=f"{UID}.77.1.4", RecognizableVisualFeatures="NO"),
        _set(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]),
        _set(ImageType=["DERIVED", "SECONDARY", "OTHER"]),
        _set(ImageType=["ORIGINAL"]),
        _set(Manufacturer="Unheard of"),
        _set(SOPClassUID=f"{UID}.4"),
    ],
)
def test_a_near_miss_is_released(
    change: Callable[[Dataset], None], ct: Dataset, release: Released
) -> None:
    change(ct)
    assert release(ct)[1].PixelData == ct.PixelData


def test_what_was_searched_says_so(ct: Dataset, release: Released) -> None:
    ct.SOPClassUID = f"{UID}.7"
    _, new, _ = release(ct)
    codes = [item.CodeValue for item in new.DeidentificationMethodCodeSequence]
    assert new.BurnedInAnnotation == "NO"
    assert "113101" in codes
    assert codes == sorted(codes)


def test_what_was_not_searched_does_not_say_so(ct: Dataset, release: Released) -> None:
    _, new, _ = release(ct)
    assert "BurnedInAnnotation" not in new
    assert "113101" not in [item.CodeValue for item in new.DeidentificationMethodCodeSequence]


def test_an_unknown_device_is_withheld_where_the_policy_says_so(
    ct: Dataset, file_of: Callable[..., bytes]
) -> None:
    strict = replace(policy(), unknown_devices="withhold")
    for maker in ("Unheard of", "SIEMENS"):
        ct.Manufacturer = maker
        data = file_of(ct)
        header = read_header(BytesIO(data), len(data))
        if maker == "SIEMENS":
            assert check_pixels(header, ct.SOPClassUID, strict) is None
            continue
        assert check_pixels(header, ct.SOPClassUID) is not None
        with pytest.raises(Withheld, match="unknown-device"):
            check_pixels(header, ct.SOPClassUID, strict)


def test_curves_and_overlays_are_removed(ct: Dataset, release: Released) -> None:
    ct.add_new(0x50003000, "OW", b"\1\0")
    ct.add_new(0x60000022, "LO", "label")
    ct.add_new(0x60003000, "OW", b"\1\0")
    _, new, _ = release(ct)
    assert not [element for element in new if element.tag.group in (0x5000, 0x6000)]
    assert new.PixelData == ct.PixelData


def test_overlays_in_the_bits_above_the_values_are_emptied(ct: Dataset, release: Released) -> None:
    plain = ct.PixelData
    ct.add_new(0x60000100, "US", 16)
    ct.add_new(0x60000102, "US", 12)
    assert release(ct)[1].PixelData == plain
    ct.PixelData = bytes(byte | 0x10 * (place % 2) for place, byte in enumerate(plain))
    assert release(ct)[1].PixelData == plain


def _ultrasound(ct: Dataset, *, planar: int = 0, bits: int = 8) -> Dataset:
    ct.SOPClassUID, ct.Modality, ct.ImageType = f"{UID}.3.1", "US", ["ORIGINAL", "PRIMARY"]
    ct.Rows, ct.Columns, ct.NumberOfFrames = 6, 4, 2
    ct.SamplesPerPixel, ct.PhotometricInterpretation = 3, "RGB"
    ct.PlanarConfiguration = planar
    ct.BitsAllocated, ct.BitsStored, ct.HighBit = bits, bits, bits - 1
    ct.PixelData = bytes([9]) * (6 * 4 * 3 * 2 * bits // 8)
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 1, 2
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 2, 4
    ct.SequenceOfUltrasoundRegions = Sequence([region])
    ct.BurnedInAnnotation = "NO"
    return ct


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("bits", [8, 16])
def test_ultrasound_is_blanked_outside_its_regions(
    planar: int, bits: int, ct: Dataset, release: Released
) -> None:
    source = _ultrasound(ct, planar=planar, bits=bits)
    _, new, _ = release(source)
    shape = (2, 3, 6, 4) if planar else (2, 6, 4, 3)
    pixels = np.frombuffer(new.PixelData, f"u{bits // 8}").reshape(shape)
    pixels = pixels if planar else pixels.transpose(0, 3, 1, 2)
    before = int.from_bytes(bytes([9]) * (bits // 8), "little")
    assert (pixels[:, :, 2:5, 1:3] == before).all()
    assert pixels.sum() == before * 2 * 3 * 3 * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda us: setattr(us.SequenceOfUltrasoundRegions[0], "RegionLocationMaxX1", 4),
        lambda us: delattr(us.SequenceOfUltrasoundRegions[0], "RegionLocationMinX0"),
    ],
)
def test_ultrasound_whose_regions_make_no_sense_is_withheld(
    change: Callable[[Dataset], None], ct: Dataset, release: Released
) -> None:
    source = _ultrasound(ct)
    change(source)
    with pytest.raises(Withheld, match="ultrasound-outside-regions"):
        release(source)


@pytest.mark.parametrize("regions", [[], None])
def test_ultrasound_without_regions_is_searched_all_over(
    regions: list[Dataset] | None, ct: Dataset, release: Released
) -> None:
    source = _ultrasound(ct)
    source.SequenceOfUltrasoundRegions = Sequence(regions or [])
    if regions is None:
        del source.SequenceOfUltrasoundRegions
    _, new, _ = release(source)
    assert new.PixelData == source.PixelData
    assert new.BurnedInAnnotation == "NO"


def test_what_is_no_dicom_is_quarantined(release: Released) -> None:
    with pytest.raises(Quarantine, match="not-dicom"):
        release(b"%PDF-1.7 " * 40)


def test_every_sop_class_of_the_policy_has_one_kind() -> None:
    rules = policy()
    assert not set(rules.kinds) & set(rules.withheld)
    assert len(rules.kinds) > 50


def _with_comment(data: bytes, comment: bytes) -> bytes:
    """Put a JPEG comment behind the start of the only image's codestream."""
    start = data.index(b"\xff\xd8\xff")
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    length = int.from_bytes(data[start - 4 : start], "little") + len(segment)
    head = data[: start - 4] + length.to_bytes(4, "little") + data[start : start + 2]
    return head + segment + data[start + 2 :]


@pytest.fixture(name="jpeg")
def _jpeg(ct: Dataset, file_of: Callable[..., bytes]) -> bytes:
    """A CT image in lossless JPEG, whose pixels come from a real file."""
    path = get_testdata_file("JPEG-LL.dcm")
    with quiet_pydicom():
        real = pydicom.dcmread(str(path))
        real.SOPClassUID, real.ImageType = ct.SOPClassUID, ["ORIGINAL", "PRIMARY"]
        del real.ConversionType
        return file_of(real, real.file_meta.TransferSyntaxUID)


@pytest.mark.parametrize("comment", [b"LEAD Technologies Inc. V1.01", b"", b"\0\1\2\3"])
def test_an_encoders_signature_in_a_codestream_is_harmless(
    comment: bytes, jpeg: bytes, release: Released
) -> None:
    assert comment in release(_with_comment(jpeg, comment))[2]


@pytest.mark.parametrize("comment", [b"Patient: Abernethy", b"1203565678"])
def test_a_comment_in_a_codestream_is_cut_out(
    comment: bytes, jpeg: bytes, release: Released
) -> None:
    written = release(_with_comment(jpeg, comment))[2]
    assert comment not in written
    assert release(jpeg)[2][-2000:] == written[-2000:]

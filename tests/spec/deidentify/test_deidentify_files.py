"""What a released file is: valid in every transfer syntax, pixels untouched, always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file
from imagehaven.dicom import quiet_pydicom
from imagehaven.errors import Quarantine, TransientError

Released = Callable[..., Any]
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("CT_small.dcm", EXPLICIT),
        ("MR_small.dcm", EXPLICIT),
        ("MR_small_implicit.dcm", EXPLICIT),
        ("MR_small_bigendian.dcm", BIG),
        ("MR_small_RLE.dcm", "1.2.840.10008.1.2.5"),
        ("MR_small_jp2klossless.dcm", "1.2.840.10008.1.2.4.90"),
        ("rtplan.dcm", EXPLICIT),
        ("liver_1frame.dcm", EXPLICIT),
    ],
)
def test_real_files_keep_their_pixels_bit_for_bit(
    name: str, syntax: str, release: Released
) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    # Some of them say that they are derived secondary images, which would be withheld.
    kind = (rb"DERIVED\SECONDARY\OTHER", rb"ORIGINAL\PRIMARY\OTHER ")
    _, new, written = release(Path(path).read_bytes().replace(*kind))
    with quiet_pydicom():
        old = pydicom.dcmread(path)
        assert new.get("PixelData") == old.get("PixelData")
        assert old.PatientID != new.PatientID
        assert new.file_meta.TransferSyntaxUID == syntax
        assert old.SOPInstanceUID.encode() not in written
        list(new.iterall())


def test_a_deflated_file_is_written_plain(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    _, new, _ = release(file_of(ct, DEFLATED))
    assert new.file_meta.TransferSyntaxUID == EXPLICIT
    assert new.PixelData == ct.PixelData


def test_contours_too_long_for_explicit_vr_stay_readable(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    ct.SOPClassUID, ct.Modality = "1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"
    del ct.PixelData
    contour = Dataset()
    contour.ContourData = [f"{number}.25" for number in range(12000)]
    roi = Dataset()
    roi.ContourSequence = Sequence([contour])
    ct.ROIContourSequence = Sequence([roi])
    _, new, _ = release(file_of(ct, IMPLICIT))
    assert new.file_meta.TransferSyntaxUID == IMPLICIT
    data = new.ROIContourSequence[0].ContourSequence[0].ContourData
    assert [str(value) for value in data] == contour.ContourData


def test_the_same_file_key_and_profile_give_the_same_bytes(ct: Dataset, release: Released) -> None:
    first, _, written = release(ct)
    second, _, again = release(ct)
    assert written == again
    assert first == second
    assert first.sha256 == hashlib.sha256(written).hexdigest()
    assert first.size == len(written)


def test_the_path_is_made_of_pseudonyms(ct: Dataset, release: Released) -> None:
    result, new, _ = release(ct)
    assert result.path == (
        f"{new.PatientID}/{new.StudyInstanceUID}/{new.SeriesInstanceUID}/{new.SOPInstanceUID}.dcm"
    )


def test_the_mapping_holds_what_the_vault_needs(ct: Dataset, release: Released) -> None:
    result, new, _ = release(ct)
    assert {
        ("PatientID", "1203565678", str(new.PatientID)),
        ("StudyInstanceUID", "1.2.3", str(new.StudyInstanceUID)),
        ("SOPInstanceUID", "1.2.3.4", str(new.SOPInstanceUID)),
        ("StudyID", "77", str(new.StudyID)),
    } <= set(result.mapping)
    assert new.AccessionNumber == ""
    assert {kind for kind, _, _ in result.mapping} >= {"DateShiftDays", "SeriesInstanceUID"}


def test_the_basic_profile_keeps_neither_dates_nor_descriptions(
    ct: Dataset, release: Released
) -> None:
    from imagehaven.deidentify import load

    _, new, written = release(ct, load("basic"))
    assert new.StudyDate == ""
    assert "SeriesDescription" not in new
    assert "PatientAge" not in new
    assert new.LongitudinalTemporalInformationModified == "REMOVED"
    assert b"20240305" not in written


def test_a_destination_that_cannot_be_written_says_so(
    ct: Dataset,
    file_of: Callable[..., bytes],
    research: Profile,
    pseudonyms: Pseudonyms,
    tmp_path: Path,
) -> None:
    (tmp_path / "out").write_text("a file where a folder belongs")
    with pytest.raises(TransientError, match="cannot be written"):
        deidentify_file(BytesIO(file_of(ct)), tmp_path / "out", research, pseudonyms)


def test_a_source_that_is_gone_is_quarantined(
    research: Profile, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    with pytest.raises(Quarantine, match="vanished"):
        deidentify_file(tmp_path / "none.dcm", tmp_path / "out", research, pseudonyms)

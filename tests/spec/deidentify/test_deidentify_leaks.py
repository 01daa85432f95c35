"""Where identifiers hide in real archives, and that none of them is released.

Each test plants one and looks for it in every byte of the released file; beside it stands what
looks alike and must stay.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.dicom.quiet import quiet_pydicom

Released = Callable[..., Any]
CANARY = "CANARYBIRD"


def _clean(written: bytes, *canaries: str) -> bool:
    lowered = written.lower()
    return not any(canary.lower().encode() in lowered for canary in canaries)


def test_the_patient_is_replaced_and_the_image_is_kept(ct: Dataset, release: Released) -> None:
    result, new, written = release(ct)
    assert _clean(written, "Abernethy", "Fionnlagh", "1203565678", "RX77812", "19560312")
    assert new.PatientID == str(new.PatientName) == result.patient
    assert new.PixelData == ct.PixelData
    assert (new.KVP, new.ConvolutionKernel, new.Manufacturer) == (120, "Br40d", "SIEMENS")
    assert (new.PatientSex, new.PatientAge, new.PatientBirthDate) == ("M", "067Y", "")
    assert (new.StudyDescription, new.SeriesDescription) == (
        "CT chest with contrast",
        "Thorax 5.0 Br40",
    )


@pytest.mark.parametrize(
    "keyword",
    [
        "OtherPatientIDs",
        "PatientComments",
        "ImageComments",
        "InstitutionName",
        "InstitutionAddress",
        "StationName",
        "OperatorsName",
        "PerformingPhysicianName",
        "RequestingPhysician",
        "StudyComments",
        "DeviceSerialNumber",
        "PerformedProcedureStepID",
        "PatientAddress",
        "DerivationDescription",
        "ProtocolName",
        "RequestedProcedureDescription",
        "AdditionalPatientHistory",
        "TextString",
        "DeviceID",
        "ImageID",
        "CommentsOnThePerformedProcedureStep",
        "PatientTelephoneNumbers",
        "AcquisitionProtocolName",
        "BodyPartExamined",
        "ContrastBolusAgent",
    ],
)
def test_free_text_that_nobody_reviewed_is_not_released(
    keyword: str, ct: Dataset, release: Released
) -> None:
    setattr(ct, keyword, CANARY)
    assert _clean(release(ct)[2], CANARY)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ManufacturerModelName", "Abernethy Scanner"),
        ("ConvolutionKernel", "FIONNLAGH"),
        ("SoftwareVersions", "v1203565678"),
        ("SequenceName", "12035 65678"),
        ("FilterType", "b. 1956-03-12"),
        ("ScanOptions", "ABERNETHY"),
        ("Manufacturer", "aberneth\u00ff"),
        ("RescaleType", "RX 77812"),
        ("SoftwareVersions", "03121956"),
    ],
)
def test_a_name_or_number_in_a_harmless_field_is_not_released(
    keyword: str, value: str, ct: Dataset, release: Released
) -> None:
    ct.SpecificCharacterSet = "ISO_IR 100"
    setattr(ct, keyword, value)
    assert _clean(release(ct)[2], value)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ManufacturerModelName", "Abe 3T"),
        ("ConvolutionKernel", "FIO"),
        ("SoftwareVersions", "syngo CT VA48A_12"),
        ("ScanOptions", "HELICAL_CT"),
        ("Manufacturer", "GE MEDICAL SYSTEMS"),
        ("RadionuclideTotalDose", "370000000"),
    ],
)
def test_a_near_miss_in_a_harmless_field_is_kept(
    keyword: str, value: str, ct: Dataset, release: Released
) -> None:
    setattr(ct, keyword, value)
    assert str(release(ct)[1][keyword].value) == value


def test_identifiers_are_removed_at_every_depth(ct: Dataset, release: Released) -> None:
    inner = Dataset()
    inner.PatientName, inner.PatientComments, inner.CodeMeaning = CANARY, CANARY, CANARY
    inner.ReferencedSOPInstanceUID, inner.SliceThickness = "1.9.19560312", "3"
    for _ in range(5):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = Sequence([inner])
        inner = outer
    ct.PerFrameFunctionalGroupsSequence = Sequence([inner])
    _, new, written = release(ct)
    assert _clean(written, CANARY, "1.9.19560312")
    item = new.PerFrameFunctionalGroupsSequence[0]
    for _ in range(5):
        item = item.SharedFunctionalGroupsSequence[0]
    assert item.SliceThickness == 3


@pytest.mark.parametrize(
    "keyword",
    ["OtherPatientIDsSequence", "OriginalAttributesSequence", "ReferencedPatientSequence"],
)
def test_sequences_about_the_patient_are_removed(
    keyword: str, ct: Dataset, release: Released
) -> None:
    item = Dataset()
    item.PatientID, item.PatientName = CANARY, CANARY
    setattr(ct, keyword, Sequence([item]))
    _, new, written = release(ct)
    assert keyword not in new
    assert _clean(written, CANARY)


def test_request_attributes_keep_only_what_was_cleaned(ct: Dataset, release: Released) -> None:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = CANARY, CANARY
    item.ScheduledProcedureStepDescription = "CT chest"
    ct.RequestAttributesSequence = Sequence([item])
    _, new, written = release(ct)
    assert _clean(written, CANARY)
    assert new.RequestAttributesSequence[0].ScheduledProcedureStepDescription == "CT chest"


def test_every_uid_is_mapped_and_references_stay_whole(ct: Dataset, release: Released) -> None:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ct.SOPClassUID, "1.2.3.4"
    ct.ReferencedImageSequence = Sequence([item])
    ct.FrameOfReferenceUID = "1.2.840.113619.19560312.155"
    ct.IrradiationEventUID = "1.2.840.10008.1203565678"
    _, new, written = release(ct)
    assert new.ReferencedImageSequence[0].ReferencedSOPInstanceUID == new.SOPInstanceUID
    assert new.ReferencedImageSequence[0].ReferencedSOPClassUID == ct.SOPClassUID
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID
    assert _clean(written, "1.2.840.113619", "1203565678", "1.2.3.4")


def test_nothing_of_preamble_and_file_meta_follows(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    ct.preamble = b"II*\0" + CANARY.encode() + bytes(114)
    data = bytearray(file_of(ct))
    data[:128] = ct.preamble
    meta = b"\x02\x00\x16\x00AE" + struct.pack("<H", 10) + CANARY.encode()
    meta += b"\x02\x00\x00\x01UI\x06\x001.2.3\0"
    meta += b"\x02\x00\x02\x01OB\0\0" + struct.pack("<L", 10) + CANARY.encode()
    group = struct.unpack_from("<L", data, 140)[0]
    data[144 + group : 144 + group] = meta
    data[140:144] = struct.pack("<L", group + len(meta))
    _, new, written = release(bytes(data))
    assert written[:132] == bytes(128) + b"DICM"
    assert _clean(written, CANARY)
    assert "SourceApplicationEntityTitle" not in new.file_meta


def test_nothing_behind_the_pixel_data_follows(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    canary = CANARY.encode()
    padding = b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<L", len(canary)) + canary
    _, new, written = release(file_of(ct) + padding)
    assert new.PixelData == ct.PixelData
    assert _clean(written, CANARY)


def test_digital_signatures_and_icons_are_removed(ct: Dataset, release: Released) -> None:
    signature, icon = Dataset(), Dataset()
    signature.CertificateOfSigner = CANARY.encode()
    icon.Rows, icon.PixelData = 1, CANARY.encode()
    icon["PixelData"].VR = "OB"
    ct.DigitalSignaturesSequence, ct.IconImageSequence = Sequence([signature]), Sequence([icon])
    _, new, written = release(ct)
    assert "DigitalSignaturesSequence" not in new
    assert "IconImageSequence" not in new
    assert _clean(written, CANARY)


def test_only_known_safe_private_elements_stay_and_their_block_is_moved(
    ct: Dataset, release: Released
) -> None:
    safe = ct.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    safe.add_new(0x0C, "IS", "1000")
    safe.add_new(0x0D, "CS", "ABERNETHY")
    safe.add_new(0x77, "LO", CANARY)
    other = ct.private_block(0x0019, CANARY, create=True)
    other.add_new(0x0C, "IS", "4242")
    moved = ct.private_block(0x0043, "FILLER", create=True)
    moved.add_new(1, "LO", CANARY)
    ct.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [1000, 0, 0, 0])
    ct.add_new(0x00191199, "LO", CANARY)
    _, new, written = release(ct)
    assert _clean(written, CANARY, "ABERNETHY", "FILLER", "4242")
    assert new[0x0019, 0x0010].value == "SIEMENS MR HEADER"
    assert new[0x0019, 0x100C].value == 1000
    assert new[0x0043, 0x0010].value == "GEMS_PARM_01"
    assert new[0x0043, 0x1039].value == [1000, 0, 0, 0]


def test_private_elements_without_creator_or_in_implicit_vr_are_removed(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    ct.add_new(0x00091001, "LO", CANARY)
    safe = ct.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    safe.add_new(0x0C, "IS", "1000")
    _, new, written = release(file_of(ct, "1.2.840.10008.1.2"))
    assert _clean(written, CANARY)
    assert new[0x0019, 0x100C].value == 1000


def test_a_standard_element_under_a_false_vr_is_judged_by_its_own(
    ct: Dataset, release: Released
) -> None:
    ct.add_new(0x00181030, "UN", CANARY.encode())  # ProtocolName
    ct.add_new(0x00180088, "LO", CANARY)  # SpacingBetweenSlices, a DS
    ct.add_new(0x00280106, "OB", CANARY.encode())  # SmallestImagePixelValue, a US or SS
    assert _clean(release(ct)[2], CANARY)


def test_over_long_nul_tailed_and_foreign_values_are_not_released(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    ct.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    with quiet_pydicom():
        ct.add_new(0x00181210, "SH", "x" * 80)
        ct.add_new(0x00180024, "SH", "*se2d\0" + CANARY)
        data = file_of(ct)
    _, new, written = release(data)
    assert _clean(written, CANARY, "x" * 80)
    assert "SpecificCharacterSet" not in new


def test_dates_keep_their_distances_and_ages_are_capped(ct: Dataset, release: Released) -> None:
    ct.SeriesDate, ct.AcquisitionDateTime, ct.PatientAge = "20240307", "20240306101112", "101Y"
    with quiet_pydicom():
        ct.InstanceCreationDate = "monday"
    _, new, written = release(ct)
    assert _clean(written, "20240305", "20240307", "20240306", "101Y", "monday")
    apart = [date.fromisoformat(text) for text in (new.StudyDate, new.SeriesDate)]
    assert (apart[1] - apart[0]).days == 2
    assert new.AcquisitionDateTime[8:] == "101112"
    assert new.PatientAge == "090Y"
    assert new.LongitudinalTemporalInformationModified == "MODIFIED"


def test_it_says_how_it_was_deidentified(ct: Dataset, release: Released) -> None:
    _, new, _ = release(ct)
    assert new.PatientIdentityRemoved == "YES"
    codes = {item.CodeValue for item in new.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113103", "113104", "113105", "113107", "113108", "113111"}
    assert new.DeidentificationMethod.startswith("imagehaven research")


def test_a_code_of_a_standard_scheme_has_the_standards_meaning(
    ct: Dataset, release: Released
) -> None:
    known, local = Dataset(), Dataset()
    known.CodeValue, known.CodingSchemeDesignator = "51185008", "SCT"
    known.CodeMeaning = CANARY
    local.CodeValue, local.CodingSchemeDesignator, local.CodeMeaning = "7", "99HOSPITAL", CANARY
    ct.AnatomicRegionSequence = Sequence([known, local])
    _, new, written = release(ct)
    assert _clean(written, CANARY)
    assert "thor" in new.AnatomicRegionSequence[0].CodeMeaning.lower() or "chest" in (
        new.AnatomicRegionSequence[0].CodeMeaning.lower()
    )
    assert new.AnatomicRegionSequence[1].CodeMeaning == "REMOVED"


def test_studies_without_patient_do_not_become_one_patient(ct: Dataset, release: Released) -> None:
    ct.PatientID = ""
    first, _, _ = release(ct)
    ct.StudyInstanceUID = "1.2.99"
    second, _, _ = release(ct)
    assert first.patient != second.patient


def test_a_text_under_the_vr_of_numbers_is_not_released(
    ct: Dataset, release: Released, file_of: Callable[..., bytes]
) -> None:
    with quiet_pydicom():
        ct.add_new(0x00281101, "OB", b"any text")  # RedPaletteColorLookupTableDescriptor
        ct.add_new(0x00281201, "OW", b"any other text")  # RedPaletteColorLookupTableData
        ct.TableSpeed = 38.4  # eight printable bytes by chance
        data = file_of(ct)
    _, new, written = release(data)
    assert _clean(written, "any text", "any other")
    assert new.TableSpeed == 38.4

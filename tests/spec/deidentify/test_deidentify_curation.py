"""What research needs is kept under options, and what must be there is there, saying nothing."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_dataset, load

ENHANCED_MR, KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.88.59"
WAVEFORM, CT = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.2"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
KEY = Pseudonyms(b"k" * 32)


def clean(source: Dataset, profile: Profile | str = "research") -> Dataset:
    """The data set after the pass, written and read again."""
    rules = load(profile) if isinstance(profile, str) else profile
    cleaned = deidentify_dataset(source, rules, KEY).dataset
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, cleaned, implicit_vr=False, little_endian=True)
    return pydicom.dcmread(BytesIO(buffer.getvalue()), force=True)


def with_options(folder: Path, *options: str, overrides: str = "{}") -> Profile:
    file = folder / "own.yaml"
    file.write_text(
        f"name: own\nextends: research\noptions: [{', '.join(options)}]\noverrides: {overrides}\n"
    )
    return load(file)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("KVP", "120"),
        ("XRayTubeCurrent", "140"),
        ("ExposureTime", "500"),
        ("CTDIvol", 7.25),
        ("ConvolutionKernel", "Br40d"),
        ("ContrastBolusAgent", "Omnipaque 350"),
        ("ContrastBolusVolume", "100"),
        ("ContrastBolusRoute", "IV"),
        ("ManufacturerModelName", "SOMATOM Force"),
        ("SoftwareVersions", "syngo CT VA50A"),
        ("PatientAge", "067Y"),
        ("PatientSex", "F"),
        ("PatientSize", "1.68"),
        ("PatientWeight", "71.5"),
        ("SmokingStatus", "NO"),
        ("MagneticFieldStrength", "3"),
        ("EchoTime", "2.98"),
        ("RepetitionTime", "2300"),
        ("RadionuclideTotalDose", "370000000"),
        ("DoseCalibrationFactor", "1.01"),
        ("SeriesDescription", "Thorax 5.0 Br40 contrast"),
        ("BodyPartExamined", "CHEST"),
    ],
)
def test_dose_contrast_kernel_device_and_patient_size_are_kept(
    ct: Dataset, keyword: str, value: object
) -> None:
    setattr(ct, keyword, value)
    assert clean(ct)[keyword].value == value


@pytest.mark.parametrize(
    ("born", "kept"),
    [("19560312", "shifted"), ("19331231", "090Y"), ("19100101", "090Y")],
)
def test_a_date_of_birth_that_is_kept_says_no_age_over_ninety(
    ct: Dataset, tmp_path: Path, born: str, kept: str
) -> None:
    own = with_options(tmp_path, overrides="{PatientBirthDate: {action: C, reason: approved}}")
    ct.PatientBirthDate, ct.StudyDate = born, "20240305"
    new = clean(ct, own)
    shift = KEY.date_shift("1203565678").days
    if kept == "shifted":
        moved = pydicom.valuerep.DA(new.PatientBirthDate)
        assert (moved - pydicom.valuerep.DA(born)).days == shift
    else:
        assert new.PatientBirthDate == f"{int(new.StudyDate[:4]) - 90:04d}0101"


def test_a_date_of_birth_without_a_day_of_study_is_not_kept(ct: Dataset, tmp_path: Path) -> None:
    own = with_options(tmp_path, overrides="{PatientBirthDate: {action: C, reason: approved}}")
    del ct.StudyDate
    assert clean(ct, own).PatientBirthDate == ""


def test_a_device_is_kept_by_name_and_number_when_the_option_says_so(
    ct: Dataset, tmp_path: Path
) -> None:
    ct.DeviceSerialNumber, ct.StationName = "SN0012345678", "Ward 7 Scanner"
    plain = clean(ct)
    assert plain.DeviceSerialNumber not in ("", "SN0012345678")
    assert "StationName" not in plain
    overrides = "{DeviceSerialNumber: {action: K, reason: needed}}"
    kept = clean(ct, with_options(tmp_path, "retain_device_identity", overrides=overrides))
    assert kept.StationName == "Ward 7 Scanner"


def test_an_institution_is_kept_when_the_option_says_so_but_never_with_a_patient_in_it(
    ct: Dataset, tmp_path: Path
) -> None:
    own = with_options(tmp_path, "retain_institution_identity")
    ct.InstitutionName = "Glenmore Infirmary"
    assert "InstitutionName" not in clean(ct)
    assert clean(ct, own).InstitutionName == "Glenmore Infirmary"
    ct.InstitutionName = "Home of Abernethy"
    assert "Abernethy" not in clean(ct, own).InstitutionName


def test_uids_are_kept_when_the_option_says_so(ct: Dataset, tmp_path: Path) -> None:
    ct.FrameOfReferenceUID = "1.2.840.99.123456.20240305"
    own = with_options(tmp_path, "retain_uids")
    new = clean(ct, own)
    assert new.FrameOfReferenceUID == "1.2.840.99.123456.20240305"
    assert new.StudyInstanceUID == ct.StudyInstanceUID
    assert clean(ct).FrameOfReferenceUID.startswith("2.25.")


def test_a_sequence_of_type_1_that_must_go_keeps_an_item_of_dummies(ct: Dataset) -> None:
    ct.SOPClassUID = WAVEFORM
    one, two = Dataset(), Dataset()
    one.UnformattedTextValue = "reviewed by Dr Corstorphine"
    one.ReferencedWaveformChannels = [1, 3]
    two.ReferencedWaveformChannels = [2, 4]
    ct.WaveformAnnotationSequence = Sequence([one, two])
    found = clean(ct, "basic").WaveformAnnotationSequence
    assert len(found) == 1
    assert list(found[0].ReferencedWaveformChannels) == [0, 0]
    assert "Corstorphine" not in str(found)


def test_when_a_report_was_verified_moves_with_its_other_dates(ct: Dataset) -> None:
    ct.SOPClassUID, ct.ContentDate = COMPREHENSIVE_SR, "20240305"
    verified = Dataset()
    verified.VerifyingObserverName, verified.VerifyingOrganization = "Munro^K", "Glenmore"
    verified.VerificationDateTime = "20240305101112"
    ct.VerifyingObserverSequence = Sequence([verified])
    new = clean(ct, "research")
    (found,) = new.VerifyingObserverSequence
    assert found.VerificationDateTime == f"{new.ContentDate}101112" != "20240305101112"
    assert "Munro" not in str(found)
    (emptied,) = clean(ct, "basic").VerifyingObserverSequence
    assert not str(emptied.VerificationDateTime).startswith("2024")


def test_a_body_part_is_kept_though_a_patient_is_called_so(ct: Dataset) -> None:
    ct.PatientName, ct.BodyPartExamined = "Pancreas^0001", "PANCREAS"
    assert clean(ct, "research").BodyPartExamined == "PANCREAS"
    ct.BodyPartExamined = "PANCREAS 0001"
    assert "PANCREAS" not in str(clean(ct, "research").get("BodyPartExamined", ""))


def test_frames_keep_their_number_when_their_items_lose_everything(ct: Dataset) -> None:
    ct.SOPClassUID = ENHANCED_MR
    frames = [Dataset() for _ in range(3)]
    for frame in frames:
        frame.FrameComments = "seen"
    ct.PerFrameFunctionalGroupsSequence = Sequence(frames)
    assert len(clean(ct, "basic").PerFrameFunctionalGroupsSequence) == 3


def test_what_an_enhanced_image_must_have_is_a_dummy_and_what_a_ct_need_not_is_gone(
    ct: Dataset,
) -> None:
    ct.DeviceSerialNumber, ct.InstanceCreationDate = "SN0012345", "20240305"
    assert "DeviceSerialNumber" not in clean(ct, "basic")
    assert "InstanceCreationDate" not in clean(ct, "basic")
    ct.SOPClassUID = ENHANCED_MR
    assert clean(ct, "basic").DeviceSerialNumber == "REMOVED"


def test_a_dummy_is_never_a_word_of_somebodys_name(ct: Dataset) -> None:
    ct.SOPClassUID, ct.DeviceSerialNumber = ENHANCED_MR, "SN0012345"
    ct.ReferringPhysicianName = "Removed^by CTP"
    new = clean(ct, "basic")
    assert new.DeviceSerialNumber == "DUMMY"
    assert new.ReferringPhysicianName == ""


def test_private_numbers_of_diffusion_and_dose_stay_in_blocks_numbered_anew(ct: Dataset) -> None:
    ct.add_new(0x00190055, "LO", "SIEMENS MR HEADER")
    ct.add_new(0x0019550C, "IS", "1000")
    ct.add_new(0x0019550F, "SH", "Fast")
    ct.add_new(0x20050011, "LO", "Philips MR Imaging DD 001")
    ct.add_new(0x200511B0, "FL", 0.5)
    ct.add_new(0x70530012, "LO", "Philips PET Private Group")
    ct.add_new(0x70531200, "DS", "0.000551")
    ct.add_new(0x70531203, "ST", "Abernethy.img")
    new = clean(ct)
    assert new[0x0019, 0x0010].value == "SIEMENS MR HEADER"
    assert new[0x0019, 0x100C].value == 1000
    assert new[0x2005, 0x10B0].value == 0.5
    assert str(new[0x7053, 0x1000].value) == "0.000551"
    assert (0x7053, 0x1003) not in new
    assert (0x0019, 0x100F) not in new


def test_private_elements_with_more_values_than_they_may_have_go(ct: Dataset) -> None:
    ct.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    ct.add_new(0x0019100C, "IS", ["1000", "12", "3"])
    ct.add_new(0x0019100E, "FD", [0.1, 0.2, 0.3])
    new = clean(ct)
    assert (0x0019, 0x100C) not in new
    assert list(new[0x0019, 0x100E].value) == [0.1, 0.2, 0.3]


def test_known_safe_private_elements_are_found_in_sequences_too(ct: Dataset) -> None:
    item = Dataset()
    item.add_new(0x20010020, "LO", "Philips Imaging DD 001")
    item.add_new(0x20012003, "FL", 800.0)
    item.add_new(0x20012099, "LO", "Abernethy")
    frame = Dataset()
    frame.MRDiffusionSequence = Sequence([item])
    ct.SharedFunctionalGroupsSequence = Sequence([frame])
    kept = clean(ct).SharedFunctionalGroupsSequence[0].MRDiffusionSequence[0]
    assert kept[0x2001, 0x1003].value == 800.0
    assert len(kept) == 2


def test_a_person_who_is_called_like_a_coded_value_does_not_empty_it(ct: Dataset) -> None:
    ct.PatientName, ct.OperatorsName = "Contains^Text", "Identity^Manual"
    ct.PresentationLUTShape = "IDENTITY"
    ct.SeriesDescription = "chest Contains"
    new = clean(ct)
    assert new.PresentationLUTShape == "IDENTITY"
    assert "ontains" not in str(new.get("SeriesDescription", ""))

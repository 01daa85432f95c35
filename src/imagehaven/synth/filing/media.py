"""A DICOMDIR for a CD: the directory of patient, study, series and image records (PS3.3 F)."""

from __future__ import annotations

import io

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from imagehaven.synth.filing.encode import IMPLEMENTATION_UID, file_bytes

_COPIED = {
    "PATIENT": ("SpecificCharacterSet", "PatientName", "PatientID"),
    "STUDY": (
        "SpecificCharacterSet", "StudyDate", "StudyTime", "StudyDescription", "StudyInstanceUID",
        "StudyID", "AccessionNumber",
    ),
    "SERIES": ("SpecificCharacterSet", "Modality", "SeriesInstanceUID", "SeriesNumber"),
    "IMAGE": ("SpecificCharacterSet", "InstanceNumber"),
}  # fmt: skip


def _record(kind: str, source: Dataset) -> Dataset:
    item = Dataset()
    item.OffsetOfTheNextDirectoryRecord = 0
    item.RecordInUseFlag = 0xFFFF
    item.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    item.DirectoryRecordType = kind
    for keyword in _COPIED[kind]:
        if keyword in source:
            item[keyword] = source[keyword]
    return item


def _image(name: str, source: Dataset) -> Dataset:
    item = _record("IMAGE", source)
    item.ReferencedFileID = name.split("/")
    item.ReferencedSOPClassUIDInFile = source.SOPClassUID
    item.ReferencedSOPInstanceUIDInFile = source.SOPInstanceUID
    item.ReferencedTransferSyntaxUIDInFile = ExplicitVRLittleEndian
    return item


def directory_bytes(files: list[tuple[str, Dataset]]) -> bytes:
    """Return the DICOMDIR of one study's files, given as (name on the disc, data set).

    Raises ValueError where there are no files.
    """
    if not files:
        raise ValueError("a DICOMDIR lists one file or more")
    first = files[0][1]
    records = [_record("PATIENT", first), _record("STUDY", first)]
    lower, following = {0: 1}, {}
    last_series, last_image, seen = None, None, ""
    for name, source in files:
        if source.SeriesInstanceUID != seen:
            seen = source.SeriesInstanceUID
            records.append(_record("SERIES", source))
            place = len(records) - 1
            if last_series is None:
                lower[1] = place
            else:
                following[last_series] = place
            last_series, last_image = place, None
        records.append(_image(name, source))
        place = len(records) - 1
        if last_image is None:
            lower[last_series or 0] = place
        else:
            following[last_image] = place
        last_image = place
    return _written(records, lower, following, first.StudyInstanceUID)


def _written(
    records: list[Dataset], lower: dict[int, int], following: dict[int, int], study: str
) -> bytes:
    """Write twice: once to learn where each record lies, once with those offsets."""
    ds = Dataset()
    ds.FileSetID = "RADIOLOGY"
    ds.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    ds.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    ds.FileSetConsistencyFlag = 0
    ds.DirectoryRecordSequence = records
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = UID(f"{study}.9")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    drafted = pydicom.dcmread(io.BytesIO(file_bytes(ds, meta)))
    offsets = [item.seq_item_tell for item in drafted.DirectoryRecordSequence]
    for place, record in enumerate(records):
        if place in lower:
            record.OffsetOfReferencedLowerLevelDirectoryEntity = offsets[lower[place]]
        if place in following:
            record.OffsetOfTheNextDirectoryRecord = offsets[following[place]]
    ds.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = offsets[0]
    ds.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = offsets[0]
    return file_bytes(ds, meta)

"""Instances for the specification: an image with an identifier wherever one can hide."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from imagehaven.deidentify import Deidentified, Profile, Pseudonyms, deidentify_file, load

CT = "1.2.840.10008.5.1.4.1.1.2"
Released = Callable[..., tuple[Deidentified, Dataset, bytes]]


@pytest.fixture(scope="session", name="research")
def _research() -> Profile:
    return load("research")


@pytest.fixture(scope="session", name="pseudonyms")
def _pseudonyms() -> Pseudonyms:
    return Pseudonyms(b"k" * 32)


@pytest.fixture(name="ct")
def _ct() -> Dataset:
    """A small valid CT image of one patient; a test adds what it is about."""
    ct = Dataset()
    ct.SOPClassUID = CT
    ct.SOPInstanceUID, ct.StudyInstanceUID, ct.SeriesInstanceUID = "1.2.3.4", "1.2.3", "1.2.3.5"
    ct.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ct.Modality = "CT"
    ct.PatientName, ct.PatientID = "Abernethy^Fionnlagh", "1203565678"
    ct.PatientBirthDate, ct.PatientSex, ct.PatientAge = "19560312", "M", "067Y"
    ct.StudyDate, ct.StudyTime = "20240305", "101112"
    ct.AccessionNumber, ct.StudyID, ct.ReferringPhysicianName = "RX77812", "77", ""
    ct.Manufacturer, ct.ManufacturerModelName = "SIEMENS", "Force"
    ct.StudyDescription, ct.SeriesDescription = "CT chest with contrast", "Thorax 5.0 Br40"
    ct.ConvolutionKernel, ct.KVP, ct.SliceThickness = "Br40d", "120", "5"
    ct.SamplesPerPixel, ct.PhotometricInterpretation = 1, "MONOCHROME2"
    ct.Rows = ct.Columns = 2
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 16, 12, 11, 0
    ct.PixelData = bytes(range(8))
    return ct


def as_file(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return ``dataset`` as a DICOM file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture(name="file_of")
def _file_of() -> Callable[..., bytes]:
    return as_file


@pytest.fixture(name="release")
def _release(tmp_path: Path, research: Profile, pseudonyms: Pseudonyms) -> Released:
    """De-identify a data set or the bytes of a file; return the result, read and as bytes."""

    def release(
        source: Dataset | bytes, profile: Profile = research
    ) -> tuple[Deidentified, Dataset, bytes]:
        data = source if isinstance(source, bytes) else as_file(source)
        result = deidentify_file(BytesIO(data), tmp_path / "out", profile, pseudonyms)
        written = (tmp_path / "out" / result.path).read_bytes()
        return result, pydicom.dcmread(BytesIO(written)), written

    return release

"""An instance in the making, and the modules that every IOD shares (PS3.3 C.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imagehaven.synth.answer_key import Mark
from imagehaven.synth.chance import noise, number
from imagehaven.synth.people import Name
from imagehaven.synth.plan import PatientPlan, SeriesPlan, StudyPlan
from imagehaven.synth.telling import Telling

Frames = NDArray[Any]
"""Pixels as (frames, rows, columns) or (frames, rows, columns, 3)."""

_OLD_MODALITIES = frozenset({"XA", "NM"})
"""These stand for machines that know no character set: their text is ASCII."""


@dataclass
class Instance:
    """A data set being made: its pixels apart until it is encoded, its marks so far."""

    dataset: Dataset
    frames: Frames | None
    marks: list[Mark] = field(default_factory=list)
    safe: list[tuple[str, str, str]] = field(default_factory=list)
    preamble: bytes = bytes(128)
    private_information: bytes = b""


@dataclass(frozen=True)
class Shoot:
    """One series about to be made; ``earlier`` is what the study holds so far."""

    plan: PatientPlan
    study: StudyPlan
    series: SeriesPlan
    earlier: tuple[Instance, ...]

    @cached_property
    def charset(self) -> str:
        """Return (0008,0005), empty where the machine knows none and the name allows it."""
        person = self.plan.person
        old = self.series.modality in _OLD_MODALITIES or self.series.syntax == "big-endian"
        return "" if old and person.name.folded().family else person.charset

    @cached_property
    def telling(self) -> Telling:
        """Return the tokens that leak sites are written with."""
        return Telling(self.plan, self.study, self.series, self.charset)

    @property
    def protocol(self) -> dict[str, Any]:
        """Return the series' protocol."""
        return self.series.protocol

    def uid(self, *numbers: int) -> str:
        """Return a UID of this series' scanner."""
        return f"{self.series.uid}." + ".".join(str(part) for part in numbers)

    def noise(self, *purpose: object) -> np.random.Generator:
        """Return the array generator for a purpose within this series."""
        return noise(self.plan.seed, self.series.uid, *purpose)

    def number(self, *purpose: object, below: int) -> int:
        """Return a number under ``below`` for a purpose within this series."""
        return number(self.plan.seed, self.series.uid, *purpose) % below

    def images(self, *modalities: str) -> list[Dataset]:
        """Return the image data sets made so far in this study, of some modalities or of any."""
        return [
            made.dataset
            for made in self.earlier
            if made.frames is not None and (not modalities or made.dataset.Modality in modalities)
        ]


def person_name(shoot: Shoot, name: Name) -> str:
    """Return a PN value that the series' character set can hold."""
    if not shoot.charset:
        return name.folded().person_name().upper()
    if name == shoot.plan.person.name:
        return name.person_name()
    return shoot.telling.fit(name.person_name())


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a code sequence item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def reference(dataset: Dataset) -> Dataset:
    """Return a SOP instance reference (PS3.3 10.8)."""
    item = Dataset()
    item.ReferencedSOPClassUID = dataset.SOPClassUID
    item.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    return item


def _patient(shoot: Shoot, ds: Dataset) -> None:
    person = shoot.plan.person
    ds.PatientName = person_name(shoot, person.name)
    ds.PatientID = person.nhs or person.chi
    ds.IssuerOfPatientID = "NHS" if person.nhs else "NHS Scotland CHI"
    ds.PatientBirthDate = f"{person.born:%Y%m%d}"
    ds.PatientSex = person.sex
    ds.PatientAge = f"{person.age(shoot.study.when.date()):03d}Y"
    if person.index % 3 == 0:
        ds.PatientAddress = shoot.telling.fit(person.address.whole())
        ds.PatientTelephoneNumbers = [person.phone, person.mobile]
        ds.PatientWeight = str(48 + person.index % 50)
    if person.former_name and person.index % 2:
        ds.PatientBirthName = shoot.telling.fit(f"{person.former_name}^{person.name.given}")


def _study(shoot: Shoot, ds: Dataset) -> None:
    study = shoot.study
    ds.StudyInstanceUID = study.uid
    ds.StudyID = str(shoot.plan.person.index * 10 + study.number)
    ds.StudyDate = f"{study.when:%Y%m%d}"
    ds.StudyTime = f"{study.when:%H%M%S}"
    ds.AccessionNumber = study.accession
    ds.StudyDescription = study.description
    ds.ReferringPhysicianName = person_name(shoot, study.referrer)
    ds.NameOfPhysiciansReadingStudy = person_name(shoot, study.radiologist)


def _series(shoot: Shoot, ds: Dataset) -> None:
    series, study = shoot.series, shoot.study
    ds.Modality = series.modality
    ds.SeriesInstanceUID = series.uid
    ds.SeriesNumber = str(series.number)
    ds.SeriesDate = f"{series.when:%Y%m%d}"
    ds.SeriesTime = f"{series.when:%H%M%S}"
    ds.SeriesDescription = series.protocol["description"]
    ds.PerformedProcedureStepStartDate = ds.SeriesDate
    ds.PerformedProcedureStepStartTime = ds.SeriesTime
    ds.PerformedProcedureStepID = f"PPS{study.accession}"
    ds.Manufacturer = series.scanner.manufacturer
    ds.ManufacturerModelName = series.scanner.model
    ds.SoftwareVersions = series.scanner.software
    ds.DeviceSerialNumber = series.scanner.serial
    ds.StationName = series.scanner.station
    ds.InstitutionName = study.hospital.name
    ds.InstitutionAddress = study.hospital.address
    ds.InstitutionalDepartmentName = study.hospital.department


def start(shoot: Shoot, sop_class: str, place: int, *, image: bool = True) -> Dataset:
    """Return a data set with the general modules; ``place`` counts instances from 1."""
    ds = Dataset()
    if shoot.charset:
        ds.SpecificCharacterSet = shoot.charset.split("\\")
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = shoot.uid(place)
    ds.InstanceNumber = str(place)
    _patient(shoot, ds)
    _study(shoot, ds)
    _series(shoot, ds)
    when = shoot.series.when
    ds.InstanceCreationDate = f"{when:%Y%m%d}"
    ds.InstanceCreationTime = f"{when:%H%M%S}"
    if not image:
        return ds
    ds.OperatorsName = person_name(shoot, shoot.study.operator)
    ds.PerformingPhysicianName = person_name(shoot, shoot.study.radiologist)
    ds.AcquisitionDate = ds.ContentDate = f"{when:%Y%m%d}"
    ds.AcquisitionTime = ds.ContentTime = f"{when:%H%M%S}.{place:06d}"
    ds.AcquisitionNumber = "1"
    ds.ProtocolName = shoot.protocol["protocol"]
    if shoot.protocol["body"]:
        ds.BodyPartExamined = shoot.protocol["body"]
    if shoot.protocol.get("bolus"):
        ds.ContrastBolusAgent = "Omnipaque 300"
        ds.ContrastBolusRoute = "IV"
    return ds


def grey(ds: Dataset, size: int, *, bits: int, signed: bool = False) -> None:
    """Put the Image Pixel module of a square grey image (PS3.3 C.7.6.3)."""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = size
    ds.BitsAllocated = 8 if bits == 8 else 16
    ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(signed)


def colour(ds: Dataset, rows: int, columns: int) -> None:
    """Put the Image Pixel module of a colour image."""
    ds.SamplesPerPixel = 3
    ds.PhotometricInterpretation = "RGB"
    ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0


def geometry(shoot: Shoot, ds: Dataset, place: int, spacing: float, thickness: float) -> None:
    """Put an axial Image Plane (PS3.3 C.7.6.2) and its frame of reference."""
    half = spacing * ds.Columns / 2
    z = round(-100 + (place - 1) * thickness, 2)
    ds.FrameOfReferenceUID = f"{shoot.study.uid}.0.{len(shoot.series.modality)}"
    ds.PositionReferenceIndicator = ""
    ds.PixelSpacing = [f"{spacing:.4f}"] * 2
    ds.SliceThickness = f"{thickness}"
    ds.ImagePositionPatient = [f"{-half:.3f}", f"{-half:.3f}", f"{z}"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.SliceLocation = f"{z}"

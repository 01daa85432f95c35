"""Patient numbers, dates and UIDs where no such thing belongs, in every way to write them."""

from __future__ import annotations

from struct import pack

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_attacks.kinds import BORN, CHI, NHS, STRANGER_CHI, Attack, Plant, field, has, item, put

_SPACED = f"{STRANGER_CHI[:6]} {STRANGER_CHI[6:]}"
_DIGITS = [
    ("AccessionNumber", STRANGER_CHI, ""),
    ("AccessionNumber", CHI, ""),
    ("ManufacturerModelName", STRANGER_CHI, "Force 12"),
    ("ManufacturerModelName", _SPACED, "VIA5.2"),
    ("SoftwareVersions", "070351-1238", "14.13_2.8.2L_H2.1M4"),
    ("SoftwareVersions", "070351  1238", "1.0.2 3.4"),
    ("SoftwareVersions", "07_03_51_1238", "07_03_51_12"),
    ("SoftwareVersions", "07.03.51.1238", "51.80.108.010"),
    ("SoftwareVersions", "07/03/51/1238", "2.6.3"),
    ("SeriesDescription", "CT chest 070 351 1238", "CT chest 070 351"),
    ("SeriesDescription", "CT 0703 511 238", "CT 0703 511"),
    ("SeriesDescription", "CT 07035,11238", "CT 0.703"),
    ("SoftwareVersions", NHS, "VB10"),
    ("SoftwareVersions", "943 476 5919", "943 476 59"),
    ("ConvolutionKernel", "H4417782", "H44s"),
    ("FilterType", "E7788990", "FLAT"),
    ("ScanOptions", STRANGER_CHI, "AXIAL MODE"),
    ("ScanOptions", "A1234567", "A12345"),
    ("ReconstructionDiameter", STRANGER_CHI, 370000000),
    ("ReconstructionDiameter", f"{STRANGER_CHI}.0", 500),
    ("ReconstructionDiameter", STRANGER_CHI[1:], 70351123),
    ("ReconstructionDiameter", f"+{NHS}", 1),
    ("InstanceNumber", STRANGER_CHI, 17),
    ("InstanceNumber", STRANGER_CHI[1:], 703511),
    ("SeriesDescription", "CT 12/04/1964", "CT 12/04"),
    ("SeriesDescription", "CT 12 Apr 64", "CT 12 AP 64"),
    ("SeriesDescription", "CT 1964-04-12", "CT 1264 axial"),
    ("SeriesDescription", "chest 1964", "chest 1024"),
    ("StudyDescription", "CT April 1964", "CT arterial 10"),
    ("ConvolutionKernel", "12041964", "B30s"),
    ("ManufacturerModelName", "12.04.1964", "Force 12.04"),
    ("ReconstructionDiameter", BORN, 19640),
    ("ReconstructionDiameter", f"{BORN}.1011", 1964.1011),
    ("ReconstructionDiameter", "202403051010", 20240),
    ("ReconstructionDiameter", "20240305101000", 2024),
    ("SeriesDescription", "DD1 9SY", "CT 19"),
    ("ManufacturerModelName", "EH12 9DN", "EH 12"),
    ("ManufacturerModelName", "a.b@nhs.scot", "Avanto fit"),
    ("ManufacturerModelName", "01382 660111", "01382 6"),
    ("AcquisitionTime", "20240305101112", "101112.5"),
    ("PatientAge", "101Y", "067Y"),
]


def _integer(number: int) -> Plant:
    return lambda dataset: dataset.add_new(0x00720078, "UL", number)  # SelectorULValue


def _integers(number: int, near: int) -> Attack:
    return Attack(
        _integer(number),
        (pack("<L", number), pack(">L", number)),
        _integer(near),
        has("SelectorULValue", near),
    )


def _uid(value: str, *secrets: str) -> Attack:
    return Attack(
        put("FrameOfReferenceUID", value),
        (value, *secrets),
        put("FrameOfReferenceUID", "1.2.840.10008.1.4.1.1"),
        has("FrameOfReferenceUID", "1.2.840.10008.1.4.1.1"),
    )


def _reference(value: str) -> Plant:
    inner = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=value)

    def plant(dataset: Dataset) -> None:
        dataset.ReferencedImageSequence = Sequence([inner])
        dataset.FrameOfReferenceUID = value

    return plant


def _agree(new: Dataset) -> bool:
    inner = new.ReferencedImageSequence[0]
    return bool(inner.ReferencedSOPInstanceUID == new.FrameOfReferenceUID)


NUMBERS: dict[str, Attack] = {
    **{f"{key}: {bad}": field(key, bad, good) for key, bad, good in _DIGITS},
    "chi as an integer": _integers(int(STRANGER_CHI), 703511239),
    "own chi as an integer": _integers(int(CHI), int(CHI) + 1),
    "chi as a double": Attack(
        lambda dataset: dataset.add_new(0x00189073, "FD", float(STRANGER_CHI)),
        (pack("<d", float(STRANGER_CHI)), pack(">d", float(STRANGER_CHI))),
        lambda dataset: dataset.add_new(0x00189073, "FD", 703511.5),
        has("AcquisitionDuration", 703511.5),
    ),
    "letters as integers": Attack(
        lambda dataset: dataset.add_new(0x00720078, "UL", [0x4361634D, 0x6C726166, 0x20656E61]),
        ("Macfarlane", b"Mcac"),
        lambda dataset: dataset.add_new(0x00720078, "UL", [1, 2, 3]),
        has("SelectorULValue", [1, 2, 3]),
    ),
    "chi in a uid": _uid(f"1.2.826.0.1.{STRANGER_CHI}.7", STRANGER_CHI),
    "chi below the standard's root": _uid(f"1.2.840.10008.{STRANGER_CHI}", STRANGER_CHI),
    "date in a uid": _uid(f"1.2.826.0.1.{BORN}101112.1", BORN),
    "mac address in a uid": _uid("2.25.1.3.0.28.66.161.180.27.9", "66.161.180.27"),
    "name in a uid": _uid("Macfarlane.1"),
    "referenced uids": Attack(
        _reference("1.2.826.0.1.3680043.8.498.7"),
        ("1.2.826.0.1.3680043",),
        _reference("1.2.826.0.1.3680043.8.498.7"),
        _agree,
    ),
    "a date that is none": Attack(
        put("SeriesTime", "101112"), (), put("SeriesTime", "101112"), has("SeriesTime", "101112")
    ),
}

"""Private blocks, groups that repeat, sequences about people, and what lies around a data set."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_attacks.kinds import CHI, NHS, STRANGER_CHI, Attack, Plant, has, item, put, raw, unknown

_SIEMENS = "SIEMENS MR HEADER"
_PHILIPS = "Philips Imaging DD 001"


def _private(group: int, creator: str, element: int, vr: str, value: object) -> Plant:
    def plant(dataset: Dataset) -> None:
        dataset.private_block(group, creator, create=True).add_new(element, vr, value)

    return plant


def _b_value(new: Dataset) -> bool:
    return str(new.private_block(0x0019, _SIEMENS)[0x0C].value) == "1000"


_NEAR_PRIVATE = _private(0x0019, _SIEMENS, 0x0C, "IS", "1000")


def _hidden(plant: Plant, *secrets: str | bytes) -> Attack:
    """An attack by a private element; known-safe ones are kept."""
    return Attack(plant, secrets, _NEAR_PRIVATE, _b_value)


def _twice(dataset: Dataset) -> None:
    for block in (0x10, 0x11):
        dataset.add_new(0x00190000 | block, "LO", _SIEMENS)
        dataset.add_new(0x0019000C | block << 8, "IS", "1000" if block == 0x10 else STRANGER_CHI)


def _moved(dataset: Dataset) -> None:
    dataset.private_block(0x0019, "MACFARLANE 1.0", create=True).add_new(0x0C, "LO", "Munro")
    dataset.private_block(0x0019, _SIEMENS, create=True).add_new(0x0D, "CS", "MUNRO")


def _sequence(keyword: str, near: Plant, kept: str, **values: object) -> Attack:
    plant = put(keyword, Sequence([item(**values)]))
    secrets = tuple(str(value) for value in values.values())
    return Attack(plant, secrets, near, lambda new: kept in new)


def _overlay_label(dataset: Dataset) -> None:
    for element, value in ((0x0022, "Macfarlane"), (0x1500, "Macfarlane"), (0x4000, "Macfarlane")):
        dataset.add_new(0x60000000 | element, "LO", value)


def _curve(dataset: Dataset) -> None:
    dataset.add_new(0x50003000, "OB", b"Macfarlane")
    dataset.add_new(0x50002500, "LO", "Macfarlane")
    dataset.add_new(0x5000200C, "OB", b"Macfarlane")


def _unknown_sequence(dataset: Dataset) -> None:
    inner = b"\x10\x00\x10\x00" + (10).to_bytes(4, "little") + b"Macfarlane"
    value = b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    for tag in (0x00081140, 0x00291010):
        raw(tag, "UN", value)(dataset)


_STEP = item(ScheduledProcedureStepDescription="CT chest")
_NEAR_REQUEST = put("RequestAttributesSequence", Sequence([_STEP]))
_NEAR_SERIES = put("SeriesDescription", "CT chest")

ELSEWHERE: dict[str, Attack] = {
    "private without creator": _hidden(unknown(0x00331005, b"Macfarlane"), "Macfarlane"),
    "private of an unknown creator": _hidden(
        _private(0x0009, "MACFARLANE 1.0", 1, "PN", "Macfarlane^F"), "Macfarlane"
    ),
    "csa header": _hidden(
        _private(0x0029, "SIEMENS CSA HEADER", 0x20, "OB", b"SV10\4\3 tPatientName Macfarlane\0\0"),
        "Macfarlane",
    ),
    "epoch in a private element": _hidden(
        _private(0x0019, _SIEMENS, 0x0C, "IS", "1709633472"), "1709633472"
    ),
    "name in a safe private element": _hidden(
        _private(0x0019, _SIEMENS, 0x0D, "CS", "MACFARLANE"), "MACFARLANE"
    ),
    "number in a safe private element": _hidden(
        _private(0x0019, _SIEMENS, 0x0C, "IS", STRANGER_CHI[1:]), STRANGER_CHI[1:]
    ),
    "safe private sequence": _hidden(
        _private(0x2001, _PHILIPS, 0x69, "SQ", [item(PatientName="Macfarlane^F")]), "Macfarlane"
    ),
    "creator reserved twice": _hidden(_twice, STRANGER_CHI),
    "moved block": _hidden(_moved, "Munro", "MACFARLANE"),
    "unknown sequences": Attack(
        _unknown_sequence, ("Macfarlane",), _NEAR_SERIES, has("SeriesDescription", "CT chest")
    ),
    "request attributes": _sequence(
        "RequestAttributesSequence",
        _NEAR_REQUEST,
        "RequestAttributesSequence",
        ScheduledProcedureStepID="SPS4711",
        RequestedProcedureID="RP4712",
        ScheduledProcedureStepDescription="CT for Macfarlane",
        AccessionNumber=STRANGER_CHI,
    ),
    "other patient ids": _sequence(
        "OtherPatientIDsSequence", _NEAR_SERIES, "SeriesDescription", PatientID=NHS
    ),
    "original attributes": _sequence(
        "OriginalAttributesSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        ModifyingSystem="MACFARLANE",
        SourceOfPreviousValues="MUNRO",
    ),
    "digital signature": _sequence(
        "DigitalSignaturesSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        MACIDNumber=4711,
        CertificateOfSigner=b"Macfarlane",
    ),
    "encrypted attributes": _sequence(
        "EncryptedAttributesSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        EncryptedContent=b"Macfarlane",
    ),
    "icon image": _sequence(
        "IconImageSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        Rows=4711,
        ImageComments="Macfarlane",
    ),
    "observer": _sequence(
        "ContentSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        PersonName="Macfarlane^F",
        TextValue="Macfarlane",
    ),
    "contributing equipment": _sequence(
        "ContributingEquipmentSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        InstitutionName="Macfarlane Infirmary",
        StationName="MACFARLANE2",
        OperatorsName="Munro^K",
        Manufacturer="Macfarlane",
    ),
    "acquisition context": _sequence(
        "AcquisitionContextSequence",
        _NEAR_SERIES,
        "SeriesDescription",
        TextValue="Macfarlane",
        PersonName="Munro",
    ),
    "overlay label": Attack(
        _overlay_label, ("Macfarlane",), _NEAR_SERIES, has("SeriesDescription", "CT chest")
    ),
    "curve and audio": Attack(
        _curve, ("Macfarlane",), _NEAR_SERIES, has("SeriesDescription", "CT chest")
    ),
    "padding behind the pixels": Attack(
        unknown(0xFFFCFFFC, b"Macfarlane"),
        ("Macfarlane",),
        _NEAR_SERIES,
        has("SeriesDescription", "CT chest"),
    ),
    "file meta": Attack(
        lambda dataset: dataset.file_meta.update(
            item(
                SourceApplicationEntityTitle="MACFARLANE",
                ImplementationVersionName="MUNRO",
                PrivateInformationCreatorUID="1.2.4711",
                PrivateInformation=CHI.encode(),
            )
        ),
        ("MACFARLANE", "MUNRO", CHI),
        _NEAR_SERIES,
        lambda new: new.file_meta.ImplementationVersionName == "IMAGEHAVEN",
    ),
}

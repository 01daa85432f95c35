"""Names where no names belong: own ones in every spelling, and those of strangers."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_attacks.kinds import Attack, all_of, field, has, item, put, raw, unknown

# The element, a stranger's name in it, and a value that scanners write there.
_STRANGERS = [
    ("Manufacturer", "MACFARLANE", "Philips Medical Systems"),
    ("Manufacturer", "Fiona Macfarlane", "GE MEDICAL SYSTEMS"),
    ("ManufacturerModelName", "macfarlane room 2", "SOMATOM Definition AS+"),
    ("ManufacturerModelName", "Ian", "Ingenuity CT"),
    ("SoftwareVersions", "Macfarlane,F", "syngo CT VA48A_12"),
    ("ConvolutionKernel", "MACFARLANE", "STANDARD"),
    ("FilterType", "F.Macfarlane", "BODY FILTER"),
    ("ScanOptions", "MACFARLANE", "HELICAL_CT"),
    ("FilterMaterial", "MACFARLANE", "MOLYBDENUM"),
    ("BodyPartExamined", "MACFARLANE", "CHEST"),
    ("ViewPosition", "AMY", "AP"),
    ("ReceiveCoilName", "Macfarlane", "HeadNeck_64"),
    ("SequenceName", "*macfarlane", "*fl3d1"),
    ("PulseSequenceName", "macfarlane", "*epfid2d1_64"),
    ("PositionReferenceIndicator", "Macfarlane", "OM"),
    ("AcquisitionDeviceProcessingCode", "MACFARLANE", "10090"),
    ("WindowCenterWidthExplanation", "Macfarlane", "WINDOW1"),
    ("LUTExplanation", "Macfarlane", "Regional Cerebral Blood Flow"),
    ("RescaleType", "MACFARLANE", "HU"),
    ("ContrastBolusRoute", "Macfarlane", "IV"),
    ("Radiopharmaceutical", "Macfarlane", "Fluorodeoxyglucose F18"),
    ("InterventionDrugName", "Macfarlane", "Adenosine"),
    ("DetectorDescription", "Macfarlane", "CsI"),
    ("ExposureControlModeDescription", "by Macfarlane", "0200"),
    ("SeriesDescription", "CT chest Macfarlane", "CT chest 5.0 Br40"),
    ("StudyDescription", "Mr Macfarlane", "MR brain with contrast"),
    ("ProtocolName", "macfarlane_chest", "Chest^Routine"),
    ("ImageComments", "F Macfarlane", "with contrast"),
    ("PatientComments", "wife is Fiona Macfarlane", "supine"),
    ("RequestedProcedureDescription", "CT for Macfarlane", "CT chest"),
    ("SelectorCSValue", "MACFARLANE", "IMAGE001"),
    ("RTPlanLabel", "Macfarlane", "VMAT prostate"),
    ("StructureSetLabel", "MACFARLANE", "Plan 1"),
    ("ApprovalStatus", "MACFARLANE", "APPROVED"),
    ("SegmentLabel", "Macfarlane", "Liver"),
    ("ContentDescription", "Macfarlane", "Image segmentation"),
]
_OWN = [
    "Drummond",
    "DRUMMOND^ELSPETH",
    "elspeth drummond",
    "Drummond,E",
    "dRuMmOnD",
    "x_drummond_y",
]


def _code(**values: str) -> Dataset:
    return item(AnatomicRegionSequence=Sequence([item(**values)]))


def _coded(**values: str) -> object:
    return lambda dataset: dataset.update(_code(**values))


def _anatomy(keyword: str, value: str) -> object:
    return lambda dataset: dataset.AnatomicRegionSequence[0].get(keyword) == value


_LOCAL = {"CodeValue": "CHEST", "CodingSchemeDesignator": "99PACS", "CodeMeaning": "Chest"}


def _code_attack(keyword: str, secret: str) -> Attack:
    plant, near = _coded(**{**_LOCAL, keyword: secret}), _coded(**_LOCAL)
    return Attack(plant, (secret,), near, _anatomy(keyword, _LOCAL[keyword]))  # type: ignore[arg-type]


def _nested(depth: int, leaf: Dataset) -> object:
    def plant(dataset: Dataset) -> None:
        inner = leaf
        for _ in range(depth):
            inner = item(SharedFunctionalGroupsSequence=Sequence([inner]))
        dataset.PerFrameFunctionalGroupsSequence = Sequence([inner])

    return plant


def _deepest(dataset: Dataset) -> Dataset:
    inner = dataset.PerFrameFunctionalGroupsSequence[0]
    while "SharedFunctionalGroupsSequence" in inner:
        inner = inner.SharedFunctionalGroupsSequence[0]
    return inner


def _deep_attack(depth: int) -> Attack:
    secret = item(PatientName="Macfarlane^F", OperatorsName="Munro^K", FrameComments="Macfarlane")
    secret.Manufacturer = "Macfarlane"
    near = item(SliceThickness="3", FrameType=["ORIGINAL", "PRIMARY"])
    return Attack(
        _nested(depth, secret),  # type: ignore[arg-type]
        ("Macfarlane", "Munro"),
        _nested(depth, near),  # type: ignore[arg-type]
        lambda new: _deepest(new).FrameType == ["ORIGINAL", "PRIMARY"],
    )


ELEMENTS: dict[str, Attack] = {
    "requesting service": Attack(
        put("RequestingService", "Ward 14 chest"),
        ("Ward 14", "chest"),
        put("RequestedProcedureDescription", "CT chest"),
        has("RequestedProcedureDescription", "CT chest"),
    ),
    **{f"stranger in {key}: {bad}": field(key, bad, good) for key, bad, good in _STRANGERS},
    **{f"own name as {name}": field("ManufacturerModelName", name, "Avanto") for name in _OWN},
    "own name with accents": Attack(
        raw(0x00081090, "LO", "Dr\u00fcmmond ".encode("latin-1")),
        ("Dr\u00fcmmond",),
        put("ManufacturerModelName", "Prisma"),
        has("ManufacturerModelName", "Prisma"),
    ),
    "name in ideographs": Attack(
        all_of(
            put("SpecificCharacterSet", ["", "ISO 2022 IR 87"]),
            raw(0x00080070, "LO", "\u5c71\u7530".encode("iso2022_jp")),
            raw(0x0008103E, "LO", "\u5c71\u7530".encode("utf-8")),
        ),
        ("\u5c71\u7530",),
        put("SeriesDescription", "T1 axial"),
        has("SeriesDescription", "T1 axial"),
    ),
    "name under a wrong character set": Attack(
        all_of(
            put("SpecificCharacterSet", "ISO_IR 144"),
            raw(0x00080070, "LO", "M\u00fcller-L\u00fcdenscheidt".encode("latin-1")),
        ),
        ("L\u00fcdenscheidt", "denscheidt"),
        put("Manufacturer", "SIEMENS"),
        has("Manufacturer", "SIEMENS"),
    ),
    "third value of an image type": Attack(
        put("ImageType", ["ORIGINAL", "PRIMARY", "MACFARLANE", "AXIAL"]),
        ("MACFARLANE",),
        put("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"]),
        lambda new: new.ImageType[2] == "AXIAL",
    ),
    "second of two versions": Attack(
        put("SoftwareVersions", ["VA48A", "Macfarlane"]),
        ("Macfarlane",),
        put("SoftwareVersions", ["VA48A", "VB10"]),
        has("SoftwareVersions", ["VA48A", "VB10"]),
    ),
    "behind a NUL": Attack(
        raw(0x00081090, "LO", b"Avanto\0Macfarlane"),
        ("Macfarlane",),
        raw(0x00081090, "LO", b"Avanto\0\0"),
        has("ManufacturerModelName", "Avanto"),
    ),
    "over-long value": Attack(
        raw(0x00181210, "SH", b"Br40" + b" " * 60 + b"Macfarlane"),
        ("Macfarlane",),
        raw(0x00181210, "SH", b"Br40" + b" " * 60),
        lambda new: new.ConvolutionKernel == "Br40",
    ),
    "standard text as UN": Attack(
        unknown(0x00080070, b"Macfarlane"),
        ("Macfarlane",),
        unknown(0x00080070, b"SIEMENS "),
        has("Manufacturer", "SIEMENS"),
    ),
    "text under the VR of a number": Attack(
        raw(0x00180050, "DS", b"Macfarlane"),
        ("Macfarlane",),
        put("SliceThickness", "5"),
        has("SliceThickness", 5),
    ),
    "code meaning": _code_attack("CodeMeaning", "Macfarlane"),
    "code value": _code_attack("CodeValue", "MACFARLANE"),
    "scheme": _code_attack("CodingSchemeDesignator", "MACFARLANE"),
    "three deep": _deep_attack(3),
    "twelve deep": _deep_attack(12),
}

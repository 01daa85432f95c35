"""Names, numbers, dates and rare facts in elements where nobody expects them."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_runs import (
    BORN,
    CHI,
    NHS,
    STRANGER,
    STRANGER_CHI,
    Plant,
    Released,
    Trap,
    as_bytes,
    has,
    item,
    planted,
    put,
    real,
    release_all,
    spelled,
    survivors,
    trap,
)

_SPACED = f"{STRANGER_CHI[:6]} {STRANGER_CHI[6:]}"
_CHEST = put(SeriesDescription="CT chest 5.0")
_CHEST_KEPT = has("SeriesDescription", "CT chest 5.0")


def _frame(**values: object) -> Dataset:
    """An item of a per-frame functional group."""
    return item(FrameContentSequence=Sequence([item(**values)]))


def _frames(**values: object) -> Plant:
    groups = Sequence([_frame(FrameAcquisitionNumber=1), _frame(**values)])
    return put(PerFrameFunctionalGroupsSequence=groups)


def _japanese(dataset: Dataset) -> None:
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.PatientName = (
        "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046"
    )
    dataset.SeriesDescription = "\u5c71\u7530 CT"
    dataset.ImageComments = "yamada TAROU \u3084\u307e\u3060"


def _korean(dataset: Dataset) -> None:
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 149"]
    dataset.PatientName = "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"
    dataset.ProtocolName = "\ud64d \uae38\ub3d9"


TRAPS: dict[str, Trap] = {
    "ideographic and phonetic components elsewhere": Trap(
        planted(_japanese),
        ("yamada", "tarou", "\u5c71\u7530", "\u592a\u90ce", "\u3084\u307e\u3060"),
    ),
    "hangul elsewhere": Trap(planted(_korean), ("gildong", "\ud64d", "\uae38\ub3d9")),
    "hyphen and apostrophe in another order": trap(
        put(PatientName="O'Rourke-Smyth^Mary Jane", SeriesDescription="mary jane ORourke Smyth"),
        ("rourke", "smyth", "mary jane"),
        _CHEST,
        _CHEST_KEPT,
    ),
    "accents left out": trap(
        put(
            SpecificCharacterSet="ISO_IR 192",
            PatientName="M\u00fcller^Zo\u00eb",
            ProtocolName="Muller zoe",
            SeriesDescription="MUELLER chest",
        ),
        ("muller", "m\u00fcller", "mueller", "zo\u00eb"),
        _CHEST,
        _CHEST_KEPT,
    ),
    **{
        f"number in StudyID as {number}": trap(
            put(StudyID=number),
            (number, number.replace(" ", "").replace("-", "")),
            put(StudyID="17"),
            lambda new: spelled(r"[A-Z0-9]{4,16}", new.StudyID),
        )
        for number in (STRANGER_CHI, _SPACED, f"{NHS[:3]} {NHS[3:6]} {NHS[6:]}", "070351-1238")
    },
    **{
        f"number in AccessionNumber as {number}": trap(
            put(AccessionNumber=number),
            (number, number.replace(" ", "").replace("-", "")),
            put(AccessionNumber=""),
            has("AccessionNumber", ""),
        )
        for number in (_SPACED, f"{NHS[:3]}-{NHS[3:6]}-{NHS[6:]}")
    },
    **{
        f"title of a hospital's machine in {keyword}": trap(
            put(**{keyword: "MACFARLANE_CT2"}), ("MACFARLANE",), _CHEST, _CHEST_KEPT
        )
        for keyword in ("RetrieveAETitle", "ScheduledStationAETitle", "PerformedStationAETitle")
    },
    "serial number with a time stamp": trap(
        put(DeviceSerialNumber="SN20240305101112", DetectorID="DET-20240305-1011"),
        ("20240305", "101112"),
        put(DeviceSerialNumber="1"),
        lambda new: bool(new.DeviceSerialNumber),
    ),
    "time zones and offsets of date-times": trap(
        put(AcquisitionDateTime="20240305101112.123456+0100", TimezoneOffsetFromUTC="+0100"),
        ("20240305",),
        put(AcquisitionDateTime="20240305101112.123456+0100"),
        lambda new: spelled(r"20\d{6}101112\.123456\+0100", str(new.AcquisitionDateTime)),
    ),
    "rare facts": trap(
        put(
            PatientAge="101Y",
            Occupation="Lighthouse keeper",
            PatientReligiousPreference="Zoroastrian",
            MilitaryRank="Brigadier",
            SpecialNeeds="tracheostomy of Macfarlane",
            EthnicGroup="St Kildan",
        ),
        ("101Y", "lighthouse", "zoroastr", "brigadier", "macfarlane", "kildan"),
        put(PatientAge="067Y", PatientSex="F", PatientSize="1.7"),
        has("PatientAge", "067Y"),
    ),
    "last menstrual date": trap(
        put(LastMenstrualDate="20240219", PregnancyStatus=4),
        ("20240219", b"\x10\0\xc0\x21US"),
        put(PatientWeight="61.5"),
        has("PatientWeight", 61.5),
    ),
    "second frame's comments": trap(
        _frames(FrameComments=f"{STRANGER} {STRANGER_CHI}", FrameLabel=STRANGER),
        (STRANGER, STRANGER_CHI),
        _frames(FrameAcquisitionNumber=2),
        lambda new: len(new.PerFrameFunctionalGroupsSequence) == 2,
    ),
    "second frame's date-time": trap(
        _frames(FrameAcquisitionDateTime="20240305101112", FrameReferenceDateTime="20240305101112"),
        ("20240305",),
        _frames(FrameAcquisitionDuration=12.5),
        lambda new: len(new.PerFrameFunctionalGroupsSequence) == 2,
    ),
    "birth date in words": trap(
        put(SeriesDescription="CT 12 April 1964", PatientComments="b. 12.4.64"),
        ("april", "1964", "12.4.64", BORN),
        put(SeriesDescription="CT arterial 1.25"),
        has("SeriesDescription", "CT arterial 1.25"),
    ),
    "identifiers in three values of one element": trap(
        put(OtherPatientIDs=[CHI, NHS, STRANGER_CHI], OtherPatientNames=["Macfarlane^F", "Munro"]),
        (NHS, STRANGER_CHI, "macfarlane", "munro"),
        put(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"]),
        has("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"]),
    ),
    "codes of a local scheme": trap(
        put(
            ProcedureCodeSequence=Sequence(
                [item(CodeValue="MACF1", CodingSchemeDesignator="99X", CodeMeaning=STRANGER)]
            )
        ),
        ("MACF1", STRANGER),
        _CHEST,
        _CHEST_KEPT,
    ),
    "everything at once, implicit": Trap(
        as_bytes(
            real(SeriesDescription=f"{STRANGER} {_SPACED}", ImageComments=f"{CHI} {BORN}"),
            implicit=True,
        ),
        (STRANGER, STRANGER_CHI, _SPACED),
    ),
}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("values"), TRAPS)


@pytest.mark.parametrize("name", TRAPS)
def test_no_planted_value_is_released(name: str, outcome: Released) -> None:
    assert name in outcome.files, outcome.reasons.get(name)
    secrets = (*TRAPS[name].secrets, "drummond", CHI, BORN)
    assert not survivors(outcome.bytes_of(name), secrets)


@pytest.mark.parametrize("name", [name for name, one in TRAPS.items() if one.near])
def test_what_looks_alike_is_kept(name: str, outcome: Released) -> None:
    assert TRAPS[name].kept(outcome.dataset(f"{name} near"))


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []

"""Identifiers put into released files behind the de-identifier's back are found by the verifier.

The values are those of the synthetic hospital's answer key; the places are every kind that a file
has.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imagehaven import synth
from imagehaven.deidentify import Pseudonyms, deidentify_file, load
from imagehaven.dicom.elements import to_elements
from imagehaven.dicom.header import read_header
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Quarantine, Withheld
from imagehaven.verify import AllowedValues, KnownIdentifiers, known_identifiers, verify_file

ELSEWHERE = ("pixels", "ContentSequence", "EncapsulatedDocument", "Graphic", "Derivation")
KINDS = ("name", "staff-name", "chi", "nhs", "accession", "email", "phone", "postcode")


@dataclass(frozen=True)
class Victim:
    """A released file, what is known of its patient, and the values planted in its original."""

    path: Path
    known: KnownIdentifiers
    allowed: AllowedValues
    values: tuple[str, ...]


@pytest.fixture(scope="module", name="victims")
def _victims(tmp_path_factory: pytest.TempPathFactory) -> list[Victim]:
    folder = tmp_path_factory.mktemp("bypass")
    synth.synthesise(folder / "hospital", patients=6, seed=11)
    planted: dict[str, set[str]] = {}
    with (folder / "hospital/answer_key/identifiers.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            # What stands in pixels or in a document alone is nothing that a header tells of.
            told = not row["location"].startswith(ELSEWHERE)
            if told and row["kind"] in KINDS and row["value"].isascii() and len(row["value"]) > 5:
                planted.setdefault(row["file"], set()).add(row["value"])
    made = (_victim(folder, name, planted[name]) for name in sorted(planted))
    return [victim for victim in made if victim is not None][::5][:6]


def _victim(folder: Path, name: str, values: set[str]) -> Victim | None:
    source = folder / "hospital" / name
    if not source.is_file():
        return None  # in an archive
    try:
        result = deidentify_file(source, folder, load("research"), Pseudonyms(b"k" * 32))
    except (Withheld, Quarantine):
        return None
    with source.open("rb") as stream, quiet_pydicom():
        header = read_header(stream, source.stat().st_size)
        known = known_identifiers(to_elements(header.dataset))
    allowed = AllowedValues(frozenset(new for _, _, new in result.mapping))
    return Victim(folder / result.path, known, allowed, tuple(sorted(values)))


def _put(keyword: str, form: str = "{}") -> Callable[[Dataset, str], object]:
    return lambda dataset, value: setattr(dataset, keyword, form.format(value))


def _item(keyword: str, value: object) -> Dataset:
    item = Dataset()
    setattr(item, keyword, value)
    return item


def _icon(value: str) -> Dataset:
    icon = Dataset()
    icon.add_new(0x7FE00010, "OB", value.encode())
    return icon


def _deep(dataset: Dataset, value: str) -> None:
    item = _item("RequestedProcedureDescription", value)
    for _ in range(5):
        item = _item("ReferencedSeriesSequence", Sequence([item]))
    dataset.RequestAttributesSequence = Sequence([item])


def _private(vr: str, form: Callable[[str], object]) -> Callable[[Dataset, str], object]:
    return lambda dataset, value: dataset.private_block(
        0x0019, "SIEMENS MR HEADER", create=True
    ).add_new(0x77, vr, form(value))


def _meta(dataset: Dataset, value: str) -> None:
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = value.encode()


PLACES: dict[str, Callable[[Dataset, str], object]] = {
    "description": _put("SeriesDescription", "scan {} x"),
    "comment": _put("ImageComments", "see {}."),
    "comment, upper": lambda d, v: setattr(d, "ImageComments", v.upper()),
    "comment, lower": lambda d, v: setattr(d, "ImageComments", v.lower()),
    "patient name": _put("PatientName"),
    "patient id": _put("PatientID"),
    "operator": _put("OperatorsName"),
    "accession number": _put("AccessionNumber"),
    "study id": _put("StudyID"),
    "maker": _put("Manufacturer"),
    "second version": lambda d, v: setattr(d, "SoftwareVersions", ["VA1", v]),
    "kernel": _put("ConvolutionKernel"),
    "scan options": _put("ScanOptions"),
    "image type": lambda d, v: setattr(d, "ImageType", ["ORIGINAL", "PRIMARY", v]),
    "under the VR of a date": lambda d, v: d.add(DataElement(0x00080021, "LO", v)),
    "unknown text": lambda d, v: d.add(DataElement(0x00204000, "UN", v.encode())),
    "other ids": lambda d, v: setattr(
        d, "OtherPatientIDsSequence", Sequence([_item("PatientID", v)])
    ),
    "code meaning": lambda d, v: setattr(
        d, "ProcedureCodeSequence", Sequence([_item("CodeMeaning", v)])
    ),
    "observer": lambda d, v: setattr(d, "ContentSequence", Sequence([_item("TextValue", v)])),
    "six deep": _deep,
    "private text": _private("LO", str),
    "private bytes": _private("UN", lambda v: b"\0\1" + v.encode() + b"\0\3"),
    "private bytes, 16 bits": _private("OB", lambda v: b"\1\2" + v.encode("utf-16-le")),
    "private header": _private("OB", lambda v: b"SV10\4\3tName = " + v.encode() + b"\0\0\xcd"),
    "private creator": lambda d, v: d.add_new(0x00310010, "LO", v),
    "file meta": _meta,
    "preamble": lambda d, v: setattr(d, "preamble", v.encode()[:128].ljust(128, b"\0")),
    "padding": lambda d, v: d.add_new(0xFFFCFFFC, "OB", b"\0\0" + v.encode()),
    "overlay": lambda d, v: d.add_new(0x60003000, "OW", b"\1\2" + v.encode()),
    "overlay label": lambda d, v: d.add_new(0x60001500, "LO", v),
    "icon": lambda d, v: setattr(d, "IconImageSequence", Sequence([_icon(v)])),
    "behind the data set": lambda d, v: None,
}


def test_a_released_file_has_no_findings(victims: list[Victim]) -> None:
    assert len(victims) >= 4
    for victim in victims:
        assert verify_file(victim.path, victim.known, allowed=victim.allowed) == []


@pytest.mark.parametrize("place", PLACES)
def test_an_identifier_behind_the_de_identifiers_back_is_found(
    place: str, victims: list[Victim], tmp_path: Path
) -> None:
    missed = []
    for victim in victims:
        for value in victim.values[:8]:
            with quiet_pydicom():
                dataset = pydicom.dcmread(victim.path)
                PLACES[place](dataset, value)
                buffer = BytesIO()
                dataset.save_as(buffer)
            tail = b"\0\1" + value.encode() if place == "behind the data set" else b""
            path = tmp_path / "planted.dcm"
            path.write_bytes(buffer.getvalue() + tail)
            if not verify_file(path, victim.known, allowed=victim.allowed):
                missed.append(value)
    assert not missed

"""Builds the corpus: one flat folder of instances, and their answer key."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.carriers import Carrier, carriers
from benchmarks.deid.midi.corpus.expected import to_keep
from benchmarks.deid.midi.corpus.hospital import hospital_cases
from benchmarks.deid.midi.corpus.key import Burned, Case, Check
from benchmarks.deid.midi.corpus.people import Person, person
from benchmarks.deid.midi.corpus.pixels import as_frames, burn, can_carry
from benchmarks.deid.midi.corpus.planting import own_identifiers, plant_into
from imagehaven.dicom.quiet import quiet_pydicom

_BURNED_SHARE = 0.3
# Made by scanners and free of text of their own: whatever changes here is damage.
_CLEAN = {"CT", "MR", "PT", "RTDOSE", "SEG"}
_SCREENS = {"SCREEN", "SCREEN SAVE", "REPORT", "SECONDARY"}


@dataclass(frozen=True)
class Corpus:
    """The instances in ``folder`` and what has to be done with each."""

    folder: Path
    cases: list[Case]


def build(
    folder: Path,
    *,
    also: list[Path],
    patients: int,
    per_class: int,
    largest: int = 3_000_000,
    seed: int = 1,
) -> Corpus:
    """Build the corpus in ``folder``: ``source/`` and what the hospital needs beside it."""
    source = folder / "source"
    source.mkdir(parents=True)
    cases = list(_real_cases(source, carriers(also, per_class, largest), seed))
    with quiet_pydicom():
        cases += hospital_cases(source, folder / "hospital", patients, seed)
    return Corpus(source, cases)


def _real_cases(folder: Path, found: Iterable[Carrier], seed: int) -> Iterator[Case]:
    people: dict[str, Person] = {}
    for number, carrier in enumerate(found):
        someone = people.setdefault(carrier.group, person(len(people) // 2, seed))
        name = f"r{number:05}.dcm"
        with quiet_pydicom():
            case = _case(name, carrier, someone, random.Random(f"{seed}/{carrier.name}"))
            try:
                carrier.dataset.save_as(folder / name, enforce_file_format=True)
            except Exception:  # noqa: BLE001 - what pydicom reads it cannot always write
                (folder / name).unlink(missing_ok=True)
                continue
        yield case


def _case(name: str, carrier: Carrier, someone: Person, chance: random.Random) -> Case:
    dataset = carrier.dataset
    burned = _burned(dataset, someone, chance)
    checks, secrets = plant_into(dataset, someone, chance)
    planted = {check.place for check in checks}
    case = Case(
        name, "real", str(dataset.PatientID), str(dataset.StudyInstanceUID),
        str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID), str(dataset.SOPClassUID),
        str(dataset.Modality), burned=burned, secrets=secrets,
    )  # fmt: skip
    case.add(checks)
    case.add(own_identifiers(dataset, planted))
    case.add(to_keep(dataset, planted))
    for box in burned:
        case.add([Check("pixels_hidden", text=box.text, kind="pixels", category="hipaa:HIPAA-A")])
    if not burned and _is_clean(dataset):
        case.add([Check("pixels_retained", kind="pixels", category="tcia:TCIA-P15-PIX-K")])
    return case


def _burned(dataset: Dataset, someone: Person, chance: random.Random) -> list[Burned]:
    """Burn text into some pictures; half of them own up to it, some deny it."""
    if chance.random() > _BURNED_SHARE or not can_carry(dataset):
        return []
    burned = burn(dataset, someone, chance)
    if burned:
        says = chance.choice(("YES", "YES", "NO", ""))
        if says:
            dataset.BurnedInAnnotation = says
        elif "BurnedInAnnotation" in dataset:
            del dataset.BurnedInAnnotation
    return burned


def _is_clean(dataset: Dataset) -> bool:
    if str(dataset.Modality) not in _CLEAN or "PixelData" not in dataset:
        return False
    if _SCREENS & set(dataset.get("ImageType", None) or []):
        return False
    if any(element.tag.group & 0xFF01 == 0x6000 for element in dataset):
        return False
    try:
        as_frames(dataset)
    except Exception:  # noqa: BLE001 - no decoder, or broken: nothing to compare
        return False
    return True

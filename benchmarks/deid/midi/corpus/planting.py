"""Plants identifiers into a data set and says what has to become of each."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from benchmarks.deid.midi.corpus.key import Check
from benchmarks.deid.midi.corpus.people import Person
from benchmarks.deid.midi.places import place_of, walk, written

_TOKEN = re.compile(r"\{(\w+)\}")
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")
_DISTINCTIVE = 6
# What the Standard did not register, and is a UID at all: it has two components (PS3.5 chapter 9).
_UID = re.compile(r"(?!1\.2\.840\.10008\.)\d+\.\d")
# A name that an earlier cleaner put in: somebody's dummy, and nobody's name.
_BLANKED = re.compile(r"(?i)anon|removed|deid|unknown|null|test|phantom")
CODES = {
    "name": "HIPAA-A", "address": "HIPAA-B", "date": "HIPAA-C", "phone": "HIPAA-D",
    "email": "HIPAA-F", "chi": "HIPAA-H", "nhs": "HIPAA-H", "record-number": "HIPAA-H",
    "device-serial": "HIPAA-M", "accession": "HIPAA-R", "staff-name": "HIPAA-R",
    "institution": "HIPAA-R", "station": "HIPAA-R",
}  # fmt: skip
"""The Safe Harbor letter (45 CFR 164.514(b)(2)(i)) that each kind of identifier counts under."""


@dataclass(frozen=True)
class Plant:
    """One line of plants.yaml."""

    at: Any
    text: str
    keep: str = ""
    rate: float = 1.0
    only: tuple[str, ...] = ()
    replace: bool = False


@lru_cache(maxsize=1)
def plants() -> tuple[Plant, ...]:
    """All plants, those for every file first."""
    text = Path(__file__).with_name("plants.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    return tuple(
        Plant(**{**entry, "only": tuple(entry.get("only", ()))})
        for entry in [*told["always"], *told["drawn"]]
    )


def plant_into(
    dataset: Dataset, person: Person, chance: random.Random
) -> tuple[list[Check], set[str]]:
    """Plant, and return the checks and the distinctive texts; one plant for one element."""
    checks: list[Check] = []
    secrets: set[str] = set()
    taken: set[str] = set()
    for plant in plants():
        drawn = chance.random() < plant.rate
        fits = not plant.only or str(dataset.get("Modality", "")) in plant.only
        if not (drawn and fits) or str(plant.at) in taken:
            continue
        text = _TOKEN.sub(lambda found: person.tokens[found[1]], plant.text)
        if plant.replace and plant.at not in dataset:
            continue
        if not _put(dataset, plant.at, text):
            continue
        taken.add(str(plant.at))
        place = _place(dataset, plant.at)
        checks += _required(plant, text, place, person)
        secrets |= {
            value
            for name in _TOKEN.findall(plant.text)
            if len(value := person.tokens[name]) >= _DISTINCTIVE and not value.isalpha()
        } - {person.tokens["exam"], person.tokens["born"]}
    return checks, secrets


def _required(plant: Plant, text: str, place: str, person: Person) -> Iterator[Check]:
    names = _TOKEN.findall(plant.text)
    if not names:
        yield Check("text_retained", place, text, text, "near miss", "tcia:TCIA-P15-DESC-C")
        return
    if names in (["exam"], ["born"]) and not plant.keep:
        yield Check("date_shifted", place, text, text, "date", "hipaa:HIPAA-C")
        return
    if plant.at == "PatientID":
        yield Check("patid_consistent", place, text, text, "chi", "dicom:DICOM-P15-BASIC-C")
    for name in names:
        kind = person.kinds[name]
        category = f"hipaa:{CODES[kind]}"
        yield Check("text_removed", place, text, person.tokens[name], kind, category)
    if plant.keep:
        yield Check("text_retained", place, text, plant.keep, "free text", "tcia:TCIA-P15-DESC-C")


def _put(dataset: Dataset, at: Any, text: str) -> bool:
    if isinstance(at, dict):
        group, element = at["group"], at["element"]
        value = text.encode() + b"\0" * (len(text) % 2) if at["vr"] == "OB" else text
        if at["creator"] is None:
            dataset.add_new(group << 16 | 0x1000 | element, at["vr"], value)
        else:
            block = dataset.private_block(group, at["creator"], create=True)
            block.add_new(element, at["vr"], value)
        return True
    here = dataset
    *above, last = at.split(".")
    for step in above:
        found = _STEP.fullmatch(step)
        assert found is not None, at
        if found[1] not in here or not here[found[1]].value:
            setattr(here, found[1], Sequence([Dataset()]))
        here = here[found[1]].value[0]
        if found[1].endswith("CodeSequence"):
            here.CodeValue, here.CodingSchemeDesignator = "X70", "99LOCAL"
            here.CodeMeaning = here.get("CodeMeaning", "Local procedure")
    tag = tag_for_keyword(last)
    assert tag is not None, at
    if tag in here:
        del here[tag]
    here.add_new(tag, dictionary_VR(tag).split(" or ")[0], text)
    return True


def _place(dataset: Dataset, at: Any) -> str:
    if not isinstance(at, dict):
        return place_of(dataset, at)
    if at["creator"] is None:
        return f"<({at['group']:04x},{0x1000 | at['element']:04x})>"
    return f'<({at["group"]:04x},"{at["creator"].upper()}",{at["element"]:02x})>'


def own_identifiers(dataset: Dataset, skip: set[str]) -> Iterator[Check]:
    """What the file itself brought: its UIDs and dates, at every depth."""
    for place, element in walk(dataset):
        value = written(element)
        if not value or place in skip:
            continue
        if element.VR == "UI" and element.VM == 1 and _UID.match(value):
            yield Check("uid_changed", place, value, value, "uid", "hipaa:HIPAA-R")
            if not element.tag.is_private:
                yield Check("uid_consistent", place, value, value, "uid", "dicom:DICOM-P15-BASIC-U")
        elif (
            element.VR in ("DA", "DT")
            and element.VM == 1
            and len(value) >= 8
            and value[:8].isdigit()
        ):
            yield Check("date_shifted", place, value, value, "date", "hipaa:HIPAA-C")
        elif element.VR == "PN" and len(value) > 3 and not _BLANKED.search(value):
            yield Check("text_removed", place, value, value, "name", "hipaa:HIPAA-A")

"""What happens to each patient, decided before a byte is written: `plan_patient(seed, n)`.

A plan is plain data. It hangs on the seed and the patient's number alone, so patients can be
planned and written in any order, in any process, to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any

from imagehaven.synth.chance import chance
from imagehaven.synth.people import Hospital, Name, Person, hospitals, make_person, staff_of
from imagehaven.synth.people.estate import Scanner
from imagehaven.synth.people.population import NOW
from imagehaven.synth.vocabulary import require

SHELVES = ("folder", "named-folder", "zip", "tar", "media")
"""Where a study lies: accession folders, folders named after the patient, an archive, a CD."""


@dataclass(frozen=True)
class SeriesPlan:
    """One series: a protocol of `data/protocols.yaml` on one scanner."""

    number: int
    uid: str
    protocol: dict[str, Any]
    scanner: Scanner
    when: datetime
    syntax: str

    @property
    def modality(self) -> str:
        """Return the DICOM Modality of the protocol."""
        return str(self.protocol["modality"])


@dataclass(frozen=True)
class StudyPlan:
    """One visit to radiology; ``shelf`` is one of `SHELVES`."""

    number: int
    uid: str
    accession: str
    description: str
    when: datetime
    hospital: Hospital
    referrer: Name
    radiologist: Name
    operator: Name
    series: tuple[SeriesPlan, ...]
    shelf: str


@dataclass(frozen=True)
class PatientPlan:
    """Everything about one patient. ``sample`` is empty for who gave no blood."""

    seed: int
    person: Person
    pathway: dict[str, Any]
    smoking: str
    sample: str
    studies: tuple[StudyPlan, ...]


@cache
def _pathways() -> tuple[dict[str, Any], ...]:
    needed = ["name", "ages", "sex", "smoking", "deaths", "diagnoses", "drugs", "labs"]
    return require("pathways.yaml", [*needed, "genotype", "studies"])


@cache
def protocols() -> dict[str, dict[str, Any]]:
    """Return the protocols by key."""
    needed = ["key", "builder", "modality", "description", "body", "count", "size", "syntaxes"]
    return {entry["key"]: entry for entry in require("protocols.yaml", needed)}


def _shelf(index: int, number: int) -> str:
    """Take turns: of every ten patients one has a CD, one a zip, one a tar, two named folders."""
    if number:
        return "folder"
    turn = {1: "named-folder", 2: "zip", 4: "tar", 6: "named-folder", 7: "media"}
    return turn.get(index % 10, "folder")


def _series(
    index: int, start: datetime, hospital: Hospital, keys: list[str], rng: Random
) -> tuple[SeriesPlan, ...]:
    planned = []
    when = start
    for number, key in enumerate(keys, start=1):
        protocol = protocols()[key]
        modality = protocol["modality"]
        scanner = hospital.scanner(modality)
        when += timedelta(seconds=rng.randrange(60, 600))
        syntaxes = protocol["syntaxes"]
        planned.append(
            SeriesPlan(
                number=number,
                uid=scanner.uid_at(when, index, number),
                protocol=protocol,
                scanner=scanner,
                when=when,
                syntax=syntaxes[(index // 10 + index + number) % len(syntaxes)],
            )
        )
    return tuple(planned)


def _study(
    seed: int, person: Person, number: int, wish: dict[str, Any], first: datetime
) -> StudyPlan:
    index = person.index
    rng = chance(seed, "study", index, number)
    estate = hospitals(seed)
    home = index % len(estate)
    hospital = estate[home if rng.random() < 0.8 else rng.randrange(len(estate))]
    staff = staff_of(seed, hospital.key)
    when = first + timedelta(days=wish["after"], minutes=rng.randrange(-300, 300))
    series = _series(index, when, hospital, wish["series"], rng)
    return StudyPlan(
        number=number,
        uid=series[0].scanner.uid_at(when, index),
        accession=f"{hospital.aet[0]}{when:%y}{index:06d}{number}{rng.randrange(100):02d}",
        description=wish["description"],
        when=when,
        hospital=hospital,
        referrer=rng.choice(staff.doctors),
        radiologist=rng.choice(staff.doctors),
        operator=rng.choice(staff.radiographers),
        series=series,
        shelf=_shelf(index, number),
    )


def plan_patient(seed: int, n: int) -> PatientPlan:
    """Return the plan of patient number ``n`` (from 0) of the hospital of this seed."""
    pathways = _pathways()
    pathway = pathways[n % len(pathways)]
    rng = chance(seed, "plan", n)
    person = make_person(
        seed,
        n,
        sex=rng.choice(pathway["sex"]),
        age=tuple(pathway["ages"]),
        died=rng.random() < pathway["deaths"],
    )
    latest = max(study["after"] for study in pathway["studies"])
    days_back = latest + rng.randrange(95, 500)
    clock = time(rng.randrange(8, 18), rng.randrange(60), rng.randrange(60))
    first = datetime.combine(NOW - timedelta(days=days_back), clock)
    return PatientPlan(
        seed=seed,
        person=person,
        pathway=pathway,
        smoking=rng.choice(pathway["smoking"]),
        sample=f"GS{n:06d}" if rng.random() < pathway["genotype"] else "",
        studies=tuple(
            _study(seed, person, number, wish, first)
            for number, wish in enumerate(pathway["studies"])
        ),
    )

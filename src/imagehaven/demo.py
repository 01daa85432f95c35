"""The demonstration: the whole road, once, on a synthetic hospital and real scanner files.

Comes in: an empty folder. Goes out: a hospital with its answer key, a haven that has catalogued
it, a cohort with its attrition, a verified release, and the count of planted identifiers that
came through, looked for by :mod:`imagehaven.synth.survival`, which shares no code with the road.
Every step is the public call that the command line makes too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import select

from imagehaven import catalogue, cohort, curate, link, synth
from imagehaven.actions import action
from imagehaven.engine import Progress, quiet
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.release import release
from imagehaven.synth.survival import Survival, survival

PROJECT = "demo"
_LINKED = ("smoking", "admissions", "prescriptions", "labs", "deaths")
_EVERYTHING = '''"""Everything that the demonstration catalogued."""

from imagehaven.cohort import cohort, instances

cohort(instances)
'''


@dataclass(frozen=True)
class DemoReport:
    """What the demonstration did; the mappings are the summaries of its steps."""

    haven: str
    hospital: str
    release_folder: str
    ingest: dict[str, Any]
    cohort: dict[str, Any]
    release: dict[str, Any]
    identifiers_planted: int
    identifiers_in_released_files: int
    identifiers_survived: int
    audit_intact: bool

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return dict(vars(self))


@action("demo", permission="anyone", event=None)
def demo(
    folder: Path,
    *,
    patients: int = 30,
    seed: int = 1,
    engine: str = "pool",
    progress: Progress = quiet,
) -> DemoReport:
    """Drive the road in ``folder``; run again, it goes on where it stopped."""
    hospital, place = folder / "hospital", folder / "haven"
    synth.synthesise(
        hospital,
        patients=patients,
        seed=seed,
        progress=lambda done, total: progress("synthetic hospital", done, total),
    )
    haven = Haven.create(place)
    curate.refresh(haven)
    sources = [hospital / "dicom", *real_files()]
    found = catalogue.ingest(haven, sources, engine=engine, progress=progress)
    for name in _LINKED:
        link.load(haven, name, [hospital / "health" / f"{name}.csv"], patient="chi")
    link.create_project(haven, PROJECT)
    chosen = cohort.run(haven, example("ct_chest_contrast_smokers"), project=PROJECT)
    definition = folder / "everything.py"
    definition.write_text(_EVERYTHING, encoding="utf-8")
    cohort.run(haven, definition, project=PROJECT)
    target = folder / "release"
    released = release(haven, PROJECT, "everything", to=target, engine=engine, progress=progress)
    outcome = leaks(haven, hospital, released.release or "", target)
    return DemoReport(
        haven=str(place),
        hospital=str(hospital),
        release_folder=str(target),
        ingest=found.summary(),
        cohort=chosen.summary(),
        release=released.summary(),
        identifiers_planted=outcome.planted,
        identifiers_in_released_files=outcome.in_released,
        identifiers_survived=len(outcome.survivors),
        audit_intact=haven.ledger.audit.verify().intact,
    )


def leaks(haven: Haven, hospital: Path, name: str, target: Path) -> Survival:
    """Hold the hospital's answer key against the files of the release ``name`` in ``target``."""
    table = schema.release_item
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table.c.SOPInstanceUID, table.c.path)
            .where(table.c.release == name, table.c.state == "released")
            .order_by(table.c.SOPInstanceUID)
        ).all()
    return survival(hospital, {row.SOPInstanceUID: target / row.path for row in rows})


def example(name: str) -> Path:
    """The file of a cohort definition that comes with imagehaven."""
    return Path(cohort.__path__[0]) / "examples" / f"{name}.py"


def real_files() -> Iterator[Path]:
    """The real scanner files of the packages pydicom and, where installed, pydicom-data."""
    for package, folder in (("pydicom", "data"), ("data_store", "data")):
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            yield Path(spec.submodule_search_locations[0]) / folder

"""A small road up to the release: a catalogued hospital, projects and cohorts on it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import pydicom.data

from imagehaven import cohort
from imagehaven.catalogue import ingest
from imagehaven.cohort.versions import CohortVersion
from imagehaven.haven import Haven, Settings
from imagehaven.link import create_project

EVERYTHING = (
    '"""Everything."""\n\nfrom imagehaven.cohort import cohort, instances\n\ncohort(instances)\n'
)
MR = (
    '"""MR."""\n\nfrom imagehaven.cohort import cohort, series\n\n'
    'cohort(series.where(series.Modality == "MR"))\n'
)


@dataclass(frozen=True)
class Road:
    """A haven with a catalogued hospital; each test takes projects and folders of its own."""

    haven: Haven
    hospital: Path
    folder: Path

    def cohort(self, project: str, text: str = EVERYTHING, name: str = "all") -> CohortVersion:
        """Make the project and run a cohort in it."""
        create_project(self.haven, project)
        file = self.folder / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        return cohort.run(self.haven, file, project=project)


def catalogued(place: Path, hospital: Path, *, real: bool = False) -> Road:
    """A haven in ``place`` with the hospital, and with pydicom's smaller files."""
    haven = Haven.create(place / "haven", Settings(name="test", workers=2, chunk_items=10))
    return on_haven(haven, place, hospital, real=real)


def on_haven(haven: Haven, place: Path, hospital: Path, *, real: bool = False) -> Road:
    """The same on a haven that is there."""
    sources = [hospital / "dicom"]
    if real:
        tests = Path(pydicom.data.__file__).parent / "test_files"
        sources += [path for path in sorted(tests.glob("*.dcm")) if path.stat().st_size < 200_000]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ingest(haven, sources, workers=2)
    return Road(haven, hospital, place)

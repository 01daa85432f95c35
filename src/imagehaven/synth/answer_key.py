"""The answer key: where every identifier was planted, so that recall can be measured.

`identifiers.csv` has one row for each planted value. ``location`` is a keyword path such as
``RequestAttributesSequence[0].ScheduledProcedureStepDescription``, a private tag as
``(0029,1010)``, or one of ``file-meta/KEYWORD``, ``preamble``, ``trailing``, ``path``,
``pixels[1-6]@x,y,w,h`` (frames from 1; box in pixels), ``overlay 6000``, ``line 3`` (of a text).
``expect`` says what a release may do with it: ``remove``, ``shift`` (a date) or ``map`` (a UID);
in each case the value itself must not come back.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Literal

Expect = Literal["remove", "shift", "map"]

KINDS = (
    "name", "chi", "nhs", "address", "postcode", "phone", "email", "date", "uid", "accession",
    "staff-name", "institution", "device-serial", "aet", "age-over-89", "demographic", "number",
)  # fmt: skip
"""What a planted value can be. ``number`` is a study, request or system id with no other name."""


@dataclass(frozen=True)
class Mark:
    """One identifier at one place within a file."""

    location: str
    kind: str
    value: str

    @property
    def expect(self) -> Expect:
        """Return what a release may do with the value."""
        if self.kind == "uid":
            return "map"
        return "shift" if self.kind == "date" else "remove"


@dataclass(frozen=True)
class Planted:
    """A row of `identifiers.csv`."""

    patient_key: str
    SOPInstanceUID: str
    file: str
    location: str
    kind: str
    value: str
    expect: Expect


@dataclass(frozen=True)
class Safe:
    """A row of `safe.csv`: a value that looks like an identifier or matters, and must survive."""

    SOPInstanceUID: str
    file: str
    location: str
    value: str
    why: str


@dataclass(frozen=True)
class FileRow:
    """A row of `files.csv`: one object and what ingest should make of it.

    ``file`` is relative to the hospital's folder; a member of an archive is ``archive!member``.
    ``state`` is catalogued, duplicate, conflicting or quarantined; ``reason`` goes with the last.
    """

    file: str
    sha256: str
    SOPInstanceUID: str
    patient_key: str
    modality: str
    state: str
    reason: str = ""


def planted(patient: str, uid: str, file: str, marks: Iterable[Mark]) -> list[Planted]:
    """Return the rows of one file's marks, each once."""
    return [
        Planted(patient, uid, file, mark.location, mark.kind, mark.value, mark.expect)
        for mark in dict.fromkeys(marks)
        if mark.value
    ]


@contextmanager
def csv_rows(path: Path, columns: Iterable[str]) -> Iterator[Any]:
    """Open a CSV file with a heading line and give its writer; lines end in LF everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(list(columns))
        yield writer


def columns(row: type[Any]) -> list[str]:
    """Return the column names of a row type."""
    return [field.name for field in fields(row)]


def cells(row: Any) -> tuple[Any, ...]:
    """Return the cells of a row."""
    return astuple(row)

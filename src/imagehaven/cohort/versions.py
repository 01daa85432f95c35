"""Cohort versions: immutable records of what was asked, on which snapshot, and who was chosen.

The members lie in the lake table ``cohort_member``, so that a release joins them to the catalogue
in one query; text, attrition and hashes lie in the ledger. A version is written once: its members
first, its ledger row last, so a version that can be found is whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import func, insert, select

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now

_MEMBERS = """
CREATE TABLE IF NOT EXISTS cohort_member (
    project VARCHAR, cohort VARCHAR, version INTEGER,
    SOPInstanceUID VARCHAR, SeriesInstanceUID VARCHAR, StudyInstanceUID VARCHAR, PatientID VARCHAR
)
"""
_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")


@dataclass(frozen=True)
class CohortVersion:
    """One version. ``attrition`` has a row a step, ``counts`` the members at the four levels."""

    project: str
    cohort: str
    version: int
    created_at: str
    actor: str
    text: str
    sha256: str
    snapshot: int
    members_sha256: str
    attrition: list[dict[str, Any]]
    counts: dict[str, int]

    @property
    def label(self) -> str:
        """How people name it: ``cohort@version``."""
        return f"{self.cohort}@{self.version}"

    def summary(self) -> dict[str, Any]:
        """The version without its text."""
        return {key: value for key, value in asdict(self).items() if key != "text"}


@dataclass(frozen=True)
class Draft:
    """What a cohort run found, before it is stored."""

    project: str
    cohort: str
    text: str
    sha256: str
    definition: Any
    snapshot: int
    attrition: list[dict[str, Any]]
    counts: dict[str, int]
    members: pa.Table


def store_version(haven: Haven, draft: Draft) -> CohortVersion:
    """Keep a cohort as its next version; the same text on the same members is not kept twice.

    ``draft.members`` has the columns SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID and
    PatientID, one row an instance. A killed call leaves members of a version that does not exist;
    the next call replaces them.
    """
    members_sha256 = _fingerprint(draft.members)
    latest = _latest(haven, draft.project, draft.cohort)
    if latest and (latest.sha256, latest.members_sha256) == (draft.sha256, members_sha256):
        return latest
    version = latest.version + 1 if latest else 1
    key = [draft.project, draft.cohort, version]
    with haven.lake.transaction() as connection:
        connection.execute(_MEMBERS)
        connection.execute(
            "DELETE FROM cohort_member WHERE project = ? AND cohort = ? AND version = ?", key
        )
        connection.register("members", draft.members)
        connection.execute(
            f"INSERT INTO cohort_member SELECT ?, ?, ?, {', '.join(_UIDS)} "  # noqa: S608
            "FROM members ORDER BY PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID",
            key,
        )
    row = {
        "project": draft.project,
        "cohort": draft.cohort,
        "version": version,
        "created_at": now(),
        "actor": haven.ledger.actor,
        "text": draft.text,
        "sha256": draft.sha256,
        "definition": draft.definition,
        "snapshot": draft.snapshot,
        "members_sha256": members_sha256,
        "attrition": draft.attrition,
        "counts": draft.counts,
    }
    with haven.ledger.begin() as transaction:
        transaction.execute(insert(schema.cohort_version).values(**row))
    return get_version(haven, draft.project, f"{draft.cohort}@{version}")


def get_version(haven: Haven, project: str, name: str) -> CohortVersion:
    """The cohort ``name`` of a project: its newest version, or that of ``name@version``.

    Raises UserError naming the cohorts that the project has.
    """
    cohort, at, number = name.partition("@")
    # Ten digits and more are no version, and too many for a database's integer.
    numbered = number.isascii() and number.isdecimal() and len(number) < 10
    table = schema.cohort_version
    query = select(table).where(table.c.project == project, table.c.cohort == cohort)
    if numbered:
        query = query.where(table.c.version == int(number))
    with haven.ledger.begin() as connection:
        row = connection.execute(query.order_by(table.c.version.desc()).limit(1)).first()
    if row is None or (at and not numbered):
        labels = ", ".join(version.label for version in versions(haven, project)) or "none yet"
        raise UserError(
            f"Project {project!r} has no cohort {name!r}. Cohorts: {labels}. "
            f"`imagehaven cohort run FILE --project {project}` makes one."
        )
    return _version(row)


def versions(haven: Haven, project: str | None = None) -> list[CohortVersion]:
    """Every cohort version, of one project or of all, oldest version first."""
    table = schema.cohort_version
    query = select(table).order_by(table.c.project, table.c.cohort, table.c.version)
    if project is not None:
        query = query.where(table.c.project == project)
    with haven.ledger.begin() as connection:
        return [_version(row) for row in connection.execute(query)]


def _latest(haven: Haven, project: str, cohort: str) -> CohortVersion | None:
    table = schema.cohort_version
    with haven.ledger.begin() as connection:
        newest = connection.execute(
            select(func.max(table.c.version)).where(
                table.c.project == project, table.c.cohort == cohort
            )
        ).scalar()
    return get_version(haven, project, f"{cohort}@{newest}") if newest else None


def _version(row: Any) -> CohortVersion:  # a SQLAlchemy row
    values = dict(row._mapping)
    del values["definition"]
    return CohortVersion(**values)


def _fingerprint(members: pa.Table) -> str:
    digest = hashlib.sha256()
    for uid in sorted(members.column("SOPInstanceUID").to_pylist()):
        digest.update(uid.encode() + b"\n")
    return digest.hexdigest()

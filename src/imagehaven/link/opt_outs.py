"""Opt-outs: people whose images must never be released.

Kept as keyed hashes, for the whole haven or for one project. Nothing removes or ignores one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from imagehaven.actions import action
from imagehaven.catalogue import prepare
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.link.projects import open_project

EVERYWHERE = ""
_COLUMN = "patientid"
_BATCH = 500


@dataclass(frozen=True)
class OptOutReport:
    """What ``opt_out`` did: identifiers read, how many were new, how many the catalogue knows."""

    read: int
    added: int
    catalogued: int
    scope: str

    def summary(self) -> dict[str, Any]:
        """The report as counts."""
        return asdict(self)


def canonical(patient_id: str) -> str:
    """The form in which patient identifiers are compared: a number's spacing does not count.

    >>> canonical(" 010190 1234 ")
    '0101901234'
    """
    text = " ".join(patient_id.split())
    digits = re.sub(r"[ -]", "", text)
    return digits if digits.isdecimal() else text.upper()


@action("opt-out add", permission="data-manager", event="opt-out")
def opt_out(
    haven: Haven, lists: list[Path], *, project: str | None = None, check: bool = False
) -> OptOutReport:
    """Read lists of patient identifiers and never release those people again.

    A list is a CSV file with a column ``PatientID``, or a text file with one identifier a line.
    With ``project`` it holds for that project only. Adding a list twice changes nothing. Raises
    UserError naming the file and line that has no identifier.
    """
    scope = open_project(haven, project).name if project else EVERYWHERE
    found = {canonical(value): path.name for path in lists for value in _read(path)}
    lookups = {haven.keyring.lookup("opt-out", value): name for value, name in found.items()}
    table = schema.opt_out
    with haven.ledger.begin() as connection:
        count = select(func.count()).select_from(table).where(table.c.scope == scope)
        before = connection.execute(count).scalar_one()
        rows = [
            {"lookup": lookup, "scope": scope, "added_at": now(), "source": name}
            for lookup, name in sorted(lookups.items())
        ]
        postgres = connection.dialect.name == "postgresql"
        add = (postgresql.insert if postgres else sqlite.insert)(table).on_conflict_do_nothing()
        if not check:
            for first in range(0, len(rows), _BATCH):
                connection.execute(add, rows[first : first + _BATCH])
        added = connection.execute(count).scalar_one() - before
    prepare(haven)
    known = haven.sql("SELECT PatientID FROM patient").column(0).to_pylist()
    catalogued = len(found.keys() & {canonical(value) for value in known if value})
    return OptOutReport(len(found), added, catalogued, project or "every project")


@action("opt-out list", permission="data-manager", event=None)
def opt_outs(haven: Haven) -> dict[str, int]:
    """How many people opted out, for every project and for each; who they are stays hashed."""
    table = schema.opt_out
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table.c.scope, func.count()).group_by(table.c.scope).order_by(table.c.scope)
        ).all()
    return {scope or "every project": count for scope, count in rows}


def opted_out(haven: Haven, project: str, patient_ids: Iterable[str]) -> set[str]:
    """Those of ``patient_ids`` (as catalogued) that opted out of everything or of ``project``."""
    table = schema.opt_out
    with haven.ledger.begin() as connection:
        listed = set(
            connection.execute(
                select(table.c.lookup).where(table.c.scope.in_([EVERYWHERE, project]))
            ).scalars()
        )
    if not listed:
        return set()
    return {
        patient_id
        for patient_id in set(patient_ids)
        if haven.keyring.lookup("opt-out", canonical(patient_id)) in listed
    }


def _read(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The opt-out list {path} cannot be read: {error}.") from error
    rows = list(csv.reader(text.splitlines()))
    column = 0
    heading = (
        [cell.strip().lower().replace("_", "").replace(" ", "") for cell in rows[0]] if rows else []
    )
    if _COLUMN in heading:
        column = heading.index(_COLUMN)
    elif len(heading) > 1:
        raise UserError(
            f"The opt-out list {path} has several columns and none is called PatientID. "
            "Name the column with the identifiers PatientID."
        )
    first = 1 if _COLUMN in heading else 0
    empty = True
    for number, row in enumerate(rows[first:], first + 1):
        if not any(cell.strip() for cell in row):
            continue
        if column >= len(row) or not row[column].strip():
            raise UserError(f"The opt-out list {path} has no identifier in line {number}.")
        empty = False
        yield row[column]
    if empty:
        raise UserError(f"The opt-out list {path} holds no identifier.")

"""The ledger's rows of a release: the release itself, and the state of every object."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, collate, delete, func, insert, select, update

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.release.states import Result, State
from imagehaven.release.terms import Terms

RUNNING, COMPLETE = "running", "complete"
_BATCH = 500
_STREAMED = 5000


@dataclass(frozen=True)
class Record:
    """One release as the ledger knows it. ``label`` is the name that stands in the folder.

    A rerun has a row of its own, with the label of the release that it makes again.
    """

    release: str
    run_id: int
    destination: Path
    state: str
    label: str
    terms: Terms
    manifest_sha256: str | None


@dataclass(frozen=True)
class Released:
    """One file of a release: ``path`` below the folder, ``sha256`` in hex, ``bytes``."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Count:
    """How many objects of a modality ended in a state for a reason."""

    state: State
    reason: str
    modality: str
    count: int


def create(
    haven: Haven, run_id: int, terms: Terms, destination: Path, label: str | None = None
) -> Record:
    """Name a new release and keep it with its terms; ``label`` for a rerun of that release."""
    table = schema.release
    stem = f"{label}-rerun" if label else f"{terms.project}-{terms.cohort}-v{terms.version}-r"
    with haven.ledger.begin() as connection:
        taken = set(
            connection.execute(
                select(table.c.release).where(
                    table.c.project == terms.project, table.c.cohort == terms.cohort
                )
            ).scalars()
        )
        number = next(n for n in range(1, len(taken) + 2) if f"{stem}{n}" not in taken)
        name = f"{stem}{number}"
        connection.execute(
            insert(table).values(
                release=name,
                run_id=run_id,
                project=terms.project,
                cohort=terms.cohort,
                version=terms.version,
                destination=str(destination),
                state=RUNNING,
                created_at=now(),
                terms={"label": label or name, **terms.to_json()},
            )
        )
    return find(haven, name)


def find(haven: Haven, release: str) -> Record:
    """The release of that name; raises UserError naming the latest ones."""
    table = schema.release
    with haven.ledger.begin() as connection:
        row = connection.execute(select(table).where(table.c.release == release)).first()
        names = connection.execute(
            select(table.c.release).order_by(table.c.created_at.desc()).limit(10)
        ).scalars()
        known = ", ".join(names) or "none yet"
    if row is None:
        raise UserError(
            f"There is no release {release!r}. The latest releases: {known}. "
            "`imagehaven release PROJECT COHORT --to DIR` makes one."
        )
    return _record(row)


def of_run(haven: Haven, run_id: int) -> Record | None:
    """The release that a run makes; None when the run was killed before naming one."""
    table = schema.release
    with haven.ledger.begin() as connection:
        row = connection.execute(select(table).where(table.c.run_id == run_id)).first()
    return _record(row) if row is not None else None


def at_destination(haven: Haven, destination: Path) -> Record | None:
    """The newest complete release that was written to ``destination``."""
    table = schema.release
    with haven.ledger.begin() as connection:
        row = connection.execute(
            select(table)
            .where(table.c.destination == str(destination), table.c.state == COMPLETE)
            .order_by(table.c.finished_at.desc())
        ).first()
    return _record(row) if row is not None else None


def add_results(connection: Connection, release: str, results: Iterable[Result]) -> None:
    """Record how objects ended, in the caller's transaction."""
    rows = [
        {
            "release": release,
            "SOPInstanceUID": result.SOPInstanceUID,
            "seq": result.seq,
            "state": str(result.state),
            "reason": result.reason[:64],
            "detail": result.detail,
            "modality": result.modality[:32],
            "path": result.path,
            "sha256": result.sha256,
            "bytes": result.bytes,
        }
        for result in results
    ]
    if rows:
        connection.execute(insert(schema.release_item), rows)


def forget(connection: Connection, release: str, uids: Sequence[str]) -> None:
    """Drop what was recorded of these objects, which are about to be worked again."""
    table = schema.release_item
    for first in range(0, len(uids), _BATCH):
        connection.execute(
            delete(table).where(
                table.c.release == release,
                table.c.SOPInstanceUID.in_(uids[first : first + _BATCH]),
            )
        )


def block(haven: Haven, release: str, blocked: dict[str, State]) -> int:
    """Give objects that may no longer be released their new state; returns how many changed.

    The files lose their names here and are taken out of the folder by the next reconciliation.
    """
    table, changed = schema.release_item, 0
    with haven.ledger.begin() as connection:
        for state in (State.OPTED_OUT, State.CONFLICTING):
            uids = sorted(uid for uid, found in blocked.items() if found == state)
            for first in range(0, len(uids), _BATCH):
                changed += connection.execute(
                    update(table)
                    .where(table.c.release == release, table.c.state != str(state))
                    .where(table.c.SOPInstanceUID.in_(uids[first : first + _BATCH]))
                    .values(
                        state=str(state), reason="", detail="", path=None, sha256=None, bytes=None
                    )
                ).rowcount
    return changed


def withhold(haven: Haven, release: str, paths: Sequence[str], reason: str) -> int:
    """Withhold released objects after all, by their paths; returns how many.

    As with :func:`block`, the next reconciliation takes their files out of the folder.
    """
    table, changed = schema.release_item, 0
    with haven.ledger.begin() as connection:
        for first in range(0, len(paths), _BATCH):
            changed += connection.execute(
                update(table)
                .where(table.c.release == release, table.c.state == str(State.RELEASED))
                .where(table.c.path.in_(paths[first : first + _BATCH]))
                .values(
                    state=str(State.WITHHELD), reason=reason, detail="",
                    path=None, sha256=None, bytes=None,
                )
            ).rowcount  # fmt: skip
    return changed


def holders(connection: Connection, release: str, paths: Sequence[str]) -> dict[str, str]:
    """Which object holds each of these paths already."""
    table, found = schema.release_item, {}
    for first in range(0, len(paths), _BATCH):
        rows = connection.execute(
            select(table.c.path, table.c.SOPInstanceUID).where(
                table.c.release == release, table.c.path.in_(paths[first : first + _BATCH])
            )
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def counts(haven: Haven, release: str) -> list[Count]:
    """How many objects ended how, by state, reason and modality."""
    table = schema.release_item
    columns = (table.c.state, table.c.reason, table.c.modality)
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(*columns, func.count()).where(table.c.release == release).group_by(*columns)
        ).all()
    found = [Count(State(row[0]), row[1], row[2], int(row[3])) for row in rows]
    return sorted(found, key=lambda count: (count.state, count.reason, count.modality))


def released(haven: Haven, release: str) -> Iterator[Released]:
    """Every released file, sorted by path.

    The rows go through a temporary file: the ledger is free again, and memory stays flat, however
    long the caller takes.
    """
    table = schema.release_item
    with tempfile.TemporaryFile("w+", encoding="utf-8") as rows:
        with haven.ledger.begin() as connection:
            # A database's own collation sorts by language; paths sort by their bytes.
            postgres = connection.dialect.name == "postgresql"
            found = connection.execution_options(yield_per=_STREAMED).execute(
                select(table.c.path, table.c.sha256, table.c.bytes)
                .where(table.c.release == release, table.c.state == str(State.RELEASED))
                .order_by(collate(table.c.path, "C" if postgres else "BINARY"))
            )
            rows.writelines(f"{row[0]} {row[1]} {row[2]}\n" for row in found)
        rows.seek(0)
        for line in rows:
            path, sha256, size = line.split(" ")
            yield Released(path, sha256, int(size))


def not_released(haven: Haven, release: str, states: Sequence[State]) -> list[Result]:
    """The objects that ended in one of these states, in the request's order."""
    table = schema.release_item
    with haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table)
            .where(table.c.release == release, table.c.state.in_([str(s) for s in states]))
            .order_by(table.c.seq)
        ).all()
    return [
        Result(row.seq, row.SOPInstanceUID, State(row.state), row.reason, row.detail, row.modality)
        for row in rows
    ]


def still_released(haven: Haven, release: str, blocked: Collection[str]) -> int:
    """How many of the ``blocked`` objects this release holds."""
    table, uids, found = schema.release_item, sorted(blocked), 0
    with haven.ledger.begin() as connection:
        for first in range(0, len(uids), _BATCH):
            found += connection.execute(
                select(func.count())
                .where(table.c.release == release, table.c.state == str(State.RELEASED))
                .where(table.c.SOPInstanceUID.in_(uids[first : first + _BATCH]))
            ).scalar_one()
    return found


def uids_at(haven: Haven, release: str, paths: Sequence[str]) -> list[str]:
    """The objects whose files lie at these paths."""
    with haven.ledger.begin() as connection:
        return sorted(holders(connection, release, paths).values())


def complete(haven: Haven, release: str, manifest_sha256: str) -> None:
    """Close a release with the hash of its manifest, and put that hash into the audit chain."""
    table = schema.release
    with haven.ledger.begin() as connection:
        connection.execute(
            update(table)
            .where(table.c.release == release)
            .values(state=COMPLETE, finished_at=now(), manifest_sha256=manifest_sha256)
        )
        haven.ledger.audit.append(
            "release-manifest",
            {"release": release},
            outcome="done",
            detail={"manifest_sha256": manifest_sha256},
            connection=connection,
        )


def _record(row: Any) -> Record:  # a SQLAlchemy row
    terms = dict(row.terms)
    label = terms.pop("label")
    return Record(
        row.release,
        row.run_id,
        Path(row.destination),
        row.state,
        label,
        Terms.from_json(terms),
        row.manifest_sha256,
    )

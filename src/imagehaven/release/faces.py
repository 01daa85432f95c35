"""Before a release's work begins: every CT and MR series in it is looked at for a face, as a whole.

A chunk holds part of a series, and a face can only be found in all of it. So each series that the
cohort touches is read once, as it was catalogued at the cohort's snapshot, and what is decided goes
to every worker: a plane to cut along is four numbers. The same originals give the same decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imagehaven.catalogue import source_of
from imagehaven.deidentify.faces import OPTION, Decision, Verdict, decide_series
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.engine import Crashed, Engine, Progress, run_chunks
from imagehaven.haven import Haven
from imagehaven.release.requested import MEMBERS
from imagehaven.release.terms import Terms


@dataclass(frozen=True)
class _Series:
    """A chunk of series: (SeriesInstanceUID, rows of the ``source`` table)."""

    items: list[tuple[str, list[list[Any]]]]


def decisions(
    haven: Haven, terms: Terms, profile: Profile, engine: Engine, progress: Progress
) -> dict[str, Decision] | None:
    """Decide on every series of the request; None where the profile does not clean faces.

    A series that ended its worker twice may not be released.
    """
    if OPTION not in profile.options:
        return None
    found: dict[str, Decision] = {}
    chunks = _series(haven, terms)
    for chunk, made in run_chunks(engine, chunks, look_at, None):
        for (uid, _), decision in zip(chunk.items, made, strict=True):
            found[uid] = (
                Decision(Verdict.WITHHOLD, "looking at it ended the worker process twice")
                if isinstance(decision, Crashed)
                else decision
            )
        progress("look for faces", len(found), None)
    return found


def look_at(_context: None, items: list[tuple[str, list[list[Any]]]]) -> list[Decision]:
    """Decide on each series of a chunk."""
    return [decide_series(source_of(*row) for row in rows) for _, rows in items]


def _series(haven: Haven, terms: Terms) -> Iterator[_Series]:
    with haven.lake.connect(read_only=True) as lake:
        rows = lake.execute(
            f"""
            SELECT i.SeriesInstanceUID, list([s.source, s.path, CAST(s.members AS VARCHAR),
                   CAST(s.size AS VARCHAR)] ORDER BY s.source)
            FROM (SELECT * FROM instance AT (VERSION => {int(terms.snapshot)})) i
            JOIN (SELECT * FROM source AT (VERSION => {int(terms.snapshot)})) s
                ON s.source = i.source AND s.replaced_run IS NULL
            WHERE i.Modality IN ('CT', 'MR') AND i.SeriesInstanceUID IN (
                SELECT SeriesInstanceUID FROM
                ({MEMBERS.replace("SELECT SOPInstanceUID", "SELECT *")}))
            GROUP BY 1 ORDER BY 1
            """,  # noqa: S608 - our own text, with parameters
            [terms.project, terms.cohort, terms.version],
        ).fetchall()
    for uid, sources in rows:
        yield _Series([(str(uid), [[*row[:3], int(row[3])] for row in sources])])

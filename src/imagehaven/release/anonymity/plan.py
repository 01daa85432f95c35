"""Decide how coarse each quasi-identifier of a release must be.

Datafly (Sweeney, *Achieving k-anonymity privacy protection using generalization and suppression*,
2002): the quasi-identifier with the most distinct values takes the next step of its ladder, for all
patients alike, until few enough stand in classes that are too small. Those few are withheld when
the release is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb
import pyarrow as pa

from imagehaven.deidentify import Ladder, ladder_of
from imagehaven.dicom import keyword_to_tag
from imagehaven.haven import Haven
from imagehaven.release.requested import MEMBERS
from imagehaven.release.terms import Terms

#: The share of patients that may be withheld rather than have everybody's values coarser.
MOST_WITHHELD: Final = 0.05


def steps(haven: Haven, terms: Terms) -> dict[str, int]:
    """Return the step of each quasi-identifier, by keyword; empty where no k was asked for.

    All members of the cohort at its snapshot count, also those that will be withheld, so that the
    same terms always give the same steps. Raises UserError for a keyword without a ladder.
    """
    if not terms.k:
        return {}
    ladders = [ladder_of(keyword) for keyword in terms.quasi_identifiers]
    with haven.lake.connect(read_only=True) as lake:
        rows = lake.execute(
            f"""
            SELECT DISTINCT m.PatientID, {", ".join(_value(ladder) for ladder in ladders)}
            FROM ({MEMBERS.replace("SELECT SOPInstanceUID", "SELECT *")}) m
            JOIN (SELECT * FROM instance AT (VERSION => {int(terms.snapshot)})) i
            USING (SOPInstanceUID)
            """,  # noqa: S608 - our own text, with parameters
            [terms.project, terms.cohort, terms.version],
        ).to_arrow_table()
    return fewest_steps(rows, ladders, terms.k)


def fewest_steps(rows: pa.Table, ladders: Sequence[Ladder], k: int) -> dict[str, int]:
    """Return the steps for a table of (patient, one text column for each ladder)."""
    found = {ladder.keyword: 0 for ladder in ladders}
    with duckdb.connect() as memory:
        memory.register("person", rows.rename_columns(["patient", *found]))
        total = _one(memory, "SELECT count(DISTINCT patient) FROM person")
        distinct = {ladder.keyword: _map(memory, ladder, 0) for ladder in ladders}
        while _in_small_classes(memory, list(found), k) > MOST_WITHHELD * total:
            open_ladders = [ladder for ladder in ladders if found[ladder.keyword] < ladder.last]
            if not open_ladders:
                break
            chosen = max(open_ladders, key=lambda ladder: distinct[ladder.keyword])
            found[chosen.keyword] += 1
            distinct[chosen.keyword] = _map(memory, chosen, found[chosen.keyword])
    return found


def _value(ladder: Ladder) -> str:
    path = f'$."{keyword_to_tag(ladder.keyword)}".Value[0]'
    return f"coalesce(json_extract_string(i.elements, '{path}'), '') AS \"{ladder.keyword}\""


def _map(memory: duckdb.DuckDBPyConnection, ladder: Ladder, step: int) -> int:
    """Store what each value becomes at ``step``; returns how many differ then."""
    name = ladder.keyword
    raw = [row[0] for row in memory.execute(f'SELECT DISTINCT "{name}" FROM person').fetchall()]  # noqa: S608 - a keyword of our own list
    made = [ladder.value(str(value), step) for value in raw]
    memory.register(f"map_{name}", pa.table({"raw": pa.array(raw, pa.string()), "made": made}))
    return len(set(made))


def _in_small_classes(memory: duckdb.DuckDBPyConnection, keywords: Sequence[str], k: int) -> int:
    made = ", ".join(f'"map_{name}".made' for name in keywords)
    joins = " ".join(f'JOIN "map_{name}" ON "map_{name}".raw = p."{name}"' for name in keywords)
    return _one(
        memory,
        f"""
        WITH class AS (
            SELECT list(DISTINCT patient) AS who FROM person p {joins} GROUP BY {made}
        )
        SELECT count(DISTINCT one) FROM (SELECT unnest(who) AS one FROM class WHERE len(who) < {k})
        """,  # noqa: S608 - keywords of our own list, and a number
    )


def _one(memory: duckdb.DuckDBPyConnection, query: str) -> int:
    row = memory.execute(query).fetchone()
    return int(row[0]) if row else 0

"""Count who stands together in a release, as its own metadata says, and find who stands too alone.

What counts is what a researcher would see: the values in the released files, after every instance
that was withheld for another reason has gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from imagehaven.release.folder import layout


@dataclass(frozen=True)
class ClassSize:
    """How many classes have between ``least`` and ``most`` patients, and how many patients."""

    least: int
    most: int
    classes: int
    patients: int


def too_rare(folder: Path, keywords: Sequence[str], k: int) -> list[str]:
    """Return the paths of released images whose class has fewer than ``k`` patients, in order."""
    same = " AND ".join(f'i."{name}" IS NOT DISTINCT FROM c."{name}"' for name in keywords)
    with duckdb.connect() as memory:
        rows = memory.execute(
            f"""
            SELECT i.path FROM read_parquet(?) i JOIN ({_classes(keywords)}) c ON {same}
            WHERE c.patients < {int(k)} ORDER BY i.path
            """,  # noqa: S608 - keywords of our own list, and a number
            [_metadata(folder), _metadata(folder)],
        ).fetchall()
    return [str(row[0]) for row in rows]


def sizes(folder: Path, keywords: Sequence[str]) -> list[ClassSize]:
    """Return how large the classes are, by size in doubling ranges; never their values."""
    with duckdb.connect() as memory:
        rows = memory.execute(
            f"""
            SELECT 2 ** floor(log2(patients)), count(*), sum(patients)
            FROM ({_classes(keywords)}) GROUP BY 1 ORDER BY 1
            """,  # noqa: S608 - keywords of our own list
            [_metadata(folder)],
        ).fetchall()
    return [ClassSize(int(least), 2 * int(least) - 1, int(n), int(who)) for least, n, who in rows]


def _classes(keywords: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in keywords)
    return (
        f"SELECT {names}, count(DISTINCT PatientID) AS patients "  # noqa: S608 - our own list
        "FROM read_parquet(?) GROUP BY ALL"
    )


def _metadata(folder: Path) -> str:
    return str(folder / layout.METADATA / "instances.parquet")

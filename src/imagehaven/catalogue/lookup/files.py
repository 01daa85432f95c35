"""Which Parquet files of the lake hold the instances of a chunk.

Rows are written in the order of their load run and chunk, and merged with their neighbours, so that
each file has a narrow range of both. The lake's catalog knows the ranges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import duckdb

from imagehaven.catalogue.index import Place

#: DuckLake's own tables: the newest files of the instance table with the ranges of two columns.
_RANGES: Final = """
    WITH listed AS (
        SELECT data_file, parse_filename(data_file) AS name, delete_file
        FROM ducklake_list_files('lake', 'instance')
    ), columns AS (
        SELECT table_id, column_id, column_name
        FROM __ducklake_metadata_lake.ducklake_column AS col
            JOIN __ducklake_metadata_lake.ducklake_table AS tab USING (table_id)
        WHERE table_name = 'instance' AND column_name IN ('load_run', 'load_seq')
            AND col.end_snapshot IS NULL AND tab.end_snapshot IS NULL
    ), ranges AS (
        SELECT data_file_id, table_id,
            max(min_value::BIGINT) FILTER (column_name = 'load_run') AS first_run,
            max(max_value::BIGINT) FILTER (column_name = 'load_run') AS last_run,
            max(min_value::BIGINT) FILTER (column_name = 'load_seq') AS first_seq,
            max(max_value::BIGINT) FILTER (column_name = 'load_seq') AS last_seq
        FROM __ducklake_metadata_lake.ducklake_file_column_stats
            JOIN columns USING (table_id, column_id)
        GROUP BY data_file_id, table_id
    )
    SELECT ranges.table_id, data_file_id, data_file, delete_file IS NULL AS whole,
        first_run, last_run, first_seq, last_seq
    FROM listed JOIN __ducklake_metadata_lake.ducklake_data_file AS data
        ON parse_filename(data.path) = name
    JOIN ranges USING (data_file_id)
    ORDER BY data_file"""


@dataclass(frozen=True)
class File:
    """One file, and the first and last load run and chunk of its rows.

    ``whole`` says that no row of it was deleted since it was written.
    """

    path: str
    whole: bool
    first_run: int
    last_run: int
    first_seq: int
    last_seq: int

    def may_hold(self, place: Place) -> bool:
        """Whether rows of the chunk can be in it."""
        run, seq = place
        return self.first_run <= run <= self.last_run and self.first_seq <= seq <= self.last_seq


def files_now(lake: duckdb.DuckDBPyConnection) -> list[File]:
    """The files of the newest snapshot."""
    found = lake.execute(_RANGES).fetchall()
    damaged = _deleted_from(lake, found[0][0]) if found else set()
    return [File(path, whole and number not in damaged, *ranges)
            for _, number, path, whole, *ranges in found]  # fmt: skip


def _deleted_from(lake: duckdb.DuckDBPyConnection, table: int) -> set[int]:
    """The files of which DuckLake holds a few deleted rows in its catalog, and not in a file."""
    query = f"SELECT file_id FROM __ducklake_metadata_lake.ducklake_inlined_delete_{int(table)}"  # noqa: S608 - a number
    try:
        return {row[0] for row in lake.execute(query).fetchall()}
    except duckdb.CatalogException:  # made with the first such deletion
        return set()


def files_of(files: Iterable[File], places: Iterable[Place]) -> list[File] | None:
    """The files that may hold some chunks; None where a chunk is in none that can be read as is."""
    wanted = list(places)
    found = [file for file in files if any(map(file.may_hold, wanted))]
    covered = all(any(file.may_hold(place) for file in found) for place in wanted)
    return found if covered and all(file.whole for file in found) else None

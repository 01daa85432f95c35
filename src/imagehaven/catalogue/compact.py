"""Merges the many small Parquet files of a load; every snapshot stays readable."""

from __future__ import annotations

from typing import Final

import duckdb

from imagehaven.catalogue.one_writer import one_committer
from imagehaven.haven import Haven

#: More files than this in one table are merged.
SMALL_FILES: Final = 32


def compact(haven: Haven, most: int = SMALL_FILES) -> list[str]:
    """Merge the files of each table that has more than ``most``; returns the tables' names.

    Snapshots are kept: a cohort goes on reading the one it ran on. Merged files are removed a day
    later, when no query can still be reading them.
    """
    with one_committer(haven), haven.lake.connect() as lake:
        crowded = [
            str(row[0])
            for row in lake.execute(
                "SELECT table_name FROM ducklake_table_info('lake') "
                "WHERE file_count > ? ORDER BY 1",
                [most],
            ).fetchall()
        ]
        # Each thread holds a row group of every file that it merges.
        lake.execute("SET threads = 1")
        for table in crowded:
            _merge(lake, table)
        lake.execute("RESET threads")
        if crowded:
            lake.execute(
                "CALL ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL 1 DAY)"
            )
    return crowded


def _merge(lake: duckdb.DuckDBPyConnection, table: str) -> None:
    try:
        # One merged file a call: what a call holds in memory then does not grow with the table.
        while lake.execute(
            f"CALL ducklake_merge_adjacent_files('lake', '{table}', max_compacted_files => 1)"
        ).fetchall():
            continue
    except duckdb.TransactionException:
        # Another verb wrote to the table meanwhile; the files stay as they are until next time.
        return

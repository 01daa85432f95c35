"""Proves that nothing was lost: every planned item stands in a table, by anti-join."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from sqlalchemy import select

from imagehaven.errors import TerminalError
from imagehaven.haven import Haven
from imagehaven.ledger import schema

#: Items joined at once; each join reads one column of three tables.
_AT_ONCE: Final = 50_000


def reconcile(haven: Haven, run_id: int) -> None:
    """Raise TerminalError unless every planned item is a source, quarantined or a container."""
    planned = 0
    for locations in _planned(haven, run_id):
        planned += len(locations)
        with haven.lake.connect(read_only=True) as lake:
            lake.register("planned", pa.table({"source": pa.array(locations, pa.string())}))
            lost = lake.execute(
                "SELECT source FROM planned ANTI JOIN (SELECT source FROM source "
                "WHERE replaced_run IS NULL UNION ALL SELECT source FROM quarantine "
                "UNION ALL SELECT source FROM container) USING (source) ORDER BY 1 LIMIT 3"
            ).fetchall()
        if lost:
            raise TerminalError(
                f"Load run {run_id} lost sight of {', '.join(row[0] for row in lost)}: planned, "
                "and in no table. Keep the haven as it is and report this."
            )
    with haven.lake.connect(read_only=True) as lake:
        row = lake.execute(
            "SELECT coalesce(sum(catalogued + duplicate + conflicting + quarantined), 0), "
            "coalesce(sum(found), 0), coalesce(sum(items), 0) FROM load_chunk WHERE load_run = ?",
            [run_id],
        ).fetchone() or (0, 0, 0)
    if row[0] != row[1] or row[2] != planned:
        raise TerminalError(
            f"The totals of load run {run_id} do not add up: {planned} planned, {row[2]} worked, "
            f"{row[1]} found, {row[0]} in a state. Keep the haven as it is and report this."
        )


def _planned(haven: Haven, run_id: int) -> Iterator[list[str]]:
    table, after = schema.chunk, -1
    locations: list[str] = []
    while True:
        with haven.ledger.begin() as connection:
            rows = connection.execute(
                select(table.c.seq, table.c["items"])
                .where(table.c.run_id == run_id, table.c.seq > after)
                .order_by(table.c.seq)
                .limit(64)
            ).all()
        if not rows:
            break
        for row in rows:
            locations += [item["source"] for item in json.loads(zlib.decompress(row.items))]
        after = rows[-1].seq
        if len(locations) >= _AT_ONCE:
            yield locations
            locations = []
    yield locations

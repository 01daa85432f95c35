"""Runs and their chunks: how far a long verb got, so that it can be killed and run again.

A run is planned into chunks of small items, in order; each chunk is worked and then marked done in
the same transaction that stores what it produced. A run that was killed is found again by its kind
and key (a hash of what was asked), goes on planning after its last planned item, and works the
chunks that are not done. The ledger is the source of truth, whatever engine does the work.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from imagehaven.ledger import schema
from imagehaven.ledger.clock import now

RUNNING, DONE, FAILED, PENDING = "running", "done", "failed", "pending"
PLANNING = "planning"


@dataclass(frozen=True)
class Run:
    """One long verb: ``state`` is planning, running, done or failed."""

    run_id: int
    kind: str
    key: str
    arguments: dict[str, Any]
    state: str
    summary: dict[str, Any] | None


@dataclass(frozen=True)
class Chunk:
    """Some items of a run, in order. ``items`` are JSON values of at most a few hundred bytes."""

    run_id: int
    seq: int
    state: str
    items: list[Any]
    result: dict[str, Any] | None


def run_key(arguments: dict[str, Any]) -> str:
    """The hash by which a killed run is found again: same question, same key."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


class Runs:
    """Reads and moves the states of runs and chunks."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._begin = begin

    def start(self, kind: str, arguments: dict[str, Any]) -> tuple[Run, bool]:
        """The unfinished run of this kind and these arguments, or a new one.

        Returns the run and whether it is resumed.
        """
        table, key = schema.run, run_key(arguments)
        with self._begin() as connection:
            found = connection.execute(
                select(table)
                .where(table.c.kind == kind, table.c.key == key)
                .where(table.c.state.in_([PLANNING, RUNNING]))
                .order_by(table.c.run_id.desc())
            ).first()
            if found is not None:
                return _run(found), True
            added = connection.execute(
                insert(table).values(
                    kind=kind,
                    key=key,
                    arguments=arguments,
                    state=PLANNING,
                    created_at=now(),
                )
            )
            run_id = int((added.inserted_primary_key or (0,))[0])
        return Run(run_id, kind, key, arguments, PLANNING, None), False

    def get(self, run_id: int) -> Run:
        """The run of that number; raises KeyError when there is none."""
        with self._begin() as connection:
            found = connection.execute(
                select(schema.run).where(schema.run.c.run_id == run_id)
            ).first()
        if found is None:
            raise KeyError(run_id)
        return _run(found)

    def arguments(self, kind: str, name: str) -> list[str]:
        """Every text that runs of a kind were ever given under the argument ``name``, sorted."""
        table = schema.run
        with self._begin() as connection:
            rows = connection.execute(select(table.c.arguments).where(table.c.kind == kind))
            return sorted({text for row in rows for text in row.arguments.get(name, [])})

    def plan(self, run_id: int, chunks: list[tuple[list[Any], str | None]]) -> None:
        """Append chunks of (items, the walk's position after them) in order, in one transaction."""
        with self._begin() as connection:
            last = connection.execute(
                select(func.max(schema.chunk.c.seq)).where(schema.chunk.c.run_id == run_id)
            ).scalar()
            first = 0 if last is None else last + 1
            rows = [
                {
                    "run_id": run_id,
                    "seq": first + offset,
                    "state": PENDING,
                    "size": len(items),
                    "items": zlib.compress(json.dumps(items).encode(), 1),
                    "last": position,
                }
                for offset, (items, position) in enumerate(chunks)
            ]
            if rows:
                connection.execute(insert(schema.chunk), rows)

    def planned_to(self, run_id: int) -> str | None:
        """The walk's position after the last planned chunk; None before the first."""
        table = schema.chunk
        with self._begin() as connection:
            return connection.execute(
                select(table.c.last)
                .where(table.c.run_id == run_id)
                .order_by(table.c.seq.desc())
                .limit(1)
            ).scalar()

    def planned(self, run_id: int) -> None:
        """Say that the plan is complete."""
        self._move(run_id, PLANNING, {"state": RUNNING})

    def pending(self, run_id: int) -> Iterator[Chunk]:
        """The chunks that are not done, in order, read a few at a time."""
        table, after = schema.chunk, -1
        while True:
            with self._begin() as connection:
                rows = connection.execute(
                    select(table)
                    .where(table.c.run_id == run_id, table.c.seq > after)
                    .where(table.c.state == PENDING)
                    .order_by(table.c.seq)
                    .limit(16)
                ).all()
            if not rows:
                return
            for row in rows:
                items = json.loads(zlib.decompress(row.items))
                yield Chunk(row.run_id, row.seq, row.state, items, row.result)
            after = rows[-1].seq

    def chunk_done(
        self, connection: Connection, run_id: int, seq: int, result: dict[str, Any]
    ) -> None:
        """Mark a chunk done inside the transaction that stores what it produced."""
        table = schema.chunk
        connection.execute(
            update(table)
            .where(table.c.run_id == run_id, table.c.seq == seq)
            .values(state=DONE, result=result)
        )

    def results(self, run_id: int) -> list[dict[str, Any]]:
        """The results of the chunks that are done, in order."""
        table = schema.chunk
        with self._begin() as connection:
            rows = connection.execute(
                select(table.c.result)
                .where(table.c.run_id == run_id, table.c.state == DONE)
                .order_by(table.c.seq)
            )
            return [row.result or {} for row in rows]

    def progress(self, run_id: int) -> tuple[int, int]:
        """Items done and items planned so far."""
        table = schema.chunk
        with self._begin() as connection:
            rows = connection.execute(
                select(table.c.state, func.sum(table.c.size))
                .where(table.c.run_id == run_id)
                .group_by(table.c.state)
            ).all()
        sizes = {row[0]: int(row[1]) for row in rows}
        return sizes.get(DONE, 0), sum(sizes.values())

    def finish(self, run_id: int, summary: dict[str, Any]) -> None:
        """Close a run with its summary and drop its item lists, which nobody reads again."""
        with self._begin() as connection:
            connection.execute(
                update(schema.chunk).where(schema.chunk.c.run_id == run_id).values(items=b"")
            )
        self._move(run_id, RUNNING, {"state": DONE, "finished_at": now(), "summary": summary})

    def _move(self, run_id: int, state: str, values: dict[str, Any]) -> None:
        table = schema.run
        with self._begin() as connection:
            connection.execute(
                update(table).where(table.c.run_id == run_id, table.c.state == state).values(values)
            )


def _run(row: Any) -> Run:
    return Run(row.run_id, row.kind, row.key, row.arguments, row.state, row.summary)

"""Runs a planned load: reads its chunks on an engine, commits them in order, proves the totals."""

from __future__ import annotations

import errno
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Final

from imagehaven.catalogue import turns
from imagehaven.catalogue.compact import compact
from imagehaven.catalogue.declared import promoted_keywords
from imagehaven.catalogue.loading.commit import Worked, commit_chunks
from imagehaven.catalogue.loading.reader import ReadContext, read_chunk
from imagehaven.catalogue.loading.reconcile import reconcile
from imagehaven.catalogue.loading.rows import Row, unreadable
from imagehaven.catalogue.one_writer import one_worker
from imagehaven.catalogue.tables import prepare
from imagehaven.engine import Crashed, Progress, make_engine, run_chunks
from imagehaven.errors import TransientError
from imagehaven.haven import Haven
from imagehaven.ledger.runs import PLANNING, Run

#: Commits between merges: each reads the list of the lake's files, which must stay short.
_MERGE_EVERY: Final = 64
#: So many characters of JSON and seconds of work are committed together at most.
_CHARACTERS: Final = 64 * 2**20
_SECONDS: Final = 10.0


@dataclass(frozen=True)
class IngestReport:
    """What a load run did: ``found`` is the sum of the four counts below it.

    ``unchanged`` is the part of ``duplicate`` that the catalogue already knew under the same
    source. ``containers`` (archives) are counted apart.
    """

    found: int
    catalogued: int
    duplicate: int
    conflicting: int
    quarantined: int
    unchanged: int
    containers: int
    quarantined_by_reason: dict[str, int]
    load_run: int
    resumed: bool

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


def worked(
    haven: Haven,
    kind: str,
    arguments: dict[str, Any],
    plan: Callable[[Run], None],
    *,
    live: bool = False,
    engine: str,
    workers: int,
    progress: Progress,
) -> IngestReport:
    """Begin a load run or go on with the same one, plan it, load it and close it.

    A ``live`` one goes before those that are not: see :mod:`imagehaven.catalogue.turns`. Raises
    UserError where another process works on the same run, TransientError where a store is out of
    reach or the disk is full.
    """
    try:
        with turns.live(haven) if live else nullcontext():
            prepare(haven)
            run, resumed = haven.ledger.runs.start(kind, arguments)
            with one_worker(haven, run.run_id):
                run = haven.ledger.runs.get(run.run_id)
                if run.summary is not None:  # another process has just finished it
                    return IngestReport(**run.summary)
                if run.state == PLANNING:
                    plan(run)
                way = _Way(haven, progress, live)
                totals = load(haven, run, way, engine=engine, workers=workers)
                report = IngestReport(**totals, load_run=run.run_id, resumed=resumed)
                haven.ledger.runs.finish(run.run_id, report.summary())
            return report
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise TransientError(
            f"The disk is full ({error.filename or haven.folder}). Nothing is lost: free some "
            "space and repeat the command; it goes on where it stopped."
        ) from error


@dataclass(frozen=True)
class _Way:
    """Whom a load tells how far it is, and whether it gives way to others before a commit."""

    haven: Haven
    progress: Progress
    live: bool

    def clear(self, done: int, total: int) -> None:
        """Wait, in a bulk load, until nothing is live."""
        if not self.live:
            turns.give_way(self.haven, lambda: self.progress("wait for the live feed", done, total))


def load(haven: Haven, run: Run, way: _Way, *, engine: str, workers: int) -> dict[str, Any]:
    """Work the chunks of a planned run that are not done; returns its totals.

    Raises TerminalError when an item ended in no table.
    """
    context = ReadContext(promoted_keywords(), haven.settings.compiled)
    runs = haven.ledger.runs
    done, total = runs.progress(run.run_id)
    way.progress("catalogue", done, total)
    with make_engine(engine, workers or haven.settings.workers) as machine:
        batch = _Batch(haven.settings.commit_items)
        chunks = run_chunks(machine, runs.pending(run.run_id), read_chunk, context)
        for chunk, results in chunks:
            batch.add(chunk.seq, [_row(result) for result in results])
            done += len(chunk.items)
            way.progress("catalogue", done, total)
            if batch.full:
                way.clear(done, total)
                batch = _committed(haven, run, batch)
        way.clear(done, total)
        _committed(haven, run, batch)
    reconcile(haven, run.run_id)
    compact(haven)
    return totals(haven, run.run_id)


class _Batch:
    """Worked chunks that wait for one commit; after a kill they are worked again."""

    def __init__(self, most: int, number: int = 0) -> None:
        self.most = most
        self.number = number
        self.chunks: list[Worked] = []
        self._rows = self._characters = 0
        self._begun = time.monotonic()

    def add(self, seq: int, rows: list[Row]) -> None:
        """Take the rows of one chunk."""
        self.chunks.append((seq, rows))
        self._rows += len(rows)
        self._characters += sum(len(row.elements or "") for row in rows)

    @property
    def full(self) -> bool:
        """Whether it is time to commit: enough rows, enough memory, or long enough."""
        late = time.monotonic() - self._begun > _SECONDS
        return self._rows >= self.most or self._characters >= _CHARACTERS or late


def _committed(haven: Haven, run: Run, batch: _Batch) -> _Batch:
    """Commit the batch and return the next one; every so often, merge what was written."""
    if batch.chunks:
        commit_chunks(haven, run.run_id, batch.chunks)
        if (batch.number + 1) % _MERGE_EVERY == 0:
            compact(haven)
    return _Batch(batch.most, batch.number + 1)


def totals(haven: Haven, run_id: int) -> dict[str, Any]:
    """The sums over the run's committed chunks, as the lake holds them."""
    names = ("found", "catalogued", "duplicate", "unchanged", "conflicting", "quarantined")
    sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in (*names, "containers"))
    with haven.lake.connect(read_only=True) as lake:
        query = f"SELECT {sums} FROM load_chunk WHERE load_run = ?"  # noqa: S608 - our own names
        row = lake.execute(query, [run_id]).fetchone() or ()
        reasons = Counter[str]()
        for (text,) in lake.execute(
            "SELECT reasons FROM load_chunk WHERE load_run = ? AND quarantined > 0", [run_id]
        ).fetchall():
            reasons.update(json.loads(text))
    counts: dict[str, Any] = dict(zip((*names, "containers"), row, strict=True))
    return counts | {"quarantined_by_reason": dict(sorted(reasons.items()))}


def _row(result: Row | Crashed) -> Row:
    if isinstance(result, Crashed):
        detail = "the process that read it ended twice; keep the file and report it"
        return unreadable(result.item, "crashed-reader", detail)
    return result

"""Plans a load run: what the walk meets, in chunks, stored as it goes so that a kill loses little.

A chunk has at most ``chunk_items`` items and a bounded number of bytes; the first ones are smaller,
so that a small input is shared among all processors. What one archive holds stays together a
little longer, because a compressed archive is read from its beginning each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from imagehaven.acquire import Problem, Source, walk
from imagehaven.catalogue.loading.items import Item, containers_before, item_of
from imagehaven.engine import Progress
from imagehaven.haven import Haven
from imagehaven.ledger.runs import Run

CHUNK_BYTES: Final = 2 * 2**30
ARCHIVE_ITEMS: Final = 2000
_CHUNKS_AT_ONCE: Final = 16
#: The first chunks have this many items; after every fourth chunk it doubles.
_FIRST_ITEMS: Final = 32


def plan_paths(haven: Haven, run: Run, paths: list[Path], progress: Progress) -> None:
    """Plan everything under ``paths`` that is not planned yet."""
    after = haven.ledger.runs.planned_to(run.run_id)
    items = items_of(walk(paths, after=after), after)
    plan_items(haven, run, items, progress)


def plan_items(haven: Haven, run: Run, items: Iterable[Item], progress: Progress) -> None:
    """Store the items as chunks of the run, and say that the plan is complete."""
    planned = haven.ledger.runs.progress(run.run_id)[1]
    batch: list[tuple[list[Item], str | None]] = []
    for chunk in chunks_of(items, haven.settings.chunk_items):
        batch.append((chunk, chunk[-1]["source"]))
        planned += len(chunk)
        progress("plan", planned, None)
        if len(batch) == _CHUNKS_AT_ONCE:
            haven.ledger.runs.plan(run.run_id, batch)
            batch = []
    haven.ledger.runs.plan(run.run_id, batch)
    haven.ledger.runs.planned(run.run_id)


def items_of(found: Iterable[Source | Problem], after: str | None = None) -> Iterator[Item]:
    """The planned form of what a walk meets that goes on behind ``after``."""
    for thing in found:
        yield item_of(thing, containers_before(thing, after))
        after = thing.location


def chunks_of(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Cut items into chunks, in order, of ``most`` items once enough came before."""
    chunk: list[Item] = []
    size = cut = 0
    for item in items:
        if chunk and (
            size + max(0, item.get("size", 0)) > CHUNK_BYTES
            or len(chunk) >= ARCHIVE_ITEMS
            or (
                len(chunk) >= min(most, _FIRST_ITEMS << min(cut // 4, 16))
                and not _same_archive(chunk[-1], item)
            )
        ):
            yield chunk
            chunk, size, cut = [], 0, cut + 1
        chunk.append(item)
        size += max(0, item.get("size", 0))
    if chunk:
        yield chunk


def _same_archive(one: Item, other: Item) -> bool:
    return bool(other.get("members")) and one.get("path") == other.get("path")

"""What is quarantined, and the items that read it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagehaven.acquire import Problem, walk
from imagehaven.catalogue.loading.items import Item, item_of, recovered_item, source_of
from imagehaven.haven import Haven


@dataclass(frozen=True)
class Quarantined:
    """One object that could not be read; ``size`` in bytes where it is known."""

    source: str
    reason: str
    detail: str
    size: int | None
    attempts: int
    load_run: int
    last_run: int


def quarantined_now(haven: Haven, reason: str | None = None) -> Iterator[Quarantined]:
    """What is in the quarantine, by source; of one reason when given."""
    for row in _rows(haven, reason):
        yield Quarantined(**{name: row[name] for name in Quarantined.__dataclass_fields__})


def retry_items(haven: Haven, reason: str | None, after: str | None) -> Iterator[Item]:
    """The items of a retry that come behind ``after``, in the order of their sources.

    A file is read again as it was planned. A folder or archive that could not be gone through is
    walked again, and what it holds now is planned with it.
    """
    rows = _rows(haven, reason)
    listed = {row["source"] for row in rows}
    items: dict[str, Item] = {}
    for row in rows:
        if row["path"] is not None:
            members = row["members"] or "[]"
            source = source_of(row["source"], row["path"], members, row["size"] or 0)
            items.setdefault(row["source"], item_of(source))
        else:
            items.update(_walked_again(row, listed))
    for location in sorted(items):
        if after is None or location > after:
            yield items[location]


def _walked_again(row: dict[str, Any], listed: set[str]) -> dict[str, Item]:
    """What a folder or archive gives now, or the problem that it still is."""
    location: str = row["source"]
    outermost = location.split("!/", 1)[0]
    if "\\" in outermost:  # an escaped name: only the walk that found it knows the real one
        return {location: item_of(Problem(location, row["reason"], row["detail"]))}
    place = Path(outermost)
    if not place.exists():
        gone = Problem(location, "vanished", "it was there when it was listed and is gone")
        return {location: item_of(gone)}
    within = location if location.endswith("/") else location + "!/"
    found = {
        thing.location: item_of(thing)
        for thing in walk([place])
        if thing.location == location
        or (thing.location.startswith(within) and thing.location not in listed)
    }
    found.setdefault(location, recovered_item(location))
    return found


def _rows(haven: Haven, reason: str | None) -> list[dict[str, Any]]:
    query = "SELECT * FROM quarantine WHERE $1 IS NULL OR reason = $1 ORDER BY source"
    answer = haven.sql(query, [reason])
    rows: list[dict[str, Any]] = answer.to_pylist()
    return rows

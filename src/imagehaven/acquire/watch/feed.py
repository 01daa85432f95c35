"""One place over time: which of its files are new, which are complete, and which batch is next."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from imagehaven.acquire.watch.place import Entry, Listing, Place
from imagehaven.acquire.watch.seen import Seen, finished_in, known_in

#: New files that are looked at closely at a time; what is beyond waits for the next look.
MOST_AT_ONCE: Final = 50_000


@dataclass
class Look:
    """What one look at a place found. ``left`` counts what is not taken now, by reason."""

    place: str
    files: int = 0
    new: int = 0
    bytes: int = 0
    left: Counter[str] = field(default_factory=Counter)
    #: What may be taken, in the order of the place.
    complete: list[Entry] = field(default_factory=list)
    #: Whether there is more that is new than one look takes.
    more: bool = False

    def summary(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "place": self.place,
            "files": self.files,
            "new": self.new,
            "bytes": self.bytes,
            "left": dict(sorted(self.left.items())),
        }


class Feed:
    """A place and its memory; a context manager.

    Entering raises TransientError where another process watches the same place.
    """

    def __init__(
        self,
        place: Place,
        memory: Path,
        settle: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self._clock = clock
        self._settle = settle
        self._seen = Seen(memory, place.name_of_memory)
        self._observed: dict[Entry, float] = {}

    def __enter__(self) -> Feed:
        self._seen.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._seen.__exit__(kind, error, trace)

    def look(self) -> Look:
        """Look at everything in the place once; raises :class:`Unreachable`."""
        closed: dict[str, bool] = {}

        def new(listing: Listing) -> list[Entry]:
            found = self._seen.new(listing)
            around = self.place.closed(listing.folder)
            if around is not None:
                closed[around] = closed.get(around, True) and not found and not listing.left
            return found

        look = _looked(self.place, new, self._seen.finished())
        for folder, quiet in closed.items():
            if quiet:
                self._seen.finish(folder)
        now = self._clock()
        # An entry that grew is another entry: its time begins anew.
        self._observed = {entry: self._observed.get(entry, now) for entry in look.complete}
        settled = look.complete
        if not self.place.whole:
            settled = [
                entry for entry, since in self._observed.items() if now - since >= self._settle
            ]
        busy = self.place.busy(settled)
        look.left["settling"] += len(look.complete) - len(settled)
        look.left["open for writing"] += len(busy)
        look.left = +look.left
        look.complete = [entry for entry in settled if entry not in busy]
        return look

    def begun(self) -> list[Entry]:
        """The batch that a killed watch had begun; empty where there was none."""
        return self._seen.begun()

    @contextlib.contextmanager
    def taking(self, batch: Sequence[Entry]) -> Iterator[tuple[str, list[Path]]]:
        """Give out a batch: a key of its own, and its local files; taken once the block ends well.

        After anything else the same batch, with the same key, is given out again. Raises
        :class:`Unreachable`.
        """
        if not self._seen.begun():
            self._seen.begin(batch)
        found = self.place.fetch(batch)
        yield _key(batch), [found[entry] for entry in batch if entry in found]
        self._seen.end([entry for entry in batch if entry not in found])


def foresee(place: Place, memory: Path) -> Look:
    """Look once, without memory of earlier looks and without leaving any; nothing is awaited.

    ``new`` counts what is not taken yet, complete or not. Raises :class:`Unreachable`.
    """
    database = Seen(memory, place.name_of_memory).database
    if not database.is_file():
        look = _looked(place, lambda listing: list(listing.entries))
    else:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            look = _looked(
                place,
                lambda listing: listing.new_beside(known_in(connection, listing.folder)),
                finished_in(connection),
            )
    look.left["open for writing"] += len(place.busy(look.complete))
    look.left = +look.left
    return look


def _looked(
    place: Place, new: Callable[[Listing], list[Entry]], finished: Container[str] = ()
) -> Look:
    look = Look(place.name)
    for listing in place.look(finished):
        look.files += len(listing.entries) + len(listing.left)
        for _, reason in listing.left:
            look.left[reason] += 1
        for entry in new(listing):
            look.new += 1
            look.bytes += max(entry.size, 0)
            if len(look.complete) < MOST_AT_ONCE:
                look.complete.append(entry)
            else:
                look.more = True
    return look


def _key(batch: Sequence[Entry]) -> str:
    """The same batch has the same key, so that its load run is found again."""
    digest = hashlib.sha256()
    for entry in sorted(batch):
        text = "\0".join((entry.folder, entry.name, str(entry.size), entry.stamp))
        digest.update(text.encode(errors="surrogateescape") + b"\0\0")
    return digest.hexdigest()[:32]

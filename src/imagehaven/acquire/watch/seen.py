"""What was taken from one place: a small database beside the haven's ledger.

It spares looking into files again and survives a kill; the catalogue remains the truth. Without it
everything in the place is read once more and found unchanged.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from imagehaven.acquire.watch.place import Entry, Listing
from imagehaven.errors import TransientError

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS taken (
    folder BLOB, name BLOB, size INTEGER, stamp TEXT, batch INTEGER,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taken_batch ON taken (batch);
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY AUTOINCREMENT, begun TEXT);
CREATE TABLE IF NOT EXISTS finished (folder BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Seen:
    """The memory of one place, held by one process at a time; a context manager.

    Entering raises TransientError where another process watches the same place.
    """

    def __init__(self, folder: Path, place: str) -> None:
        name = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
        self._place = place
        self.database = folder / f"{name}.sqlite"
        self._lock = folder / f"{name}.lock"

    def __enter__(self) -> Seen:
        self.database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held = self._lock.open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise TransientError(
                f"Another process watches {self._place}. Stop it, or watch another place."
            ) from error
        self._connection = sqlite3.connect(self.database, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(_TABLES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._held.close()

    def new(self, listing: Listing) -> list[Entry]:
        """Those entries of one folder that were not taken, or have changed since."""
        return listing.new_beside(known_in(self._connection, listing.folder))

    def begin(self, entries: Sequence[Entry]) -> None:
        """Note that these are about to be taken: one batch, given out again until it is done."""
        with self._connection:
            self._connection.execute("BEGIN")
            added = self._connection.execute("INSERT INTO batch (begun) VALUES (datetime())")
            self._connection.executemany(
                "INSERT OR REPLACE INTO taken VALUES (?, ?, ?, ?, ?)",
                [(*_key(entry), entry.size, entry.stamp, added.lastrowid) for entry in entries],
            )

    def begun(self) -> list[Entry]:
        """The batch that was begun and not ended, in order."""
        rows = self._connection.execute(
            "SELECT folder, name, size, stamp FROM taken WHERE batch IN (SELECT id FROM batch)"
        )
        return sorted(
            Entry(os.fsdecode(folder), os.fsdecode(name), size, stamp)
            for folder, name, size, stamp in rows
        )

    def end(self, but: Sequence[Entry] = ()) -> None:
        """The batch that was begun is taken, all ``but`` these, which are new again."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM batch")
            self._connection.executemany(
                "DELETE FROM taken WHERE folder = ? AND name = ?", [_key(entry) for entry in but]
            )

    def finished(self) -> set[str]:
        """The folders that need no look any more."""
        return finished_in(self._connection)

    def finish(self, folder: str) -> None:
        """Everything in this folder is taken and nothing comes to it: forget it file by file."""
        inside = os.fsencode(folder)
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("INSERT OR IGNORE INTO finished VALUES (?)", [inside])
            self._connection.execute(
                "DELETE FROM taken WHERE folder = ? OR (folder > ? AND folder < ?)",
                [inside, inside + b"/", inside + b"0"],  # "0" comes after "/"
            )


def finished_in(connection: sqlite3.Connection) -> set[str]:
    """The folders that were finished."""
    return {os.fsdecode(row[0]) for row in connection.execute("SELECT folder FROM finished")}


def known_in(connection: sqlite3.Connection, folder: str) -> dict[str, tuple[int, str]]:
    """Size and stamp of what was taken from one folder, by name."""
    rows = connection.execute(
        "SELECT name, size, stamp FROM taken WHERE folder = ?", [os.fsencode(folder)]
    )
    return {os.fsdecode(name): (size, stamp) for name, size, stamp in rows}


def _key(entry: Entry) -> tuple[bytes, bytes]:
    return os.fsencode(entry.folder), os.fsencode(entry.name)

"""A watched folder. A receiver's spool is known by its lock file: then its whole objects are it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive.spool import objects_of
from imagehaven.acquire.watch.names import is_temporary
from imagehaven.acquire.watch.place import Entry, Listing, Unreachable
from imagehaven.acquire.watch.writers import open_for_writing

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
#: A folder or file that cannot be looked at: it goes to the quarantine, once.
UNKNOWN_SIZE: Final = -1


class Folder:
    """Files under ``given``. Links to files are files; links to folders are not followed.

    With ``may_be_absent`` nothing there is nothing new: a receiver has not run yet.
    """

    def __init__(self, name: str, given: Path, *, may_be_absent: bool = False) -> None:
        self.name = name
        self.name_of_memory = str(given)
        self._given = given
        self._may_be_absent = may_be_absent

    @property
    def root(self) -> Path:
        """The folder; of a spool, where its whole objects are."""
        return objects_of(self._given) or self._given

    @property
    def whole(self) -> bool:
        """Whether it is a spool: an object shows there by a rename, once it is whole."""
        return objects_of(self._given) is not None

    def look(self, finished: Container[str] = ()) -> Iterator[Listing]:
        """Everything under the folder, names in order; raises :class:`Unreachable`."""
        root = str(self.root)
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    found = sorted(listing, key=lambda entry: entry.name)
            except FileNotFoundError as error:
                if folder == root and not self._may_be_absent:
                    raise Unreachable(_why(error)) from error
                continue  # it went between two looks
            except OSError as error:
                if folder == root:
                    raise Unreachable(_why(error)) from error
                # The catalogue says of it what it says of any folder that cannot be listed.
                around, name = os.path.split(folder)
                yield Listing(around, [_unknown(around, name)])
                continue
            inner, listed = _sorted_out(folder, found)
            waiting += [path for path in reversed(inner) if path not in finished]
            yield listed

    def closed(self, folder: str) -> str | None:
        """A day of a spool, the day after it ended: a receiver writes into today's only."""
        if not self.whole or not Path(folder).is_relative_to(self.root):
            return None
        inside = Path(folder).relative_to(self.root).parts
        if not inside or not _DAY.fullmatch(inside[0]):
            return None
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        return str(self.root / inside[0]) if inside[0] < yesterday.isoformat() else None

    def busy(self, entries: Sequence[Entry]) -> set[Entry]:
        """Those that a program of this machine has open for writing."""
        if self.whole or not entries:
            return set()
        written = open_for_writing()
        return {entry for entry in entries if _identity(_path(entry)) in written}

    def fetch(self, entries: Sequence[Entry]) -> dict[Entry, Path]:
        """The files themselves."""
        return {entry: _path(entry) for entry in entries}


def _sorted_out(folder: str, found: Sequence[os.DirEntry[str]]) -> tuple[list[str], Listing]:
    inner: list[str] = []
    entries: list[Entry] = []
    left: list[tuple[str, str]] = []
    for item in found:
        if is_temporary(item.name):
            left.append((item.name, "temporary name"))
        elif item.is_dir(follow_symlinks=False):
            inner.append(item.path)
        elif item.is_dir():
            left.append((item.name, "link to a folder"))
        else:
            entries.append(_entry(folder, item))
    return inner, Listing(folder, entries, left)


def _entry(folder: str, item: os.DirEntry[str]) -> Entry:
    try:
        status = item.stat()
    except OSError:  # a broken link, or it went meanwhile
        return _unknown(folder, item.name)
    if not stat.S_ISREG(status.st_mode):
        return _unknown(folder, item.name)
    return Entry(folder, item.name, status.st_size, str(status.st_mtime_ns))


def _unknown(folder: str, name: str) -> Entry:
    return Entry(folder, name, UNKNOWN_SIZE, "")


def _path(entry: Entry) -> Path:
    return Path(entry.folder, entry.name)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__

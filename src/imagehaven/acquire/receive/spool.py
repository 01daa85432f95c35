"""The spool: a folder into which objects come whole or not at all.

``incoming/DATE/STUDY/NAME.dcm`` holds whole objects and nothing else; ``drafts`` what is being
written, emptied at each start. A draft becomes an object by a rename within the same file system.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive import filing
from imagehaven.acquire.receive.filing import Incoming
from imagehaven.errors import TransientError, UserError

#: What a spool has beside ``incoming``: no whole objects, so nothing for the catalogue.
LOCK: Final = "receiver.lock"
DRAFTS: Final = "drafts"
INCOMING: Final = "incoming"
#: Objects whose bytes may wait for the disk, for each association.
MOST_UNSYNCED: Final = 256
_SYNCING: Final = 8
_RECOUNT_EVERY: Final = 1.0


class SpoolFull(Exception):
    """There is no room: the limit is reached, the disk is full, or it takes nothing more."""


def objects_of(folder: Path) -> Path | None:
    """Where the whole objects are, for a spool or its ``incoming``; None for other folders."""
    for spool in (folder, folder.parent):
        if (spool / LOCK).is_file() and folder in (spool, spool / INCOMING):
            return spool / INCOMING
    return None


class Spool:
    """A spool folder, held by one receiver at a time."""

    def __init__(self, folder: Path, *, limit: int | None = None, each_file: bool = False) -> None:
        self.folder = folder
        self.incoming = folder / INCOMING
        self.each_file = each_file
        self._drafts = folder / DRAFTS
        self._limit = limit
        self._lock = threading.Lock()
        self._used = 0
        self._writing = 0
        self._counted = 0.0
        self._number = 0
        self._held = -1
        self._syncing = ThreadPoolExecutor(_SYNCING, "receiver to disk")

    def open(self) -> None:
        """Make the folders, take hold of them and throw old drafts away.

        Raises UserError where the folder cannot be written, TransientError where another receiver
        has it.
        """
        try:
            for place in (self.folder, self.incoming, self._drafts):
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._held = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UserError(
                f"The spool {self.folder} cannot be used: {error.strerror}. Give a folder that "
                "this user may write to."
            ) from error
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise TransientError(
                f"Another receiver writes to the spool {self.folder}. Stop it, or give another "
                "folder with --spool."
            ) from error
        for draft in self._drafts.iterdir():
            draft.unlink()
        self._recount()

    def close(self) -> None:
        """Let go of the folder."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        self._syncing.shutdown()

    def draft(self, incoming: Incoming, head: bytes | None = None) -> Draft:
        """Begin an object, with its file's ``head`` where it came; raises :class:`SpoolFull`."""
        with self._lock:
            self._number += 1
            path = self._drafts / f"{self._number}.part"
        return Draft(self, path, incoming, filing.file_head(incoming) if head is None else head)

    def reserve(self, size: int) -> None:
        """Count ``size`` bytes as used; raises :class:`SpoolFull` above the limit.

        What others took out of the spool is noticed here, by counting again at most once a second.
        """
        with self._lock:
            if self._limit is not None and self._used + self._writing + size > self._limit:
                if time.monotonic() - self._counted < _RECOUNT_EVERY:
                    raise SpoolFull
                self._recount()
                if self._used + self._writing + size > self._limit:
                    raise SpoolFull
            self._writing += size

    def settle(self, reserved: int, kept: int) -> None:
        """A draft that had ``reserved`` bytes is done with, and ``kept`` of them stay."""
        with self._lock:
            self._writing -= reserved
            self._used += kept

    def known(self, inside: Path) -> Path | None:
        """An object that lies under ``inside`` (STUDY/NAME) in the folder of any day."""
        for day in sorted(self.incoming.iterdir(), reverse=True):
            path = day / inside
            if path.exists():
                return path
        return None

    def objects(self) -> Iterator[Path]:
        """Every object of the spool."""
        for entry in _files(self.incoming):
            if entry.name.endswith(filing.SUFFIX):
                yield Path(entry.path)

    def to_disk(self, paths: Sequence[Path]) -> None:
        """Wait until these objects and their names are on the disk.

        One that was taken out of the spool in between is somebody else's by now.
        """
        # At once: file systems with a journal then write it once for many files, 16 times as fast.
        list(self._syncing.map(_fsync, paths))
        studies = {path.parent for path in paths}
        days = {study.parent for study in studies}
        for folder in (*sorted(studies), *sorted(days), self.incoming):
            _fsync(folder)

    def _recount(self) -> None:
        self._used = 0
        for entry in _files(self.incoming):
            with contextlib.suppress(OSError):  # it was taken out in between
                self._used += entry.stat().st_size
        self._counted = time.monotonic()


class Draft:
    """One object while it comes. Every way of ending it leaves a whole object or nothing."""

    def __init__(self, spool: Spool, path: Path, incoming: Incoming, head: bytes) -> None:
        self._spool = spool
        self._path = path
        self._incoming = incoming
        self._hash = filing.first_hash(incoming.transfer_syntax)
        self._head = bytearray()
        self._reserved = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with _room():
            self._file = os.open(path, flags, 0o600)
        self._ended = False
        self._store(memoryview(head))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._reserved

    def write(self, piece: memoryview) -> None:
        """Add a piece of the data set; raises :class:`SpoolFull`, and the draft is gone."""
        self._hash.update(piece)
        if len(self._head) < filing.HEAD:
            self._head += piece[: filing.HEAD - len(self._head)]
        self._store(piece)

    @property
    def study(self) -> bytes:
        """The Study Instance UID, as far as the first bytes show it."""
        return filing.study_uid(bytes(self._head), self._incoming.transfer_syntax)

    def seal(self) -> None:
        """Nothing more comes: many drafts may then wait to be kept together."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def keep(self) -> tuple[Path, bool]:
        """Put the object into its place; returns the place, and whether it was new there."""
        study = filing.study_folder(bytes(self._head), self._incoming.transfer_syntax)
        name = filing.file_name(self._incoming.sop_instance, self._hash.hexdigest())
        inside = Path(study, name)
        before = self._spool.known(inside)
        if before is not None:
            self.abandon()
            if self._spool.each_file:
                self._spool.to_disk([before])
            return before, False
        path = self._spool.incoming / f"{datetime.now(UTC):%Y-%m-%d}" / inside
        try:
            with _room():
                if self._spool.each_file and self._file >= 0:
                    os.fsync(self._file)
                _rename(self._path, path)
                if self._spool.each_file:
                    self._spool.to_disk([path])
        except BaseException:
            self.abandon()
            raise
        self.seal()
        self._ended = True
        self._spool.settle(self._reserved, self._reserved)
        return path, True

    def abandon(self) -> None:
        """Remove what was written; nothing where that is done, or the object was kept."""
        if self._ended:
            return
        self._ended = True
        self.seal()
        self._path.unlink(missing_ok=True)
        self._spool.settle(self._reserved, 0)

    def _store(self, piece: memoryview) -> None:
        try:
            self._spool.reserve(len(piece))
            self._reserved += len(piece)
            with _room():
                while piece:
                    piece = piece[os.write(self._file, piece) :]
        except BaseException:
            self.abandon()
            raise


def _rename(draft: Path, path: Path) -> None:
    try:
        draft.rename(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.rename(path)


def _fsync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # it was taken out in between
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolFull from error


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield entry
    except FileNotFoundError:  # the folder was taken out in between
        return

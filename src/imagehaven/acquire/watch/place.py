"""A watched place, and what is met there: the one seam between folders and object stores."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from imagehaven.acquire.receive.spool import DRAFTS, INCOMING, LOCK
from imagehaven.errors import UserError
from imagehaven.haven import Haven

_S3: Final = "s3://"
#: The folder in a haven that `imagehaven receive` fills unless told otherwise.
SPOOL: Final = "spool"


class Unreachable(Exception):
    """A place cannot be looked at now; the message says why, and names no file in it."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One file of a place. ``stamp`` changes when its content does: a time, or an ETag."""

    folder: str
    name: str
    size: int
    stamp: str


@dataclass(frozen=True)
class Listing:
    """What one folder of a place holds: files, and what is left aside, by reason."""

    folder: str
    entries: Sequence[Entry]
    left: Sequence[tuple[str, str]] = ()

    def new_beside(self, known: Mapping[str, tuple[int, str]]) -> list[Entry]:
        """The entries whose size and stamp are not ``known`` under their name."""
        return [one for one in self.entries if known.get(one.name) != (one.size, one.stamp)]


class Place(Protocol):
    """Where files appear."""

    #: What people call it, and what it is remembered by: the same wherever it is named from.
    name: str
    name_of_memory: str

    @property
    def root(self) -> Path:
        """The local folder under which the files are that the catalogue points to."""

    @property
    def whole(self) -> bool:
        """Whether a file shows only once it is complete, so that there is nothing to wait for."""

    def look(self, finished: Container[str] = ()) -> Iterator[Listing]:
        """Everything that is there now, folder by folder, without folders that are ``finished``.

        Raises :class:`Unreachable`.
        """

    def closed(self, folder: str) -> str | None:
        """The folder around ``folder`` to which nothing comes any more; None where it may."""

    def busy(self, entries: Sequence[Entry]) -> set[Entry]:
        """Those of these files that somebody is still writing, where that can be seen."""

    def fetch(self, entries: Sequence[Entry]) -> dict[Entry, Path]:
        """The local files of these entries; raises :class:`Unreachable`.

        One that is gone, was replaced meanwhile or is refused is left out.
        """


def place_of(haven: Haven, text: str) -> Place:
    """The place that a person names: a folder, a receiver's spool, or ``s3://BUCKET/PREFIX``.

    Raises UserError for anything else, and for a place that holds the haven itself.
    """
    from imagehaven.acquire.watch.folder import Folder
    from imagehaven.acquire.watch.prefix import Prefix

    if text.startswith(_S3):
        return Prefix(haven, text)
    if "://" in text:
        raise UserError(
            f"{text} cannot be watched. Give a folder, a receiver's spool, or s3://BUCKET/PREFIX."
        )
    root = Path(os.path.realpath(text))
    if root.is_file():
        raise UserError(f"{text} is a file: give the folder that it came in, or `ingest` it.")
    if root.name == DRAFTS and root.with_name(LOCK).is_file():
        raise UserError(f"{text} holds what a receiver is still writing: give {root.parent}.")
    if haven.folder.resolve().is_relative_to(root):
        raise UserError(
            f"{text} holds the haven itself ({haven.folder}). Give the folder in it that files "
            "come to, for instance its spool."
        )
    own = haven.folder.resolve() / SPOOL
    return Folder(text, root, may_be_absent=root in (own, own / INCOMING))

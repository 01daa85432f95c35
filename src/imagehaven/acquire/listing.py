"""List what an archive holds, archives within it included, as sources and problems."""

from __future__ import annotations

import io
from dataclasses import dataclass
from operator import attrgetter
from typing import BinaryIO

from imagehaven.acquire.archives import SNIFF, Entry, entries, kind_of
from imagehaven.acquire.limits import Limits
from imagehaven.acquire.opening import opened, read_block, spool_rest
from imagehaven.acquire.source import Problem, Source, location_of
from imagehaven.errors import Quarantine


def list_archive(
    stream: BinaryIO, kind: str, size: int, path: str, limits: Limits
) -> list[Source | Problem]:
    """Return the sources and problems in the archive file ``path``, sorted by location.

    The archive itself is a problem, under its own location, where it cannot be gone through; what
    was met before that point is still listed. The size of a member that is a lone compressed file
    is -1: only reading it tells.
    """
    found: list[Source | Problem] = []
    _list(_Archive(stream, kind, size, path, ()), limits, found)
    return sorted(found, key=attrgetter("location"))


@dataclass(frozen=True)
class _Archive:
    """An archive that is open: its bytes, and what leads to it."""

    stream: BinaryIO
    kind: str
    size: int
    path: str
    members: tuple[str, ...]


def _list(archive: _Archive, limits: Limits, found: list[Source | Problem]) -> None:
    path, before = archive.path, len(found)
    try:
        for entry in entries(archive.stream, archive.kind, archive.size, limits):
            if len(found) >= limits.members:
                raise Quarantine("archive-bomb", f"more than {limits.members} members in all")
            inner = (*archive.members, entry.name)
            try:
                _list_entry(entry, path, inner, limits, found)
            except Quarantine as fault:
                found.append(Problem(location_of(path, inner), fault.reason, fault.detail))
        if len(found) == before:
            raise Quarantine("empty-archive", "the archive holds no file")
    except Quarantine as fault:
        found.append(Problem(location_of(path, archive.members), fault.reason, fault.detail))


def _list_entry(
    entry: Entry,
    path: str,
    members: tuple[str, ...],
    limits: Limits,
    found: list[Source | Problem],
) -> None:
    with opened(entry) as member:
        head = read_block(member, SNIFF)
        kind = kind_of(head)
        if kind is None:
            found.append(Source(location_of(path, members), path, members, entry.size))
            return
        if len(members) >= limits.depth:
            raise Quarantine("archive-too-deep", f"archives nest deeper than {limits.depth}")
        # The rest of the same pass: a compressed stream cannot go back to the member's beginning.
        nested = spool_rest(member, head, entry.size, limits)
    with nested:
        size = nested.seek(0, io.SEEK_END)
        _list(_Archive(nested, kind, size, path, members), limits, found)

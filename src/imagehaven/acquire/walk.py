"""Walk folders, archives and DICOMDIRs in one strict order, so that a killed walk can go on.

The order is that of the locations as text, by code point: what ``sorted`` gives in Python, and
``ORDER BY location`` under a binary collation. Every location comes once and all are distinct, so
"strictly after this location" names one place in the walk, whatever happened before.

A receiver's spool is walked without its drafts, which are no whole objects.

Symbolic links: a link to a file is a source under the link's own location. A link to a folder is
followed only where its target lies outside every folder given; inside, the files are met under
their own names. A link to a folder around it, or to nothing, is a problem.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Final

from imagehaven.acquire.archives import SNIFF, kind_of
from imagehaven.acquire.limits import DEFAULT, Limits
from imagehaven.acquire.listing import list_archive
from imagehaven.acquire.mediadir import referenced_files
from imagehaven.acquire.opening import unreadable
from imagehaven.acquire.receive.spool import DRAFTS, LOCK
from imagehaven.acquire.source import Problem, Source, shown, shown_path
from imagehaven.errors import Quarantine, UserError

MAX_LINKS: Final = 8

_FILE, _FOLDER, _LISTED = range(3)
# What a location ends in, one of the three kinds, the entry's name, and what is already known.
_Pending = tuple[str, int, str, Sequence[Source | Problem]]


@dataclass
class _Folder:
    """A folder that the walk is in: what it still has to visit, smallest location first."""

    path: str
    location: str
    ancestors: frozenset[tuple[int, int]]
    links: int
    pending: list[_Pending] = field(default_factory=list)


def walk(
    paths: Sequence[Path], after: str | None = None, limits: Limits = DEFAULT
) -> Iterator[Source | Problem]:
    """Yield every source and problem under ``paths``, in order, each location once.

    With ``after``, only those strictly after that location. Overlapping paths are merged, and
    each is made real (absolute, without links) first. A file whose name starts with DICOMDIR,
    given as a path, brings the files that it refers to. Raises :class:`UserError` for a path that
    does not exist.
    """
    roots = _roots(paths)
    pending = [_pending(shown_path(root).rstrip("/"), root, root) for root in roots]
    return _walked(pending, roots, after, limits)


def walk_files(
    files: Sequence[Path], after: str | None = None, limits: Limits = DEFAULT
) -> Iterator[Source | Problem]:
    """Yield what these very files give, in the order and with the locations of :func:`walk`.

    ``files`` are absolute and distinct. A DICOMDIR brings nothing else here, and a file that went
    since it was listed is a problem (``vanished``).
    """
    pending: list[_Pending] = []
    for file in map(str, files):
        if os.path.lexists(file):
            pending.append(_pending(shown_path(file), file, file))
        else:
            pending.append((shown_path(file), _FILE, file, ()))
    return _walked(pending, [str(file) for file in files], after, limits)


def _walked(
    pending: list[_Pending], roots: Sequence[str], after: str | None, limits: Limits
) -> Iterator[Source | Problem]:
    top = _Folder("", "", frozenset(), 0, pending)
    heapify(top.pending)
    stack = [top]
    while stack:
        folder = stack[-1]
        if not folder.pending:
            stack.pop()
            continue
        key, kind, name, known = heappop(folder.pending)
        path, location = os.path.join(folder.path, name), folder.location + key  # noqa: PTH118
        if kind == _FOLDER:
            if after is None or location > after or after.startswith(location):
                inner = _enter(folder, path, location, roots)
                if isinstance(inner, _Folder):
                    stack.append(inner)
                elif inner is not None and (after is None or location > after):
                    yield inner
            continue
        if kind == _FILE and not _passed(location, after):
            found = _look(path, location, limits)
            known = [item for item in found if item.location == location]
            rest = [item for item in found if item.location != location]
            if rest:  # members come later than files whose name goes on with a lower character
                heappush(folder.pending, (key + "!/", _LISTED, name, rest))
        yield from (item for item in known if after is None or item.location > after)


def _passed(location: str, after: str | None) -> bool:
    """Say whether a file, and all that it holds if it is an archive, lies before ``after``."""
    if after is None or location > after:
        return False
    inside = location + "!/"
    return inside < after and not after.startswith(inside)


def _look(path: str, location: str, limits: Limits) -> list[Source | Problem]:
    """Return what a file gives: itself as a source, its members, or a problem."""
    try:
        with Path(path).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            kind = kind_of(stream.read(SNIFF))
            if kind is None:
                return [Source(location, path, (), size)]
            return list_archive(stream, kind, size, path, limits)
    except OSError as error:
        fault = unreadable(error)
        return [Problem(location, fault.reason, fault.detail)]


def _enter(
    around: _Folder, path: str, location: str, roots: Sequence[str]
) -> _Folder | Problem | None:
    """List a folder; a problem if that cannot be done, None if it is met under its own name."""
    try:
        linked = around.location != "" and Path(path).is_symlink()
        status = os.stat(path)  # noqa: PTH116 - the identity behind the link
        identity = (status.st_dev, status.st_ino)
        if identity in around.ancestors:
            return Problem(location, "symlink-loop", "the link leads to a folder around it")
        if linked and _inside(os.path.realpath(path), set(roots)):
            return None
        if linked and around.links >= MAX_LINKS:
            detail = f"more than {MAX_LINKS} linked folders in a row"
            return Problem(location, "symlink-loop", detail)
        folder = _Folder(path, location, around.ancestors | {identity}, around.links + linked)
        with os.scandir(path) as listing:
            found = list(listing)
    except OSError as error:
        fault = unreadable(error)
        return Problem(location, fault.reason, fault.detail)
    names = {entry.name for entry in found}
    aside = {DRAFTS, LOCK} if {DRAFTS, LOCK} <= names else set()
    folder.pending = [
        _pending(shown(entry.name), entry.name, entry.path, location)
        for entry in found
        if entry.name not in aside
    ]
    heapify(folder.pending)
    return folder


def _pending(key: str, name: str, path: str, around: str = "") -> _Pending:
    """Classify an entry; a folder's key ends in the slash that all locations below it have."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - Path is slow on a million entries
    except OSError as error:
        fault = unreadable(error)
        if error.errno == errno.ELOOP:
            fault = Quarantine("symlink-loop", "the link leads to itself")
        elif isinstance(error, FileNotFoundError):
            fault = Quarantine("broken-link", "the link leads to nothing")
    else:
        if stat.S_ISDIR(mode):
            return key + "/", _FOLDER, name, ()
        if stat.S_ISREG(mode):
            return key, _FILE, name, ()
        fault = Quarantine("special-file", "no file: a pipe, socket or device")
    return key, _LISTED, name, [Problem(around + key, fault.reason, fault.detail)]


def _roots(paths: Sequence[Path]) -> list[str]:
    """Return the real paths to walk, without those that lie inside another one."""
    real: set[str] = set()
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist: give a folder, an archive or a DICOM file.")
        root = os.path.realpath(path)
        if Path(root).name == DRAFTS and Path(root).with_name(LOCK).is_file():
            raise UserError(
                f"{path} holds what a receiver is still writing. Give {path.parent}: then its "
                "whole objects are found, and no draft."
            )
        real.add(root)
        if Path(root).is_file() and path.name.upper().startswith("DICOMDIR"):
            existing, _ = referenced_files(Path(root))
            real.update(os.path.realpath(file) for file in existing)
    return sorted(root for root in real if not _inside(os.path.dirname(root), real - {root}))  # noqa: PTH120


def _inside(path: str, roots: set[str]) -> bool:
    """Say whether ``path`` is one of ``roots`` or lies below one."""
    while path not in roots:
        parent = os.path.dirname(path)  # noqa: PTH120
        if parent == path:
            return False
        path = parent
    return True

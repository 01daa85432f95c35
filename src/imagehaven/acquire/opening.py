"""Open sources for reading: files as they are, members of archives through temporary storage."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final, cast

from imagehaven.acquire.archives import BROKEN, SNIFF, Entry, entries, kind_of
from imagehaven.acquire.limits import DEFAULT, Limits
from imagehaven.acquire.source import Source
from imagehaven.errors import Quarantine, TransientError

IN_MEMORY: Final = 32 * 2**20
_BLOCK = 2**20
_Opened = Iterator[tuple[Source, BinaryIO | Quarantine]]


@contextmanager
def open_source(source: Source, limits: Limits = DEFAULT) -> Iterator[BinaryIO]:
    """Open one source as a seekable stream of bytes, read-only.

    Raises :class:`Quarantine` with ``vanished``, ``unreadable-permissions``, ``unreadable``,
    ``broken-archive``, ``archive-bomb`` or a reason that the walk gives too, and
    :class:`TransientError` when temporary storage is full.
    """
    opened = open_sources([source], limits)
    try:
        _, stream = next(opened)
        if isinstance(stream, Quarantine):
            raise stream
        yield stream
    finally:
        opened.close()


def open_sources(
    sources: Iterable[Source], limits: Limits = DEFAULT
) -> Generator[tuple[Source, BinaryIO | Quarantine], None, None]:
    """Yield each source with its stream, or with why it has none; each source exactly once.

    Consecutive sources of one archive file, archives within it included, are read in one pass over
    it, so they may come in the order of the archive instead of their own. A stream is open until
    the next pair is asked for.
    """
    for archive, group in groupby(sources, key=lambda source: source.archive):
        if archive is None:
            for source in group:
                yield from _plain(source)
        else:
            yield from _archived(list(group), limits)


def _plain(source: Source) -> _Opened:
    try:
        stream = Path(source.path).open("rb")  # noqa: SIM115 - closed below, once it is open
    except OSError as error:
        yield source, unreadable(error)
        return
    with stream:
        yield source, stream


def _archived(group: list[Source], limits: Limits) -> _Opened:
    """Open the sources of one archive file in one pass over it."""
    try:
        stream = Path(group[0].path).open("rb")  # noqa: SIM115 - closed below, once it is open
    except OSError as error:
        yield from ((source, unreadable(error)) for source in group)
        return
    with stream:
        yield from _members(stream, group, 0, limits)


def _members(stream: BinaryIO, group: list[Source], level: int, limits: Limits) -> _Opened:
    """Open those of an archive's members that ``group`` wants, ``level`` archives deep."""
    wanted: dict[str, list[Source]] = defaultdict(list)
    for source in group:
        wanted[source.members[level]].append(source)
    fault = Quarantine("vanished", "the archive no longer has this member")
    try:
        size = stream.seek(0, io.SEEK_END)
        for entry in entries(stream, _kind(stream), size, limits):
            if entry.name in wanted:
                yield from _member(entry, wanted.pop(entry.name), level, limits)
            if not wanted:
                return
    except OSError as error:
        fault = unreadable(error)
    except Quarantine as error:
        fault = error
    yield from ((source, fault) for rest in wanted.values() for source in rest)


def _member(entry: Entry, group: list[Source], level: int, limits: Limits) -> _Opened:
    """Open one member: for the sources that it is, and for those within it if an archive."""
    try:
        spooled = spool(entry, limits)
    except Quarantine as fault:
        outcome = fault
        yield from ((source, outcome) for source in group)
        return
    with spooled:
        for source in group:
            if len(source.members) == level + 1:
                spooled.seek(0)
                yield source, spooled
        within = [source for source in group if len(source.members) > level + 1]
        if within:
            yield from _members(spooled, within, level + 1, limits)


def _kind(stream: BinaryIO) -> str:
    stream.seek(0)
    kind = kind_of(stream.read(SNIFF))
    if kind is None:
        raise Quarantine("broken-archive", "the file is no archive any more")
    return kind


def spool(entry: Entry, limits: Limits = DEFAULT) -> BinaryIO:
    """Copy a member into memory, or a temporary file when large; return it as seekable stream."""
    with opened(entry) as member:
        return spool_rest(member, b"", entry.size, limits)


def spool_rest(member: IO[bytes], start: bytes, size: int, limits: Limits) -> BinaryIO:
    """Copy ``start``, already read, and the rest of ``member``, which must have ``size`` bytes."""
    spooled = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - returned
    try:
        block = start or read_block(member)
        while block:
            if spooled.tell() + len(block) > limits.member_size:
                raise Quarantine("archive-bomb", "the member is larger than the limit")
            with _temporary_storage():
                spooled.write(block)
            block = read_block(member)
        if 0 <= size != spooled.tell():
            raise Quarantine("broken-archive", "the member is shorter than the archive says")
        with _temporary_storage():
            spooled.seek(0)  # what is still buffered is written now
    except BaseException:
        with suppress(OSError):  # closing tries the full disk once more
            spooled.close()
        raise
    return spooled


def opened(entry: Entry) -> IO[bytes]:
    """Open a member for one pass forward; :class:`Quarantine` where that cannot be."""
    if entry.refused is not None:
        raise entry.refused
    try:
        return entry.open()
    except BROKEN as error:
        raise Quarantine("broken-archive", f"opening failed: {type(error).__name__}") from None


def read_block(member: IO[bytes], size: int = _BLOCK) -> bytes:
    """Read the next bytes of a member; :class:`Quarantine` where its archive is damaged."""
    try:
        return member.read(size)
    except BROKEN as error:
        raise Quarantine("broken-archive", f"reading failed: {type(error).__name__}") from None


def unreadable(error: OSError) -> Quarantine:
    """Name what the operating system says about a file that cannot be opened or listed."""
    if isinstance(error, FileNotFoundError):
        return Quarantine("vanished", "the file was there when it was listed and is gone")
    if isinstance(error, PermissionError):
        return Quarantine("unreadable-permissions", "grant this user the right to read it")
    return Quarantine("unreadable", f"the system reports {error.strerror or type(error).__name__}")


@contextmanager
def _temporary_storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(
            "Temporary storage cannot take a member of an archive: free some space in the folder "
            "that TMPDIR names, and run the same command again."
        ) from error

"""Go through the members of zip, tar and compressed files, once, and only for reading.

The same pass serves listing and reading. No member's name is ever used to write a file; a name
that would leave a folder is reported all the same, since whoever made it meant harm or made a
mistake, and either should be looked at.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Final, cast

from imagehaven.acquire.forward import ForwardStream
from imagehaven.acquire.limits import Limits
from imagehaven.acquire.source import shown
from imagehaven.errors import Quarantine

SNIFF: Final = 512

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What the standard library raises on damaged archives.
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
    NotImplementedError, RuntimeError, ValueError, MemoryError, IndexError,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One member met on the way: readable through ``open`` until the next one is asked for.

    ``refused`` says why it cannot be offered, else None. ``size`` is -1 when only reading tells.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    refused: Quarantine | None = None


def kind_of(head: bytes) -> str | None:
    """Tell an archive or compressed file by its first 512 bytes; None for anything else."""
    if head[128:132] == b"DICM":  # a preamble may hold anything
        return None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bzip2"
    for kind, magic in (("gzip", b"\x1f\x8b\x08"), ("xz", b"\xfd7zXZ\x00")):
        if head.startswith(magic):
            return kind
    return "tar" if is_tar(head) else None


def is_tar(head: bytes) -> bool:
    """Say whether ``head`` is a tar header: by its magic, or for old ones by its checksum."""
    if len(head) < 512 or not any(head):
        return False
    if head[257:262] == b"ustar":
        return True
    try:
        stored = int(head[148:156].rstrip(b" \0") or b"-1", 8)
    except ValueError:
        return False
    return stored == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def entries(stream: BinaryIO, kind: str, size: int, limits: Limits) -> Iterator[Entry]:
    """Yield the members of an archive of ``size`` bytes, in the order that it stores them.

    Folders are left out. Raises :class:`Quarantine` with ``broken-archive`` or ``archive-bomb``
    where the archive itself ends the pass; what was yielded before stays good.
    """
    counts: Counter[str] = Counter()
    walkers = {"zip": _zip_entries, "tar": _tar_entries}
    walk = walkers.get(kind, _compressed_entries)
    try:
        for number, entry in enumerate(walk(stream, kind, size, limits), start=1):
            if number > limits.members:
                raise Quarantine("archive-bomb", f"more than {limits.members} members")
            counts[entry.name] += 1
            yield _judged(entry, counts[entry.name], limits)
    except EOFError:
        raise Quarantine("broken-archive", "it is cut off before its end") from None
    except BROKEN as error:
        raise Quarantine("broken-archive", f"reading stopped with {type(error).__name__}") from None


def _judged(entry: Entry, occurrence: int, limits: Limits) -> Entry:
    """Escape the name, number a repeated one, and refuse what a reader should not touch."""
    name = shown(entry.name) + (f"\\#{occurrence}" if occurrence > 1 else "")
    refused = entry.refused
    parts = entry.name.replace("\\", "/").split("/")
    if ".." in parts or entry.name.startswith(("/", "\\")) or _DRIVE.match(entry.name):
        refused = Quarantine("path-traversal", "the member's name leads out of the archive")
    elif _CONTROL.search(entry.name):
        refused = Quarantine("path-traversal", "the member's name holds control characters")
    elif entry.size > limits.member_size:
        refused = Quarantine("archive-bomb", "the member is larger than the limit for members")
    return Entry(name, entry.size, entry.open, refused)


def _zip_entries(stream: BinaryIO, _kind: str, size: int, limits: Limits) -> Iterator[Entry]:
    with zipfile.ZipFile(stream) as archive:
        infos = archive.infolist()
        # Cut short, a zip ends in the directory of a zip within it: others' members are not listed.
        if min((info.header_offset for info in infos), default=archive.start_dir) > 0:
            raise Quarantine("broken-archive", "its directory does not list how it begins")
        limits.check(sum(info.file_size for info in infos), size, "the archive")
        for info in infos:
            if info.is_dir():
                continue
            refused = None
            if info.flag_bits & 0x1:
                refused = Quarantine("encrypted-archive", "the member is encrypted")
            elif info.compress_type not in _ZIP_METHODS:
                detail = f"zip method {info.compress_type} is not supported"
                refused = Quarantine("unsupported-compression", detail)
            elif info.file_size > limits.ratio_from and (
                info.file_size > limits.ratio * max(1, info.compress_size)
            ):
                refused = Quarantine("archive-bomb", "the member expands beyond the limits")
            yield Entry(_zip_name(info), info.file_size, _opener(archive, info), refused)


def _zip_name(info: zipfile.ZipInfo) -> str:
    # zipfile cuts a name at NUL; the name as stored is what has to be judged.
    return info.orig_filename if "\0" in info.orig_filename else info.filename


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(info)


def _tar_entries(stream: BinaryIO, _kind: str, size: int, limits: Limits) -> Iterator[Entry]:
    stream.seek(0)
    forward = ForwardStream(stream, size, limits)
    with tarfile.open(fileobj=cast(BinaryIO, forward), mode="r:", errorlevel=2) as archive:
        while (info := archive.next()) is not None:
            cast(Any, archive).members = []  # it would remember every member of a large archive
            if info.isdir():
                continue
            refused = None
            if not info.isreg() or info.issparse():
                refused = Quarantine("special-file", "the member is a link, a device or sparse")
            yield Entry(info.name, info.size, _tar_opener(archive, info), refused)
        # The reader ends in silence at a damaged header, as at the block of zeros that should end.
        if any(forward.last_read):
            raise Quarantine("broken-archive", "the archive is damaged or cut before its end")


def _tar_opener(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        stream = archive.extractfile(info)
        if stream is None:
            raise Quarantine("special-file", "the member has no content of its own")
        return stream

    return opened


def _compressed_entries(stream: BinaryIO, kind: str, size: int, limits: Limits) -> Iterator[Entry]:
    openers = {"gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}

    def plain() -> BinaryIO:
        stream.seek(0)
        if kind == "gzip":
            return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
        return cast(BinaryIO, openers[kind](stream))

    if is_tar(plain().read(SNIFF)):
        yield from _tar_entries(plain(), kind, size, limits)
    else:
        yield Entry("", -1, lambda: cast(IO[bytes], ForwardStream(plain(), size, limits)))

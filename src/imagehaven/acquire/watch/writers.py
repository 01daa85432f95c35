"""Which files a program has open for writing, as far as this user may see it.

Linux only (proc(5)): the descriptors of this user's programs, or of all where root asks. What runs
on another machine and writes through a share is never seen; for that there is the settle time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FLAGS: Final = re.compile(rb"^flags:\s+([0-7]+)$", re.MULTILINE)
_PROC: Final = Path("/proc")

#: Device and inode, which name a file whatever it is called.
Identity = tuple[int, int]


def open_for_writing() -> set[Identity]:
    """The files that are open for writing now; empty where the system does not tell."""
    found = set()
    for process in _entries(_PROC):
        if process.name.isdecimal():
            for descriptor in _entries(Path(process.path, "fd")):
                identity = _written(Path(process.path), descriptor)
                if identity is not None:
                    found.add(identity)
    return found


def _written(process: Path, descriptor: os.DirEntry[str]) -> Identity | None:
    try:
        flags = _FLAGS.search((process / "fdinfo" / descriptor.name).read_bytes())
        if flags is None or not int(flags[1], 8) & os.O_ACCMODE:
            return None
        status = descriptor.stat()
    except OSError:  # it was closed in between
        return None
    return status.st_dev, status.st_ino


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            yield from listing
    except OSError:  # another user's process, one that has ended, or no Linux
        return

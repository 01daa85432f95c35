"""The layout of a release folder, and the errors of writing to it.

::

    README.md  data_dictionary.csv  manifest.json  SHA256SUMS
    images/<pseudonym>/<study>/<series>/<instance>.dcm
    metadata/instances.csv  metadata/instances.parquet
    reports/*.csv
    .partial/                 while the release is being made: its claim, its lock, its drafts
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Final

from imagehaven.errors import ImagehavenError, TransientError, UserError

IMAGES: Final = "images"
METADATA: Final = "metadata"
REPORTS: Final = "reports"
PARTIAL: Final = ".partial"
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
README: Final = "README.md"
DICTIONARY: Final = "data_dictionary.csv"

_TOP: Final = frozenset({IMAGES, METADATA, REPORTS, PARTIAL, MANIFEST, SUMS, README, DICTIONARY})
_SAFE_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_GONE_FOR_NOW: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT, errno.ESTALE}
)


def image_path(patient: str, study: str, series: str, instance: str) -> str:
    """The path of a released image below the release folder, from its pseudonyms.

    Raises ValueError for a pseudonym that cannot be a file's name: those that our key makes can.
    """
    parts = (patient, study, series, instance)
    if not all(_SAFE_PART.fullmatch(part) for part in parts):
        raise ValueError("a pseudonym is missing or cannot be a file name")
    return f"{IMAGES}/{patient}/{study}/{series}/{instance}.dcm"


def free_bytes(folder: Path) -> int:
    """The room on the disk that ``folder`` is, or would be, on."""
    resolved = folder.resolve()
    nearest = next(place for place in (resolved, *resolved.parents) if place.exists())
    return shutil.disk_usage(nearest).free


def reconcile_images(folder: Path, released: Iterable[str]) -> list[str]:
    """Remove every file below ``images`` that ``released`` does not name; return what it misses.

    ``released`` are paths below the folder, sorted, so that one series at a time is in memory.
    """
    series: set[str] = set()
    missing: list[str] = []
    with writing(folder):
        for parent, paths in groupby(released, key=lambda path: str(PurePosixPath(path).parent)):
            series.add(parent)
            wanted = {PurePosixPath(path).name for path in paths}
            place = folder / parent
            present = {path.name for path in place.iterdir()} if place.is_dir() else set()
            for stray in present - wanted:
                remove(place / stray)
            missing += [f"{parent}/{name}" for name in sorted(wanted - present)]
        for root, folders, files in os.walk(folder / IMAGES, topdown=False):
            place = Path(root)
            if place.relative_to(folder).as_posix() in series:
                continue
            for name in files:
                remove(place / name)
            for name in folders:
                if (place / name).is_symlink():
                    remove(place / name)
            if not any(place.iterdir()):
                place.rmdir()
    return missing


def strangers(folder: Path) -> list[str]:
    """Names directly in the folder that no release writes: somebody put them there."""
    with writing(folder):
        return sorted({path.name for path in folder.iterdir()} - _TOP)


def packaged(folder: Path) -> list[str]:
    """The paths of what was written about the images: README, dictionary, metadata, reports."""
    found = [name for name in (README, DICTIONARY) if (folder / name).is_file()]
    for place in (METADATA, REPORTS):
        found += [f"{place}/{path.name}" for path in (folder / place).glob("*") if path.is_file()]
    return sorted(found)


def every_file(folder: Path) -> Iterator[str]:
    """The path of every file below the folder, hidden ones too."""
    for root, _, files in os.walk(folder):
        for name in files:
            yield (Path(root) / name).relative_to(folder).as_posix()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says about the destination into an error with its remedy."""
    try:
        yield
    except OSError as error:
        raise fault(folder, error) from error


def fault(folder: Path, error: OSError) -> ImagehavenError:
    """The error to raise when ``folder`` cannot be written to or read."""
    where = error.filename if isinstance(error.filename, str) else str(folder)
    again = "Nothing is lost: repeat the same command and the release goes on where it stopped."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TransientError(f"The disk of {folder} is full ({where}). Make room. {again}")
    if error.errno in _GONE_FOR_NOW:
        return TransientError(
            f"The release folder {folder} did not answer ({where}: {error.strerror}). See that "
            f"its disk is there. {again}"
        )
    return UserError(
        f"The release folder {folder} cannot be used ({where}: {error.strerror}). Mend that, for "
        f"instance with chmod, or choose another --to. {again}"
    )


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()

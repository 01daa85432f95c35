"""What keeps a release folder to one release, and to one process, at a time."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.release.folder import layout, manifest

_CLAIM: Final = "claim.json"


def problem_with(haven: Haven, folder: Path) -> str | None:
    """Why a new release cannot be written to ``folder``, with the remedy; None when it can."""
    resolved = folder.resolve()
    if overlap := _overlap(haven, resolved):
        return f"{folder} lies {overlap}. Choose a folder outside it."
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file. Choose a folder that is empty or does not exist yet."
    try:
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        return str(layout.fault(folder, error))
    if names - {layout.PARTIAL} or claimant(folder):
        holder = label_of(folder)
        by = f" (it holds release {holder})" if holder else ""
        return f"{folder} is not empty{by}. Choose a folder that is empty or does not exist yet."
    nearest = next(place for place in (resolved, *resolved.parents) if place.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} cannot be written to. Grant this user the right, or choose another --to."
    return None


def _overlap(haven: Haven, folder: Path) -> str | None:
    home = haven.folder.resolve()
    if folder.is_relative_to(home) or home.is_relative_to(folder):
        return "inside the haven or around it"
    places = haven.ledger.runs.arguments("ingest", "paths")
    return next(
        (f"in {at}, which was ingested" for at in places if folder.is_relative_to(at)), None
    )


def claimant(folder: Path) -> str | None:
    """The release that is being written to ``folder``; None when none is."""
    try:
        text = (folder / layout.PARTIAL / _CLAIM).read_text(encoding="ascii")
        return str(json.loads(text)["release"])
    except (OSError, ValueError, KeyError):
        return None


def label_of(folder: Path) -> str | None:
    """The release that ``folder`` holds or is being given, by its claim or manifest."""
    return claimant(folder) or manifest.label(folder)


@contextmanager
def claimed(folder: Path, release: str) -> Iterator[None]:
    """Hold ``folder`` for one release and one process while the block runs.

    The claim stays behind when the process is killed, so that only the same release goes on there;
    :func:`unclaim` takes it away. Raises UserError when another process writes there.
    """
    place = folder / layout.PARTIAL
    with layout.writing(folder):
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"Another process is writing a release to {folder}. Wait until it has ended."
                ) from None
            _clear_drafts(place)
            draft = place / "claim.draft"
            draft.write_text(json.dumps({"release": release}), encoding="ascii")
            draft.replace(place / _CLAIM)
            yield


def unclaim(folder: Path) -> None:
    """Take the working folder away: the release is complete."""
    with layout.writing(folder):
        shutil.rmtree(folder / layout.PARTIAL)


def _clear_drafts(place: Path) -> None:
    for path in place.iterdir():
        if path.name not in ("lock", _CLAIM):
            layout.remove(path)

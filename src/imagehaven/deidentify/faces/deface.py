"""The verb ``deface``: copy DICOM into a folder, without the faces of heads in CT and MR."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from imagehaven.acquire import Problem, Source, open_sources, walk
from imagehaven.actions import action
from imagehaven.deidentify.faces.cutting import without_face
from imagehaven.deidentify.faces.decide import Decision
from imagehaven.deidentify.faces.series import decide_series, is_volume, series_uid
from imagehaven.dicom.header import read_header
from imagehaven.engine import Progress, quiet
from imagehaven.errors import Quarantine, UserError, Withheld


@dataclass(frozen=True)
class Left:
    """A file that was not written: its location, and why."""

    source: str
    reason: str
    detail: str


@dataclass
class DefaceSummary:
    """What became of every file: ``found`` is the sum of ``changed``, ``copied`` and ``left``.

    ``series`` counts the CT and MR series by verdict: ``remove``, ``no-face`` or ``withhold``.
    """

    found: int = 0
    changed: int = 0
    copied: int = 0
    series: Counter[str] = field(default_factory=Counter)
    left: list[Left] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The counts, and each file that was not written with its reason."""
        return {
            "found": self.found,
            "changed": self.changed,
            "copied": self.copied,
            "series": dict(sorted(self.series.items())),
            "left": [asdict(entry) for entry in self.left],
        }


@action("deface", permission="anyone", event=None)
def deface(
    source: Path, destination: Path, *, check: bool = False, progress: Progress = quiet
) -> DefaceSummary:
    """Copy a file, folder or archive of DICOM into a folder, faces cut out of head CT and MR.

    Only faces go: names and other identifiers stay (``deidentify`` removes them). Files are named
    ``000001.dcm`` and so on in the order of the walk; SOP Instance UIDs stay. A head whose face
    cannot be removed is not written and has the reason ``face-not-removed``. With ``check`` nothing
    is written. Raises :class:`UserError` for a wrong path.
    """
    source, destination = Path(source), Path(destination)
    _check_places(source, destination)
    told = DefaceSummary()
    sources: list[Source] = []
    for entry in walk([source]):
        told.found += 1
        if isinstance(entry, Problem):
            told.left.append(Left(entry.location, entry.reason, entry.detail))
        else:
            sources.append(entry)
    decisions = decide_all(sources, progress)
    told.series.update(str(decision.verdict) for decision in decisions.values())
    for number, (entry, stream) in enumerate(open_sources(sources), 1):
        try:
            if isinstance(stream, Quarantine):
                raise stream
            new = without_face(stream, decisions)
        except (Quarantine, Withheld) as outcome:
            told.left.append(Left(entry.location, outcome.reason, outcome.detail))
            continue
        if not check:
            _write(destination / f"{number:06}.dcm", new)
        if new is stream:
            told.copied += 1
        else:
            told.changed += 1
        progress("files defaced", number, len(sources))
    return told


def decide_all(sources: Iterable[Source], progress: Progress = quiet) -> dict[str, Decision]:
    """Decide on every CT and MR series among ``sources``, by SeriesInstanceUID.

    Headers are read first, then the pixels of one series after the other.
    """
    members: dict[str, list[Source]] = {}
    for source, stream in open_sources(list(sources)):
        if isinstance(stream, Quarantine):
            continue
        try:
            header = read_header(stream, stream.seek(0, io.SEEK_END))
        except (Quarantine, OSError):
            continue  # it is met again, and has its reason, where it would be written
        if is_volume(header):
            members.setdefault(series_uid(header), []).append(source)
    decisions = {}
    for number, (uid, held) in enumerate(sorted(members.items()), 1):
        decisions[uid] = decide_series(held)
        progress("series looked at for faces", number, len(members))
    return decisions


def _write(file: Path, stream: BinaryIO) -> None:
    stream.seek(0)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with draft.open("wb") as opened:
        while block := stream.read(2**20):
            opened.write(block)
    draft.replace(file)


def _check_places(source: Path, destination: Path) -> None:
    real, target = source.resolve(), destination.resolve()
    if not source.exists():
        raise UserError(f"{source} does not exist: give a file or folder of DICOM.")
    if target == real or real in target.parents or target in real.parents:
        raise UserError(f"{destination} and {source} overlap: choose a destination elsewhere.")
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise UserError(f"{destination} is no empty folder: choose a new or empty one.")

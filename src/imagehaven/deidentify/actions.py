"""The room's one verb, for people who want to de-identify without a haven."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imagehaven.acquire import Problem, Source, walk
from imagehaven.actions import action
from imagehaven.deidentify.chunk import Context, Result, deidentify_chunk
from imagehaven.deidentify.faces import OPTION, Decision, decide_all
from imagehaven.deidentify.mapping import write_mapping
from imagehaven.deidentify.pseudonyms import read_key
from imagehaven.deidentify.rulebook.profile import Profile, load
from imagehaven.engine import Crashed, Progress, make_engine, quiet, run_chunks
from imagehaven.errors import UserError

_CHUNK = 128
_ARCHIVE_CHUNK = 1024


@dataclass(frozen=True)
class Unreleased:
    """A source that was not released: its location, and why."""

    source: str
    reason: str
    detail: str


@dataclass
class DeidentifySummary:
    """What became of every source; ``found`` is the sum of the four others.

    ``duplicates`` gave the very bytes of an instance released from another source. ``withheld``
    may not be released, ``quarantined`` could not be read.
    """

    profile: str
    profile_hash: str
    found: int = 0
    released: int = 0
    duplicates: int = 0
    withheld: list[Unreleased] = field(default_factory=list)
    quarantined: list[Unreleased] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """Return the counts, and each source that was not released with its reason."""
        return {
            "profile": self.profile,
            "profile_hash": self.profile_hash,
            "found": self.found,
            "released": self.released,
            "duplicates": self.duplicates,
            "withheld_reasons": _by_reason(self.withheld),
            "quarantined_reasons": _by_reason(self.quarantined),
            "withheld": [asdict(entry) for entry in self.withheld],
            "quarantined": [asdict(entry) for entry in self.quarantined],
        }


@dataclass(frozen=True)
class _Chunk:
    items: list[Any]


@action("deidentify", permission="anyone", event=None)
def deidentify(
    source: Path,
    destination: Path,
    *,
    key: Path,
    mapping: Path | None = None,
    profile: str = "research",
    engine: str = "pool",
    workers: int = 0,
    progress: Progress | None = None,
    check: bool = False,
) -> DeidentifySummary:
    """De-identify a file, folder or archive into ``destination``/patient/study/series/instance.dcm.

    Pseudonyms come from the key file; ``mapping``, if given, is written as CSV
    ``kind,original,pseudonym`` that only its owner may read. Two sources with one SOP Instance UID
    and different content: the first in order is released, the other withheld as
    ``conflicting-instance``. With ``check`` everything is done except that nothing stays written.
    Raises :class:`UserError` for a wrong path, key, profile or engine, and
    :class:`~imagehaven.errors.TransientError` when the destination cannot be written.
    """
    source, destination = Path(source), Path(destination)
    _check_places(source, destination, mapping)
    rules = load(profile)
    tell = progress or quiet
    summary = DeidentifySummary(rules.name, rules.digest)
    pairs: set[tuple[str, str, str]] = set()
    placed: dict[str, str] = {}
    with _partial_folder(None if check else destination) as partial:
        context = Context(Path(partial), read_key(key), rules, _faces(source, rules, tell))
        with make_engine(engine, workers) as runner:
            chunks = _chunks(source, summary)
            for _, results in run_chunks(runner, chunks, deidentify_chunk, context):
                for result in results:
                    _settle(result, summary, placed, None if check else destination, context)
                    pairs.update(getattr(result, "mapping", ()))
                tell("files de-identified", summary.found, None)
    summary.withheld.sort(key=lambda entry: entry.source)
    summary.quarantined.sort(key=lambda entry: entry.source)
    if mapping is not None and not check:
        write_mapping(mapping, pairs)
    return summary


def _faces(source: Path, rules: Profile, tell: Progress) -> dict[str, Decision] | None:
    """Look at every CT and MR series for a face, if the profile wants them cut."""
    if OPTION not in rules.options:
        return None
    return decide_all([entry for entry in walk([source]) if isinstance(entry, Source)], tell)


def _settle(
    result: Result | Crashed,
    summary: DeidentifySummary,
    placed: dict[str, str],
    destination: Path | None,
    context: Context,
) -> None:
    """Count one result and move its file to its place, the first of its name only."""
    if isinstance(result, Crashed):
        location = str(result.item.location)
        fault = Unreleased(location, "worker-crashed", "the process that read it ended")
        summary.quarantined.append(fault)
    elif result.state != "released":
        fault = Unreleased(result.source, result.reason, result.detail)
        (summary.withheld if result.state == "withheld" else summary.quarantined).append(fault)
    elif result.path not in placed:
        placed[result.path] = result.sha256
        if destination is not None:
            final = destination / result.path
            with suppress(FileExistsError):
                final.parent.mkdir(parents=True)
            (context.folder / result.draft).replace(final)
        summary.released += 1
        summary.actions.update(result.actions)
    elif placed[result.path] == result.sha256:
        summary.duplicates += 1
    else:
        detail = "another source has the same SOP Instance UID and other content"
        summary.withheld.append(Unreleased(result.source, "conflicting-instance", detail))
    summary.found += 1


def _chunks(source: Path, summary: DeidentifySummary) -> Iterator[_Chunk]:
    """Yield the sources in chunks; what cannot be offered as a source is counted at once."""
    waiting: list[Source] = []
    for entry in walk([source]):
        if isinstance(entry, Problem):
            summary.found += 1
            problem = Unreleased(entry.location, entry.reason, entry.detail)
            summary.quarantined.append(problem)
            continue
        # The members of one archive stay together: it is read once for each chunk.
        inside = (
            bool(waiting) and entry.archive is not None and entry.archive == waiting[-1].archive
        )
        if len(waiting) >= (_ARCHIVE_CHUNK if inside else _CHUNK):
            yield _Chunk(waiting)
            waiting = []
        waiting.append(entry)
    if waiting:
        yield _Chunk(waiting)


def _check_places(source: Path, destination: Path, mapping: Path | None) -> None:
    """Refuse to write where the originals are, and to put the mapping among the released files."""
    real, target = source.resolve(), destination.resolve()
    if not source.exists():
        raise UserError(f"{source} does not exist: give a file or folder of DICOM.")
    if target == real or real in target.parents or target in real.parents:
        raise UserError(f"{destination} and {source} overlap: choose a destination elsewhere.")
    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is no folder: choose a new or existing folder.")
    if mapping is not None and target in mapping.resolve().parents:
        raise UserError(
            f"{mapping} would lie among the released files, where it would undo them: choose a "
            "place outside the destination."
        )


def _partial_folder(destination: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Return a folder for drafts: beside their final places, or a temporary one for a check."""
    if destination is None:
        return tempfile.TemporaryDirectory(prefix="imagehaven-")
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for left in destination.glob(".partial-*"):
            shutil.rmtree(left)  # drafts of a run that was killed
        return tempfile.TemporaryDirectory(prefix=".partial-", dir=destination)
    except OSError as error:
        raise UserError(f"{destination} cannot be written: {error.strerror}.") from error


def _by_reason(entries: list[Unreleased]) -> dict[str, int]:
    return dict(sorted(Counter(entry.reason for entry in entries).items()))

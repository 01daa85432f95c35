"""The verbs of this room: ``release`` and ``rerun``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imagehaven.actions import action
from imagehaven.engine import Progress, quiet
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.release import compare, package, records, requested, run
from imagehaven.release.compare import Difference
from imagehaven.release.folder import claim, layout
from imagehaven.release.folder.manifest import verify_manifest
from imagehaven.release.folder.reports import by_reason, by_state
from imagehaven.release.records import Record
from imagehaven.release.states import State
from imagehaven.release.terms import Terms, agree


@dataclass(frozen=True)
class ReleaseReport:
    """What ``release`` did, or would do.

    ``states`` counts the requested objects by the state that they ended in and adds up to
    ``requested``; ``reasons`` counts those that were not released. ``resumed`` says that a stopped
    release was finished, ``unchanged`` that the folder already held this very release. With
    ``checked`` nothing was done: ``states`` holds what is known beforehand, ``free_bytes`` the room
    on the disk and ``problems`` what stands in the way.
    """

    release: str | None
    project: str
    cohort: str
    destination: str
    requested: int
    bytes: int
    states: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    manifest_sha256: str | None = None
    resumed: bool = False
    unchanged: bool = False
    checked: bool = False
    free_bytes: int | None = None
    problems: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class RerunReport:
    """What ``rerun`` found: ``identical``, or every difference with its reason.

    ``changes`` are the terms that changed since; ``folder`` is where the second making lies, None
    when it was only compared.
    """

    release: str
    identical: bool
    compared: int
    changes: list[str]
    differences: list[Difference]
    folder: str | None = None
    checked: bool = False

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@action("release", permission="governance", event="release")
def release(
    haven: Haven,
    project: str,
    cohort: str,
    *,
    to: Path,
    profile: str | None = None,
    k: int = 0,
    quasi_identifiers: Sequence[str] = (),
    engine: str = "pool",
    workers: int = 0,
    check: bool = False,
    progress: Progress = quiet,
) -> ReleaseReport:
    """Release a cohort's images, de-identified and verified, into the folder ``to``.

    ``cohort`` is a name, or ``name@version``. A release that was stopped goes on when the same
    call is repeated.

    With ``k``, no combination of the ``quasi_identifiers`` (keywords; age and sex unless said)
    stands in the release for fewer than ``k`` patients: values are made coarser for all, and who
    is still too rare is withheld as ``rare-combination``.

    Raises UserError for what the caller can mend, TransientError where a store or disk went away,
    TerminalError where the totals do not reconcile.
    """
    to = Path(to).absolute()
    terms = agree(haven, project, cohort, profile, k=k, quasi_identifiers=quasi_identifiers)
    if check:
        return _foreseen(haven, terms, to)
    held = records.at_destination(haven, to)
    if held is not None and claim.label_of(to) == held.label:
        return _unchanged(haven, held, terms)
    requested.nothing_requested(haven, terms)
    record, resumed = _begun(haven, terms, to)
    run.make(haven, record, engine=engine, workers=workers, progress=progress)
    return _report(haven, records.find(haven, record.release), resumed=resumed)


@action("rerun", permission="governance", event="rerun")
def rerun(
    haven: Haven,
    release: str,
    *,
    to: Path | None = None,
    engine: str = "pool",
    workers: int = 0,
    check: bool = False,
    progress: Progress = quiet,
) -> RerunReport:
    """Make a finished release again from the same terms and compare the two byte for byte.

    The second making is kept in ``to``, or compared and removed. Opt-outs and conflicts are those
    of today. Raises UserError when the release is not finished or ``to`` cannot be used.
    """
    original = records.find(haven, release)
    if original.state != records.COMPLETE:
        raise UserError(
            f"Release {release} is not finished. Repeat its `imagehaven release` command first."
        )
    old = original.terms
    quasi = old.quasi_identifiers
    terms = agree(
        haven, old.project, old.cohort_label, old.profile, k=old.k, quasi_identifiers=quasi
    )
    if check:
        total = requested.extent(haven, terms).instances
        return RerunReport(release, False, total, old.differences(terms), [], checked=True)
    work = {"engine": engine, "workers": workers, "progress": progress}
    if to is not None:
        to = Path(to).absolute()
        return _compared(haven, original, terms, to, **work)
    place = Path(tempfile.mkdtemp(prefix="rerun-", dir=haven.drafts))
    try:
        return _compared(haven, original, terms, place, **work)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _compared(
    haven: Haven,
    original: Record,
    terms: Terms,
    folder: Path,
    **work: Any,
) -> RerunReport:
    again, _ = _begun(haven, terms, folder, again=original)
    run.make(haven, again, **work)
    found = compare.differences(haven, original, again, package.hashes(folder))
    kept = not folder.is_relative_to(haven.folder)
    return RerunReport(
        original.release,
        not found,
        sum(package.states(haven, again.release).values()),
        original.terms.differences(again.terms),
        found,
        str(folder) if kept else None,
    )


def _begun(
    haven: Haven, terms: Terms, folder: Path, again: Record | None = None
) -> tuple[Record, bool]:
    """The release to be made in ``folder``: the one that was stopped there, or a new one."""
    claimant = claim.claimant(folder)
    own = again is not None and folder.is_relative_to(haven.drafts)
    problem = None if claimant or own else claim.problem_with(haven, folder)
    if problem:
        raise UserError(problem)
    label = again.label if again else None
    asked = {
        "project": terms.project,
        "cohort": terms.cohort_label,
        "destination": str(folder),
        "again": label,
    }
    started, _ = haven.ledger.runs.start("rerun" if again else "release", asked)
    record = records.of_run(haven, started.run_id)
    resumed = record is not None
    if claimant and (record is None or record.release != claimant):
        raise UserError(
            f"{folder} is being given release {claimant}, which asks for something else. "
            "Repeat that release's command to finish it, or choose another --to."
        )
    if record is None:
        record = records.create(haven, started.run_id, terms, folder, label)
    changed = record.terms.differences(terms)
    if changed:
        raise UserError(
            f"Release {record.release} was begun on other terms: {'; '.join(changed)}. "
            "Restore them to finish it, or choose another --to for a new release."
        )
    return record, resumed


def _foreseen(haven: Haven, terms: Terms, to: Path) -> ReleaseReport:
    extent = requested.extent(haven, terms)
    blocked = list(requested.blocked(haven, terms).values())
    states = {
        str(State.OPTED_OUT): blocked.count(State.OPTED_OUT),
        str(State.CONFLICTING): blocked.count(State.CONFLICTING),
        str(State.MISSING): extent.uncatalogued,
    }
    problems = []
    claimant, free = claim.claimant(to), layout.free_bytes(to)
    problem = None if claimant else claim.problem_with(haven, to)
    if problem:
        problems.append(problem)
    if not extent.instances:
        problems.append(f"Cohort {terms.cohort_label} has no instances.")
    if free < extent.bytes:
        problems.append(
            f"The disk of {to} has room for {free} bytes; the originals have {extent.bytes}. "
            "Make room or choose another --to."
        )
    return ReleaseReport(
        claimant,
        terms.project,
        terms.cohort_label,
        str(to),
        extent.instances,
        extent.bytes,
        states,
        resumed=claimant is not None,
        checked=True,
        free_bytes=free,
        problems=problems,
    )


def _unchanged(haven: Haven, held: Record, terms: Terms) -> ReleaseReport:
    """Answer a call whose folder holds a finished release: that very one, or an error."""
    folder = held.destination
    if (held.terms.project, held.terms.cohort_label) != (terms.project, terms.cohort_label):
        raise UserError(
            f"{folder} holds release {held.label} of cohort {held.terms.cohort_label}, which is "
            "another one. Choose an empty folder with --to."
        )
    if _chosen(held.terms) != _chosen(terms):
        raise UserError(
            f"{folder} holds release {held.label}, made on other terms: "
            f"{'; '.join(held.terms.differences(terms))}. Choose an empty folder with --to."
        )
    if claim.claimant(folder):
        summary = haven.ledger.runs.get(held.run_id).summary or {}
        run.close(haven, held, summary or {"package": package.hashes(folder)})
    problems = verify_manifest(folder)
    if problems:
        raise UserError(
            f"{folder} holds release {held.label}, and {len(problems)} of its files are not as "
            f"released, the first: {problems[0]}. `imagehaven rerun {held.release} --to DIR` makes "
            "it again in another folder."
        )
    since = records.still_released(haven, held.release, requested.blocked(haven, held.terms))
    if since:
        raise UserError(
            f"{folder} holds release {held.label}, and {since} of its images may no longer be "
            "released: people opted out, or files were disputed, since. Withdraw the folder and "
            "release the cohort into another one."
        )
    return _report(haven, held, unchanged=True)


def _chosen(terms: Terms) -> tuple[Any, ...]:
    return terms.profile, terms.profile_sha256, terms.k, terms.quasi_identifiers


def _report(
    haven: Haven, record: Record, *, resumed: bool = False, unchanged: bool = False
) -> ReleaseReport:
    counts = records.counts(haven, record.release)
    return ReleaseReport(
        record.release,
        record.terms.project,
        record.terms.cohort_label,
        str(record.destination),
        sum(count.count for count in counts),
        sum(file.bytes for file in records.released(haven, record.release)),
        by_state(counts),
        by_reason(counts),
        record.manifest_sha256,
        resumed=resumed,
        unchanged=unchanged,
    )

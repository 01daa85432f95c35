"""Makes one release: plan, work, settle, package, and only then a manifest.

Each chunk's states, vault pairs and "done" are one ledger transaction, so a release that was killed
goes on behind its last whole chunk. The folder follows the ledger, never the other way round: a
file that the ledger does not name is removed, and one that it names and the folder lacks is made
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final

from imagehaven.deidentify import load
from imagehaven.deidentify.faces import Decision as FaceDecision
from imagehaven.deidentify.pixels.devices import Devices, with_files
from imagehaven.deidentify.taught import Taught, denied_values
from imagehaven.engine import Crashed, Engine, Progress, make_engine, run_chunks
from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven
from imagehaven.ledger import Chunk
from imagehaven.ledger.runs import PLANNING
from imagehaven.link import Vault, open_project
from imagehaven.release import faces, package, records, requested
from imagehaven.release.anonymity import classes, plan
from imagehaven.release.folder import claim, layout, metadata
from imagehaven.release.records import Record
from imagehaven.release.requested import Item
from imagehaven.release.states import Result, State, must_reconcile, totals
from imagehaven.release.work import WorkContext, release_chunk
from imagehaven.verify import Rules, decided_of, record_release, region_files, rules_of

_CHUNK_ITEMS: Final = 200
_CHUNK_BYTES: Final = 256 * 2**20
_PLAN_AT_ONCE: Final = 20
_ROUNDS: Final = 4
_LOOK_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Making:
    """One release in the making: who asked for it, and what works on it."""

    haven: Haven
    record: Record
    engine: Engine
    progress: Progress

    @property
    def context(self) -> WorkContext:
        """What every worker is given."""
        project = open_project(self.haven, self.record.terms.project)
        profile = load(self.record.terms.profile)
        decided = decided_of(self.haven)
        denied = denied_values((item.kind, item.text) for item in decided.denied.items)
        return WorkContext(
            self.record.destination, project.key, profile, self.rules, decided,
            self.steps, self.faces, Taught(self.devices, denied), self.haven.settings.compiled,
        )  # fmt: skip

    @cached_property
    def faces(self) -> dict[str, FaceDecision] | None:
        """What was decided on the face in each series, None where faces stay."""
        profile = load(self.record.terms.profile)
        terms = self.record.terms
        return faces.decisions(self.haven, terms, profile, self.engine, self.progress)

    @cached_property
    def devices(self) -> Devices:
        """What is known of devices: built in, written by the site, and taught by reviewers."""
        return with_files(region_files(self.haven))

    @cached_property
    def steps(self) -> dict[str, int]:
        """How coarse each quasi-identifier is made."""
        return plan.steps(self.haven, self.record.terms)

    @cached_property
    def rules(self) -> Rules:
        """The rules of this release's verification."""
        return rules_of(self.haven, self.record.terms.project)


def make(
    haven: Haven, record: Record, *, engine: str, workers: int, progress: Progress
) -> dict[str, Any]:
    """Make the release that ``record`` names, or go on with it; returns the run's summary.

    Raises TransientError where the destination fails (repeat the call), UserError where somebody
    else's files lie in it, TerminalError where the totals do not reconcile.
    """
    folder = record.destination
    with claim.claimed(folder, record.release):
        strangers = layout.strangers(folder)
        if strangers:
            raise UserError(
                f"{folder} holds files that this release did not write: {', '.join(strangers)}. "
                "Move them elsewhere and repeat the command."
            )
        _plan(haven, record, progress)
        # What a killed run left behind goes first: a torn file must not pass for a finished one.
        layout.reconcile_images(
            folder, (file.path for file in records.released(haven, record.release))
        )
        with make_engine(engine, workers or haven.settings.workers) as working:
            making = Making(haven, record, working, progress)
            _work(making)
            _settle(making)
            found = totals(
                haven, record.release, requested.MEMBERS, requested.parameters(record.terms)
            )
        must_reconcile(record.release, found)
        digest = package.seal(haven, record, found)
    summary = {
        "release": record.release,
        "manifest_sha256": digest,
        "states": package.states(haven, record.release),
        "package": package.hashes(folder),
    }
    records.complete(haven, record.release, digest)
    close(haven, record, summary)
    return summary


def close(haven: Haven, record: Record, summary: dict[str, Any]) -> None:
    """Drop what only an unfinished release needs. Safe to repeat."""
    haven.ledger.runs.finish(record.run_id, summary)
    claim.unclaim(record.destination)


def _plan(haven: Haven, record: Record, progress: Progress) -> None:
    runs = haven.ledger.runs
    if runs.get(record.run_id).state != PLANNING:
        return
    after = int(runs.planned_to(record.run_id) or -1)
    most = min(_CHUNK_ITEMS, haven.settings.chunk_items)
    chunks = _chunks(requested.requested(haven, record.terms, after=after), most)
    while batch := list(islice(chunks, _PLAN_AT_ONCE)):
        runs.plan(
            record.run_id,
            [([item.to_json() for item in items], str(items[-1].seq)) for items in batch],
        )
        progress("plan", batch[-1][-1].seq + 1, None)
    runs.planned(record.run_id)


def _chunks(items: Iterable[Item], most: int = _CHUNK_ITEMS) -> Iterator[list[Item]]:
    """Chunks that end with a study where they can, and are bounded in items and bytes."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        full = len(chunk) >= most or size + item.size > _CHUNK_BYTES
        at_study = bool(chunk) and chunk[-1].study != item.study and 2 * len(chunk) >= most
        if chunk and (full or at_study):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += item.size
    if chunk:
        yield chunk


def _work(making: Making) -> None:
    haven, record, runs = making.haven, making.record, making.haven.ledger.runs
    blocked = requested.blocked(haven, record.terms)
    done, total = runs.progress(record.run_id)
    making.progress("release", done, total)
    chunks = (
        replace(chunk, items=[_marked(item, blocked) for item in chunk.items])
        for chunk in runs.pending(record.run_id)
    )
    for chunk, results in run_chunks(making.engine, chunks, release_chunk, making.context):
        _keep(making, [_ended(result) for result in results], chunk)
        done += len(chunk.items)
        making.progress("release", done, total)


def _keep(making: Making, results: list[Result], chunk: Chunk | None = None) -> None:
    """Record how objects ended, in one ledger transaction; ``chunk`` is done with it."""
    haven, record = making.haven, making.record
    paths = [result.path for result in results if result.path and result.existed]
    with haven.ledger.begin() as connection:
        records.forget(connection, record.release, [r.SOPInstanceUID for r in results])
        held = records.holders(connection, record.release, paths)
        results = list(_apart(results, held))
        records.add_results(connection, record.release, results)
        vault = Vault(haven, record.terms.project)
        vault.record(connection, dict.fromkeys(pair for r in results for pair in r.pairs))
        looked_at = ((r.SOPInstanceUID, r.findings, r.waived) for r in results)
        record_release(connection, haven, record.release, looked_at, making.rules)
        if chunk is not None:
            haven.ledger.runs.chunk_done(connection, chunk.run_id, chunk.seq, {})


def _apart(results: list[Result], held: dict[str, str]) -> Iterator[Result]:
    """Let each path belong to one object: the second that comes to it ends as an error."""
    taken = dict(held)
    for result in results:
        if result.path is not None and taken.setdefault(result.path, result.SOPInstanceUID) != (
            result.SOPInstanceUID
        ):
            yield replace(
                result, state=State.ERROR, reason="path-taken", path=None, sha256=None, bytes=None,
                pairs=(), detail="another object of this release has the same pseudonyms",
            )  # fmt: skip
        else:
            yield result


def _settle(making: Making) -> None:
    """Bring folder, ledger and opt-outs to agree, and write the metadata of what is released."""
    haven, record, folder = making.haven, making.record, making.record.destination
    for _ in range(_ROUNDS):
        blocked = requested.blocked(haven, record.terms)
        records.block(haven, record.release, blocked)
        wrong = layout.reconcile_images(
            folder, (file.path for file in records.released(haven, record.release))
        )
        wrong += _write_metadata(making)
        if not wrong and _withhold_rare(making):
            continue
        if not wrong and not records.block(
            haven, record.release, requested.blocked(haven, record.terms)
        ):
            return
        _again(making, wrong)
    raise TransientError(
        f"Files of release {record.release} in {folder} keep changing while it is made. See that "
        "no other program writes there, then repeat the command."
    )


def _withhold_rare(making: Making) -> int:
    """Withhold who would stand in the release with too few others; returns how many instances."""
    record = making.record
    if not record.terms.k:
        return 0
    rare = classes.too_rare(record.destination, record.terms.quasi_identifiers, record.terms.k)
    return records.withhold(making.haven, record.release, rare, "rare-combination")


def _again(making: Making, paths: list[str]) -> None:
    """Make released files again that are gone from the folder or altered in it."""
    haven, record = making.haven, making.record
    for path in paths:
        with layout.writing(record.destination):
            (record.destination / path).unlink(missing_ok=True)
    uids = records.uids_at(haven, record.release, paths)
    items = list(requested.requested(haven, record.terms, only=uids)) if uids else []
    for number, chunk in enumerate(_chunks(items)):
        work = Chunk(record.run_id, number, "again", [item.to_json() for item in chunk], None)
        for _, results in run_chunks(making.engine, [work], release_chunk, making.context):
            _keep(making, [_ended(result) for result in results])


def _write_metadata(making: Making) -> list[str]:
    """Write the metadata from the released files; returns those that are not as recorded."""
    haven, record, folder = making.haven, making.record, making.record.destination
    wrong: list[str] = []

    def rows() -> Iterator[list[tuple[Any, ...]]]:
        files = records.released(haven, record.release)
        chunks = _looks(record.run_id, files)
        done = 0
        for chunk, looks in run_chunks(making.engine, chunks, metadata.look_at, folder):
            done += len(chunk.items)
            making.progress("look again", done, None)
            wrong.extend(
                str(look.item[0]) if isinstance(look, Crashed) else look.path
                for look in looks
                if isinstance(look, Crashed) or look.row is None
            )
            yield [look.row for look in looks if not isinstance(look, Crashed) and look.row]

    with layout.writing(folder):
        metadata.write_metadata(folder, rows())
    return wrong


def _looks(run_id: int, files: Iterator[records.Released]) -> Iterator[Chunk]:
    number = 0
    while batch := list(islice(files, _LOOK_AT_ONCE)):
        items = [[file.path, file.sha256, file.bytes] for file in batch]
        yield Chunk(run_id, number, "look", items, None)
        number += 1


def _marked(item: dict[str, Any], blocked: dict[str, State]) -> dict[str, Any]:
    state = blocked.get(item["SOPInstanceUID"])
    return {**item, "blocked": str(state)} if state else item


def _ended(result: Result | Crashed) -> Result:
    if not isinstance(result, Crashed):
        return result
    item = Item(**result.item)
    return Result(
        item.seq,
        item.SOPInstanceUID,
        State.CRASHED,
        "worker-died",
        "the worker process ended twice while it had this object",
        item.modality,
    )

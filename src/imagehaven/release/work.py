"""What a worker does with one chunk: read, check, de-identify, verify, put in place.

The chunk is read once. Its files are written as drafts first, so that each can be verified against
what is known of its patient from every instance of the chunk; only a verified draft is moved to its
place. Whatever happens to one object ends as its state and stops no other; only a destination that
fails stops the release.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from imagehaven.acquire import open_sources, read_source
from imagehaven.acquire.source import Source
from imagehaven.catalogue import source_of
from imagehaven.deidentify import Deidentified, Profile, Pseudonyms, deidentifier_for
from imagehaven.deidentify.faces import Decision as FaceDecision
from imagehaven.deidentify.faces import without_face
from imagehaven.deidentify.taught import Taught
from imagehaven.dicom import SourceUID
from imagehaven.errors import Quarantine, TransientError, Withheld
from imagehaven.release.folder import layout
from imagehaven.release.folder.manifest import entry
from imagehaven.release.requested import Item
from imagehaven.release.states import Result, State
from imagehaven.verify import (
    AllowedValues,
    Decided,
    Finding,
    KnownIdentifiers,
    Rules,
    known_identifiers,
    verify,
)

_IN_MEMORY = 64 * 2**20
Done = TypeVar("Done")


@dataclass(frozen=True)
class WorkContext:
    """What every worker of a release is given. ``key`` is the project's and is never shown."""

    folder: Path
    key: bytes
    profile: Profile
    rules: Rules
    decided: Decided
    steps: dict[str, int]
    faces: dict[str, FaceDecision] | None = None
    taught: Taught | None = None
    compiled: bool = True

    def __repr__(self) -> str:
        """Show nothing of the key: it could end in a log."""
        return f"WorkContext({str(self.folder)!r})"


@dataclass(frozen=True)
class Draft:
    """A de-identified file that nobody has verified yet."""

    item: Item
    root: Path
    path: str
    sha256: str
    bytes: int
    known: KnownIdentifiers
    pairs: tuple[tuple[str, str, str], ...]

    @property
    def patient(self) -> str:
        """The patient's pseudonym."""
        return self.path.split("/")[1]


class Missing(Exception):
    """The original is gone, unreadable, or not what was catalogued; the argument is the reason."""


def release_chunk(context: WorkContext, items: list[dict[str, Any]]) -> list[Result]:
    """Release the items of one chunk; one result for each, in their order.

    Raises TransientError or UserError where the release folder cannot be written to.
    """
    wanted = [Item(**item) for item in items]
    with layout.writing(context.folder):
        place = Path(tempfile.mkdtemp(prefix="draft-", dir=context.folder / layout.PARTIAL))
        try:
            drafts = dict(_drafts(context, wanted, place))
            history = _history(drafts, context.decided.denied)
            return [_finished(context, drafts[item.seq], history) for item in wanted]
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _drafts(
    context: WorkContext, items: Sequence[Item], place: Path
) -> Iterator[tuple[int, Draft | Result]]:
    """Each item's draft, or how it ended without one, by its place in the request."""
    waiting: list[Item] = []
    for item in items:
        if item.blocked:
            yield item.seq, _end(item, State(item.blocked), "", "")
        elif not item.sources:
            yield item.seq, _end(item, State.MISSING, "not-catalogued", "no source is known")
        else:
            waiting.append(item)
    roots = _roots(context, waiting, place)
    turn = 0
    while waiting:
        # An archive is read in one pass; what its first source lacks is looked for in the second.
        left: list[Item] = []
        by_location = {item.sources[turn][0]: item for item in waiting}
        for source, stream in open_sources(_sources(waiting, turn)):
            item = by_location[source.location]
            try:
                yield item.seq, _draft(context, item, source, stream, roots[item.seq])
            except Missing as error:
                if turn + 1 < len(item.sources):
                    left.append(item)
                else:
                    yield item.seq, _end(item, State.MISSING, str(error), "see the original file")
        waiting, turn = left, turn + 1


def _roots(context: WorkContext, items: Sequence[Item], place: Path) -> dict[int, Path]:
    """The folder for each item's draft: one for all, but where two have the same pseudonym."""
    pseudonyms, taken = Pseudonyms(context.key), Counter[str]()
    roots = {}
    for item in items:
        name = pseudonyms.uid(SourceUID(item.SOPInstanceUID))
        roots[item.seq] = place / str(taken[name])
        taken[name] += 1
    return roots


def _sources(items: Sequence[Item], turn: int) -> list[Source]:
    found = [source_of(*item.sources[turn]) for item in items]
    return sorted(found, key=lambda source: source.archive or "")


def _draft(
    context: WorkContext, item: Item, source: Source, stream: BinaryIO | Quarantine, root: Path
) -> Draft | Result:
    """De-identify one object into a draft; raises Missing when its original is not there."""
    if isinstance(stream, Quarantine):
        raise Missing(stream.reason)
    try:
        stream = _steady(stream)
        reading = read_source(stream, source, compiled=context.compiled, whole_only=True)
    except OSError as error:
        raise Missing("unreadable") from error
    except Quarantine as fault:
        raise Missing("content-changed" if fault.reason != "unreadable" else fault.reason) from None
    if reading.content_sha256 != item.sha256:
        raise Missing("content-changed")
    steady = stream

    def draft() -> Draft:
        steady.seek(0)
        made = _deidentified(context, steady, root / layout.IMAGES)
        path = layout.image_path(made.patient, made.study, made.series, made.instance)
        known = known_identifiers(reading.elements, reading.meta)
        return Draft(item, root, path, made.sha256, made.size, known, made.mapping)

    return _outcome(item, draft)


def _steady(stream: BinaryIO) -> BinaryIO:
    """The stream in memory where it is not too large: what is hashed is then what is used."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return io.BytesIO(stream.read()) if size <= _IN_MEMORY else stream


def _deidentified(context: WorkContext, stream: BinaryIO, folder: Path) -> Deidentified:
    try:
        if context.faces is not None:
            stream = without_face(stream, context.faces)
        maker = deidentifier_for(
            context.profile, Pseudonyms(context.key),
            steps=context.steps, taught=context.taught, compiled=context.compiled,
        )  # fmt: skip
        return maker.file(stream, folder)
    except OSError as error:
        # Writing raises TransientError there, so this is the original that does not answer.
        raise Missing("unreadable") from error


def _finished(
    context: WorkContext, draft: Draft | Result, history: dict[str, KnownIdentifiers]
) -> Result:
    """Verify a draft, which lies under its final name so far, and move it to its place."""
    if isinstance(draft, Result):
        return draft

    def result() -> Result:
        known = draft.known.with_history([history[draft.patient]])
        file = draft.root / draft.path
        verified = verify(
            file, known, context.rules, _allowed(draft),
            root=draft.root, with_values=True, decided=context.decided, compiled=context.compiled,
        )  # fmt: skip
        if verified.findings:
            return replace(_failed(draft.item, verified.findings), waived=verified.waived)
        return replace(_placed(context, draft), waived=verified.waived)

    return _outcome(draft.item, result)


def _placed(context: WorkContext, draft: Draft) -> Result:
    final = context.folder / draft.path
    final.parent.mkdir(parents=True, exist_ok=True)
    existed = final.exists()
    if not existed:
        (draft.root / draft.path).replace(final)
    elif entry(context.folder, draft.path).sha256 != draft.sha256:
        # Never overwritten: what a killed run left was removed before the work began.
        detail = "another object of this release has the same pseudonyms"
        return _end(draft.item, State.ERROR, "path-taken", detail)
    return replace(
        _end(draft.item, State.RELEASED, "", ""),
        path=draft.path,
        sha256=draft.sha256,
        bytes=draft.bytes,
        pairs=draft.pairs,
        existed=existed,
    )


def _outcome(item: Item, work: Callable[[], Done]) -> Done | Result:
    """What ``work`` gives, or the state of the object that it stopped at.

    What stops the whole release, a destination or an original that does not answer, goes on.
    """
    try:
        return work()
    except Withheld as rule:
        return _end(item, State.WITHHELD, rule.reason, rule.detail)
    except Quarantine as fault:
        return _end(item, State.ERROR, fault.reason, fault.detail)
    except (OSError, TransientError, Missing):
        raise
    except Exception as error:  # noqa: BLE001 - hostile input can raise anything, anywhere
        detail = "processing failed in a way that nobody foresaw"
        return _end(item, State.ERROR, type(error).__name__, detail)


def _history(
    drafts: dict[int, Draft | Result], denied: KnownIdentifiers
) -> dict[str, KnownIdentifiers]:
    """What is known of each patient, by pseudonym: from the chunk, and of the catalogue's names.

    What reviewers marked to be redacted is known of everybody.
    """
    found: dict[str, list[KnownIdentifiers]] = defaultdict(list)
    named: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for draft in drafts.values():
        if isinstance(draft, Draft):
            found[draft.patient].append(draft.known)
            for who in draft.item.identities:
                if who not in named[draft.patient]:
                    named[draft.patient].append(who)
                    found[draft.patient].append(known_identifiers(who))
    return {
        patient: KnownIdentifiers().with_history([*known, denied])
        for patient, known in found.items()
    }


def _allowed(draft: Draft) -> AllowedValues:
    """What the project itself wrote into the file: pseudonyms, and dates moved by the shift."""
    days = {int(new) for kind, _, new in draft.pairs if kind == "DateShiftDays"}
    dates = {
        _moved(known.text, shift)
        for known in draft.known.items
        if known.kind == "date"
        for shift in days
    }
    values = {new for kind, _, new in draft.pairs if kind != "DateShiftDays"}
    return AllowedValues(frozenset(values), frozenset(dates))


@lru_cache(maxsize=4096)
def _moved(day: str, shift: int) -> str:
    return (datetime.strptime(day, "%Y%m%d") + timedelta(shift)).strftime("%Y%m%d")


def _failed(item: Item, findings: Sequence[Finding]) -> Result:
    rules = sorted({finding.rule for finding in findings})
    failed = _end(item, State.FAILED_VERIFICATION, "+".join(rules)[:64], " ".join(rules))
    return replace(failed, findings=tuple(findings))


def _end(item: Item, state: State, reason: str, detail: str) -> Result:
    return Result(item.seq, item.SOPInstanceUID, state, reason, detail, item.modality)

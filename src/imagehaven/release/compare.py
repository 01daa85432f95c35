"""Compares a release that was made again with the original, and says why anything differs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select

from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.release.records import Record
from imagehaven.release.states import State

UNEXPLAINED: Final = "unexplained: the terms and the originals are the same"

_SINCE: Final = {
    State.OPTED_OUT: "the person opted out since",
    State.CONFLICTING: "a file with other content under the same SOP Instance UID was found since",
    State.MISSING: "the original is no longer what was catalogued",
    State.CRASHED: "processing ended the worker process twice this time",
}
_BEFORE: Final = {
    State.MISSING: "the original could not be read then and can be now",
    State.CONFLICTING: "the conflict about this instance was settled since",
    State.CRASHED: "processing ended the worker process then and does not now",
}


@dataclass(frozen=True)
class Difference:
    """One file that came out otherwise: ``what`` (missing, added, differs, state) and why.

    ``path`` is the file's place in the folder; an object that was released neither time is named
    by its place in the request, as ``object 12``.
    """

    path: str
    what: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """The difference as plain values."""
        return asdict(self)


def differences(
    haven: Haven, original: Record, again: Record, package: dict[str, str]
) -> list[Difference]:
    """Every difference between two makings of one release.

    ``package`` has the SHA-256 of every file about the images that the second making wrote.
    """
    changed = original.terms.differences(again.terms)
    why = "; ".join(changed) or UNEXPLAINED
    found = _items(haven, original.release, again.release, why)
    before = (haven.ledger.runs.get(original.run_id).summary or {}).get("package", {})
    cause = f"follows from the {len(found)} differing objects" if found else why
    for path in sorted(before.keys() | package.keys()):
        if before.get(path) != package.get(path):
            what = (
                "added" if path not in before else "missing" if path not in package else "differs"
            )
            found.append(Difference(path, what, cause))
    return found


def _items(haven: Haven, original: str, again: str, why: str) -> list[Difference]:
    first, second = schema.release_item.alias("first"), schema.release_item.alias("second")
    same: ColumnElement[bool] = and_(
        first.c.state == second.c.state,
        first.c.reason == second.c.reason,
        _equal(first.c.path, second.c.path),
        _equal(first.c.sha256, second.c.sha256),
    )
    query = (
        select(
            first.c.seq, first.c.state, second.c.state, second.c.reason, first.c.path, second.c.path
        )
        .join(
            second,
            and_(second.c.SOPInstanceUID == first.c.SOPInstanceUID, second.c.release == again),
        )
        .where(first.c.release == original, ~same)
        .order_by(first.c.seq)
    )
    with haven.ledger.begin() as connection:
        return [_difference(tuple(row), why) for row in connection.execute(query)]


def _difference(row: tuple[Any, ...], why: str) -> Difference:
    seq, was, now, reason, path_then, path_now = row
    path = path_then or path_now or f"object {seq}"
    before, after = State(was), State(now)
    if before == after:
        return Difference(path, "differs" if path_then else "state", why)
    cause = _SINCE.get(after) or _BEFORE.get(before) or why
    if after in (State.WITHHELD, State.FAILED_VERIFICATION, State.ERROR, State.MISSING):
        cause = f"{cause} ({after}: {reason})"
    what = "missing" if path_then else "added" if path_now else "state"
    return Difference(path, what, cause)


def _equal(left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[bool]:
    # Two absent values are the same; SQL's own comparison would leave it unknown.
    return or_(and_(left.is_(None), right.is_(None)), left == right).is_(True)

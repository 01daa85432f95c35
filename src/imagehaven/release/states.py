"""The states that a requested object can end in, and the proof that every object ended in one.

A release is finished when the anti-join of what the cohort asked for against what was recorded is
empty in both directions. Messages are never counted: a lost one would not show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa
from sqlalchemy import select

from imagehaven.errors import TerminalError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.verify import Finding

_BATCH = 50_000


class State(StrEnum):
    """What became of one requested object; the value stands in reports and in the ledger."""

    RELEASED = "released"
    WITHHELD = "withheld"
    OPTED_OUT = "opted-out"
    CONFLICTING = "conflicting"
    FAILED_VERIFICATION = "failed-verification"
    MISSING = "missing"
    ERROR = "error"
    CRASHED = "crashed"


#: What each state means, for the reports' readers.
MEANINGS = {
    State.RELEASED: "de-identified, verified and part of this release",
    State.WITHHELD: "a de-identification rule does not let it out; the reason names the rule",
    State.OPTED_OUT: "the person opted out of research",
    State.CONFLICTING: "two different files claim to be this instance, and nobody has decided yet",
    State.FAILED_VERIFICATION: "the second pass found, or could not rule out, an identifier",
    State.MISSING: "the original file is gone, unreadable or no longer what was catalogued",
    State.ERROR: "processing failed in a way that nobody foresaw; the reason names the error",
    State.CRASHED: "processing ended the worker process twice",
}


@dataclass(frozen=True)
class Result:
    """How one object ended. ``seq`` is its place in the request; identifiers stay in ``pairs``.

    ``path`` (below the release folder), ``sha256`` and ``bytes`` are set for released objects;
    ``pairs`` are the vault's (kind, original, pseudonym); ``existed`` says that the same bytes
    already lay at the path. ``findings``, with their values, are what verification found, and
    ``waived`` counts what its waivers took away; both go to the vault's side of the ledger.
    """

    seq: int
    SOPInstanceUID: str
    state: State
    reason: str = ""
    detail: str = ""
    modality: str = ""
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    pairs: tuple[tuple[str, str, str], ...] = ()
    existed: bool = False
    findings: tuple[Finding, ...] = field(default=(), repr=False)
    waived: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """What the anti-join found: ``requested`` objects, ``ended`` ones, and those on one side."""

    requested: int
    ended: int
    without_state: int
    not_requested: int

    @property
    def reconcile(self) -> bool:
        """True when both sides hold the same objects."""
        return not self.without_state and not self.not_requested and self.requested == self.ended


def totals(haven: Haven, release: str, members: str, parameters: list[object]) -> Totals:
    """Anti-join the request against the states that ``release`` recorded.

    ``members`` is the query, with its ``parameters``, that gives every requested SOPInstanceUID.
    """
    with haven.lake.connect(read_only=True) as connection:
        connection.execute("CREATE TEMP TABLE ended_now (SOPInstanceUID VARCHAR)")
        for batch in _ended(haven, release):
            connection.register("batch", batch)
            connection.execute("INSERT INTO ended_now SELECT SOPInstanceUID FROM batch")
            connection.unregister("batch")
        row = connection.execute(
            f"""
            WITH requested AS ({members})
            SELECT (SELECT count(*) FROM requested),
                   (SELECT count(*) FROM ended_now),
                   (SELECT count(*) FROM requested ANTI JOIN ended_now USING (SOPInstanceUID)),
                   (SELECT count(*) FROM ended_now ANTI JOIN requested USING (SOPInstanceUID))
            """,  # noqa: S608 - the members query is our own text with parameters
            parameters,
        ).fetchone()
    return Totals(*(int(number) for number in row or (0, 0, 0, 0)))


def must_reconcile(release: str, found: Totals) -> None:
    """Raise TerminalError unless every requested object has exactly one state."""
    if not found.reconcile:
        raise TerminalError(
            f"Release {release} does not reconcile: {found.requested} objects were requested, "
            f"{found.ended} have a state, {found.without_state} have none and "
            f"{found.not_requested} were never requested. Nothing was handed out: the folder has "
            "no manifest. Run `imagehaven audit verify` and look at the ledger before going on."
        )


def _ended(haven: Haven, release: str) -> Iterator[pa.Table]:
    table = schema.release_item
    with haven.ledger.begin() as connection:
        rows = connection.execution_options(yield_per=_BATCH).execute(
            select(table.c.SOPInstanceUID).where(table.c.release == release)
        )
        for part in rows.partitions(_BATCH):
            yield pa.table({"SOPInstanceUID": pa.array([row[0] for row in part], pa.string())})

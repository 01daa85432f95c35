"""Decisions on groups of findings: each act is a row, and what stands follows from the rows.

A decision stands unless an ``undo`` or ``refuse`` is about it; one that needs a second reviewer
stands only once somebody else has agreed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.verify.review.store import (
    IGNORED,
    OPEN,
    PROPOSED,
    REDACT,
    RULED,
    Kept,
    seal,
    unseal,
)

IGNORE, RULE, UNDO, AGREE, REFUSE = "ignore", "rule", "undo", "agree", "refuse"
#: What becomes of the findings of a decision that stands.
SETTLED: Final = {IGNORE: IGNORED, REDACT: REDACT, RULE: RULED}
_BATCH: Final = 500


@dataclass(frozen=True)
class Decision:
    """One act of a reviewer. ``about`` is the decision that it undoes, agrees to or refuses."""

    decision_id: int
    at: str
    actor: str
    act: str
    about: int | None
    needs_second: bool
    grouped_by: str
    group: str
    rule: str | None
    findings: int
    reason: str
    standing: bool = False

    def summary(self) -> dict[str, Any]:
        """The decision in plain values; the reason may hold anything, and is left out."""
        row = asdict(self)
        del row["reason"]
        return row


def settle(
    connection: Connection,
    haven: Haven,
    act: str,
    findings: Sequence[Kept],
    *,
    by: str,
    teaches: Any,
    reason: str,
    two_person: bool,
    rule: str | None = None,
) -> Decision:
    """Record a decision on findings and give them their state, in the caller's transaction."""
    made = _add(
        connection, haven, act,
        needs_second=two_person,
        grouped_by=by,
        group=findings[0].groups[by] if findings else "",
        rule=rule,
        findings=len(findings),
        reason=reason,
        sealed=seal(haven, teaches),
    )  # fmt: skip
    state = PROPOSED if two_person else SETTLED[act]
    ids = [one.finding_id for one in findings]
    table = schema.finding
    for first in range(0, len(ids), _BATCH):
        connection.execute(
            update(table)
            .where(table.c.finding_id.in_(ids[first : first + _BATCH]))
            .values(state=state, decision_id=made.decision_id)
        )
    return made


def undo(connection: Connection, haven: Haven, decision_id: int | None, reason: str) -> Decision:
    """Take a decision back: its findings are open again. Without an id, this actor's last one.

    Raises UserError where there is no such decision or it was taken back already.
    """
    wanted = decision_id
    if wanted is None:
        actor, acts = haven.ledger.actor, history(connection)
        mine = [one for one in acts if one.act in SETTLED and one.actor == actor]
        own = [one for one in mine if not _ended(connection, one)]
        if not own:
            raise UserError("You have no decision that could be undone.")
        wanted = own[-1].decision_id
    undone = _undecided(connection, wanted, "undone")
    _reopen(connection, undone.decision_id)
    return _about(connection, haven, UNDO, undone, reason)


def second(
    connection: Connection, haven: Haven, decision_id: int, *, agree: bool, reason: str
) -> Decision:
    """Agree to another reviewer's proposal, or refuse it; its findings follow.

    Raises UserError where it needs no second reviewer, has been settled, or is one's own.
    """
    proposed = _undecided(connection, decision_id, "settled")
    if not proposed.needs_second or proposed.standing:
        raise UserError(f"Decision {decision_id} does not wait for a second reviewer.")
    if proposed.actor == haven.ledger.actor:
        raise UserError(
            f"Decision {decision_id} is your own. The second reviewer must be another person, "
            "logged in under another name."
        )
    if agree:
        table = schema.finding
        connection.execute(
            update(table)
            .where(table.c.decision_id == decision_id, table.c.state == PROPOSED)
            .values(state=SETTLED[proposed.act])
        )
    else:
        _reopen(connection, decision_id)
    return _about(connection, haven, AGREE if agree else REFUSE, proposed, reason)


def history(connection: Connection) -> list[Decision]:
    """Every act, in order, each with whether it stands today."""
    rows = list(connection.execute(select(schema.decision).order_by("decision_id")).mappings())
    ended = {row["about"] for row in rows if row["act"] in (UNDO, REFUSE)}
    agreed = {row["about"] for row in rows if row["act"] == AGREE}
    found = []
    for row in rows:
        number = row["decision_id"]
        stands = number not in ended and (not row["needs_second"] or number in agreed)
        fields = {name: row[name] for name in Decision.__dataclass_fields__ if name in row}
        fields["needs_second"] = bool(row["needs_second"])
        found.append(Decision(**fields, standing=stands and row["act"] in SETTLED))
    return found


def teachings(connection: Connection, haven: Haven, act: str) -> list[tuple[Decision, Any]]:
    """What the decisions of one kind that stand teach, opened."""
    standing = {one.decision_id: one for one in history(connection) if one.standing}
    table = schema.decision
    rows = connection.execute(
        select(table.c.decision_id, table.c.sealed)
        .where(table.c.act == act)
        .order_by(table.c.decision_id)
    )
    return [(standing[n], unseal(haven, sealed)) for n, sealed in rows if n in standing]


def _undecided(connection: Connection, decision_id: int, done: str) -> Decision:
    found = {one.decision_id: one for one in history(connection) if one.act in SETTLED}
    if decision_id not in found:
        raise UserError(
            f"There is no decision {decision_id}. `imagehaven review history` lists them."
        )
    if _ended(connection, found[decision_id]):
        raise UserError(f"Decision {decision_id} cannot be {done}: it was taken back already.")
    return found[decision_id]


def _ended(connection: Connection, decision: Decision) -> bool:
    table = schema.decision
    query = select(table.c.decision_id).where(
        table.c.about == decision.decision_id, table.c.act.in_([UNDO, REFUSE])
    )
    return connection.execute(query).first() is not None


def _reopen(connection: Connection, decision_id: int) -> None:
    table = schema.finding
    connection.execute(
        update(table).where(table.c.decision_id == decision_id).values(state=OPEN, decision_id=None)
    )


def _about(
    connection: Connection, haven: Haven, act: str, decision: Decision, reason: str
) -> Decision:
    return _add(
        connection, haven, act,
        about=decision.decision_id,
        needs_second=False,
        grouped_by=decision.grouped_by,
        group=decision.group,
        rule=decision.rule,
        findings=decision.findings,
        reason=reason,
    )  # fmt: skip


def _add(connection: Connection, haven: Haven, act: str, **values: Any) -> Decision:
    row = {"at": now(), "actor": haven.ledger.actor, "act": act, "about": None, **values}
    row["needs_second"] = int(row["needs_second"])
    result = connection.execute(insert(schema.decision).values(**row))
    assert result.inserted_primary_key is not None  # both stores tell the new row's number
    number = int(result.inserted_primary_key[0])
    row.pop("sealed", None)
    row["needs_second"] = bool(row["needs_second"])
    stands = act in SETTLED and not row["needs_second"]
    return Decision(decision_id=number, standing=stands, **row)

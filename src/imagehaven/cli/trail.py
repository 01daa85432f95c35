"""Commands for the audit trail."""

from __future__ import annotations

from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, group, verb


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    audit = group(app, "audit", "Who did what, and the proof of it.")
    verb(audit, "list", audit_list, reads="list the audit trail")
    verb(audit, "verify", audit_verify, reads="walk the audit chain")


def audit_list(
    call: Call,
    last: Annotated[
        int | None, typer.Option(help="Only the last so many rows.", min=1, show_default=False)
    ] = None,
) -> None:
    """List the acts: when, who, what, from which inputs, with what outcome.

    \b
    imagehaven -C my-haven audit list --last 20
    """
    from imagehaven import haven as room

    rows = room.audit_list(call.haven(), last=last)
    lines = [(row.seq, row.at[:19], row.actor, row.event, row.outcome, row.inputs) for row in rows]
    columns = ("row", "at", "who", "what", "outcome", "inputs")
    call.answer(rows, lambda: screen.table(columns, lines))


def audit_verify(call: Call) -> None:
    """Prove that no row was altered, removed, inserted or cut off.

    Ends with exit code 1 when the chain is broken.

    \b
    imagehaven -C my-haven audit verify
    """
    from imagehaven import haven as room

    verdict = room.audit_verify(call.haven())
    told = {
        "intact": verdict.intact,
        "rows": verdict.rows,
        "head": verdict.head,
        "problem": verdict.problem,
    }
    call.answer(told, lambda: screen.facts(told, title="Audit chain"))
    if not verdict.intact:
        raise typer.Exit(1)

"""Findings in groups: one decision settles what looks alike, the most frequent first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.verify.review.store import GROUPINGS, OPEN, Kept, kept

#: Digits of a group's id that people type; the ledger has all 64.
SHOWN: Final = 12


@dataclass(frozen=True)
class Group:
    """Findings that are alike: by value, by rule, by element (and rule) or by device (and both).

    ``findings`` counts them, ``cells`` the cells of tables that they stand for. ``example`` is the
    first of them, opened.
    """

    group: str
    by: str
    findings: int
    cells: int
    example: Kept = field(repr=False)

    def to_dict(self, *, values: bool = False) -> dict[str, Any]:
        """The group in plain values; what was found only with ``values``, for a reviewer's eyes."""
        found = self.example.finding
        row: dict[str, Any] = {
            "group": self.group[:SHOWN],
            "findings": self.findings,
            "cells": self.cells,
            "value_class": found.value_class,
            "rule": found.rule,
            "detector": found.detector,
            "element": found.element,
            "shape": found.shape,
        }
        if values:
            row |= {"value": found.value, "text": found.text, "device": found.device}
        return row


def groups(
    haven: Haven, *, by: str = "value", limit: int | None = None, state: str = OPEN
) -> list[Group]:
    """The groups of the findings in a state, the most frequent first.

    Raises UserError where ``by`` is no way of grouping.
    """
    column = _column(by)
    table = schema.finding
    counted = func.count()
    query = (
        select(column, counted, func.sum(table.c.cells), func.min(table.c.finding_id))
        .where(table.c.state == state)
        .group_by(column)
        .order_by(counted.desc(), func.min(table.c.finding_id))
        .limit(limit)
    )
    with haven.ledger.begin() as connection:
        return _with_examples(connection, haven, by, query)


def members(connection: Connection, haven: Haven, group: str, by: str, state: str) -> list[Kept]:
    """The findings of one group in a state; ``group`` is its id or enough digits to tell it.

    Raises UserError where no group, or more than one, begins so.
    """
    column = _column(by)
    if not group or any(ch not in "0123456789abcdef" for ch in group):
        raise UserError(
            f"{group!r} is no group's id, which has digits and a to f. `imagehaven review list` "
            "shows them."
        )
    found = list(
        kept(
            connection,
            haven,
            schema.finding.c.state == state,
            column.startswith(group, autoescape=True),
        )
    )
    held = {one.groups[by] for one in found}
    if len(held) != 1:
        what = "No" if not held else "More than one"
        raise UserError(
            f"{what} group of {state} findings by {by} begins with {group!r}. "
            f"`imagehaven review list --by {by}` shows them."
        )
    return found


def _with_examples(
    connection: Connection, haven: Haven, by: str, query: Select[Any]
) -> list[Group]:
    rows = connection.execute(query).all()
    found = []
    for key, count, cells, first in rows:
        example = next(kept(connection, haven, schema.finding.c.finding_id == first))
        found.append(Group(key, by, int(count), int(cells), example))
    return found


def _column(by: str) -> Any:  # a SQLAlchemy column
    if by not in GROUPINGS:
        raise UserError(f"Findings cannot be grouped by {by!r}; choose {', '.join(GROUPINGS)}.")
    return schema.finding.c[f"by_{by}"]

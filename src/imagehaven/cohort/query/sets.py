"""Sets of rows: the half of the query nodes that selects, links and combines.

See :mod:`imagehaven.cohort.query.nodes` for what a node is and for the rules of lineage.
"""

# ruff: noqa: D102 - `validate` and `domain` mean in every node what they mean in Node

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.query.nodes import (
    LEVELS,
    LINK_KEYS,
    PLURALS,
    ConditionNode,
    SetNode,
    domain_name,
    finer,
    is_coarser_or_same,
    is_name,
)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise DefinitionError(message)


def _is_set(*nodes: object) -> None:
    _require(all(isinstance(node, SetNode) for node in nodes), "expected a set of rows")


@dataclass(frozen=True, eq=False)
class Rows(SetNode):
    """Every row of one level."""

    of: str

    def validate(self) -> None:
        _require(self.of in LEVELS, f"unknown level; choose from {', '.join(LEVELS)}")

    @property
    def domain(self) -> str:
        return self.of


@dataclass(frozen=True, eq=False)
class LinkedRows(SetNode):
    """Every row of a linked table; ``key`` is the column that finds its images."""

    table: str
    key: str

    def validate(self) -> None:
        _require(is_name(self.table), "a linked table has a plain name such as table('smoking')")
        _require(
            self.key in LINK_KEYS, f"unknown key; a table joins on {', '.join(sorted(LINK_KEYS))}"
        )

    @property
    def domain(self) -> str:
        return f"linked.{self.table}"


@dataclass(frozen=True, eq=False)
class Where(SetNode):
    """The rows of a set for which a condition holds."""

    source: SetNode
    condition: ConditionNode

    def validate(self) -> None:
        _is_set(self.source)
        _require(isinstance(self.condition, ConditionNode), "where(...) takes conditions")
        mine, asked = str(self.source.domain), str(self.condition.domain)
        if mine == asked or (
            mine in LEVELS and asked in LEVELS and is_coarser_or_same(asked, mine)
        ):
            return
        if mine in LEVELS and asked in LEVELS:
            raise DefinitionError(
                f"one row of {PLURALS[mine]} has many {PLURALS[asked]}, so this condition has no "
                f"single answer; write {PLURALS[mine]}.having({PLURALS[asked]}.where(...))"
            )
        raise DefinitionError(
            f"{domain_name(mine)}.where(...) cannot look at {domain_name(asked)}; filter "
            f"{domain_name(asked)} on its own and combine the two sets with &"
        )

    @property
    def domain(self) -> str:
        return str(self.source.domain)


@dataclass(frozen=True, eq=False)
class LinkedTo(SetNode):
    """The patients, studies, series or instances that have at least one of these linked rows."""

    rows: SetNode

    def validate(self) -> None:
        _is_set(self.rows)
        _require(str(self.rows.domain).startswith("linked."), "expected rows of a linked table")

    @property
    def domain(self) -> str:
        return LINK_KEYS[linked_source(self.rows).key]


@dataclass(frozen=True, eq=False)
class Having(SetNode):
    """The rows of a set that are related to some row of another (or, negated, to none)."""

    source: SetNode
    other: SetNode
    negate: bool = False

    def validate(self) -> None:
        _is_set(self.source, self.other)
        _require(isinstance(self.negate, bool), "negate is true or false")
        _ = self.source.level, self.other.level

    @property
    def domain(self) -> str:
        return self.source.level


@dataclass(frozen=True, eq=False)
class Combine(SetNode):
    """Union, intersection or difference of two sets of image rows."""

    SIGNS: ClassVar = {"union": "|", "intersection": "&", "difference": "-"}
    op: str
    left: SetNode
    right: SetNode

    def validate(self) -> None:
        _require(self.op in self.SIGNS, "unknown set operation")
        _is_set(self.left, self.right)
        left, right = self.left.level, self.right.level
        if self.op == "union" and left != right:
            low = finer(left, right)
            raise DefinitionError(
                f"a union needs sets of one level, and these are {PLURALS[left]} and "
                f"{PLURALS[right]}; narrow the coarser one first: {PLURALS[low]} & other"
            )
        if self.op == "difference" and not is_coarser_or_same(right, left):
            raise DefinitionError(
                f"{PLURALS[left]} minus {PLURALS[right]} is unclear; to drop each whole row that "
                f"has such {PLURALS[right]} write left.without(right), to drop only those "
                f"{PLURALS[right]} write ({PLURALS[right]} & left) - right"
            )

    @property
    def domain(self) -> str:
        if self.op == "intersection":
            return finer(self.left.level, self.right.level)
        return self.left.level


@dataclass(frozen=True, eq=False)
class Named(SetNode):
    """A set with the name that attrition tables show for it."""

    source: SetNode
    name: str

    def validate(self) -> None:
        _is_set(self.source)
        good = isinstance(self.name, str) and self.name.isprintable() and 0 < len(self.name) <= 200
        _require(good, "a step's name is a short line of text")

    @property
    def domain(self) -> str:
        return str(self.source.domain)


def linked_source(rows: SetNode) -> LinkedRows:
    """The linked table under a chain of filters."""
    while isinstance(rows, Where | Named):
        rows = rows.source
    if not isinstance(rows, LinkedRows):
        raise DefinitionError("expected rows of a linked table")
    return rows

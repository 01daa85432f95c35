"""Compile a cohort to DuckDB SQL: set-based, one statement for members and one for attrition.

Every set of the query becomes one common table expression that holds the ids of its level and of
the levels above, so that narrowing by a coarser set needs no join. Literals are escaped text in
the statement, which can therefore stand inside another statement; identifiers are quoted.
"""

# ruff: noqa: S608 - composing SQL is what this does: literals are escaped, names quoted

from __future__ import annotations

from dataclasses import dataclass, field

from imagehaven.cohort.checks import check_definition, problems_of, walk
from imagehaven.cohort.engines.condition_sql import condition_sql, literal, tables_of
from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.nodes import KEYS, LEVELS, SetNode, lineage
from imagehaven.cohort.query.schema import Schema, quoted
from imagehaven.cohort.query.steps import Step, steps_of
from imagehaven.cohort.sandbox.run import Definition


@dataclass(frozen=True)
class CompiledCohort:
    """A cohort as SQL.

    ``members_sql`` yields distinct SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID, PatientID.
    ``attrition_sql`` yields step (from 0), patients, studies, series, instances for each of
    ``steps``, in order. ``level`` is the cohort's unit.
    """

    level: str
    members_sql: str
    attrition_sql: str
    steps: tuple[Step, ...]


def compile_sql(definition: Definition, schema: Schema) -> CompiledCohort:
    """Compile a definition; raises DefinitionError with every problem if it does not fit."""
    problems = check_definition(definition, schema)
    if problems:
        raise definition.error(problems)
    return compile_nodes(definition.nodes, schema)


def compile_nodes(root: SetNode, schema: Schema) -> CompiledCohort:
    """Compile a bare query; raises DefinitionError if it does not fit the schema."""
    problems = problems_of(root, schema)
    if problems:
        raise DefinitionError(problems)
    steps = tuple(steps_of(root))
    return CompiledCohort(root.level, _members(root, schema), _attrition(steps, schema), steps)


def _members(root: SetNode, schema: Schema) -> str:
    parts = _Parts(schema)
    final = parts.add(root)
    columns = ", ".join(f"instance.{quoted(KEYS[level])}" for level in reversed(LEVELS))
    key = quoted(KEYS[root.level])
    return (
        f"{parts.prefix()}SELECT DISTINCT {columns}\nFROM {schema.relation('instance')} AS instance"
        f"\nWHERE instance.{key} IN (SELECT {key} FROM {final})"
    )


def _attrition(steps: tuple[Step, ...], schema: Schema) -> str:
    parts = _Parts(schema)
    selects = []
    for number, step in enumerate(steps):
        counts = ", ".join(
            f"{_count(parts, step.remaining, level, schema)} AS {nodes.PLURALS[level]}"
            for level in LEVELS
        )
        selects.append(f"SELECT {number} AS step, {counts}")
    return parts.prefix() + "\nUNION ALL\n".join(selects) + "\nORDER BY step"


def _count(parts: _Parts, remaining: SetNode | None, level: str, schema: Schema) -> str:
    """How many rows of one level belong to what remains."""
    if remaining is None:
        return f"(SELECT count(*) FROM {schema.relation(level)})"
    name, unit = parts.add(remaining), remaining.level
    if level == unit:
        return f"(SELECT count(*) FROM {name})"
    if LEVELS.index(level) < LEVELS.index(unit):
        return f"(SELECT count(DISTINCT {quoted(KEYS[level])}) FROM {name})"
    key = quoted(KEYS[unit])
    return (
        f"(SELECT count(*) FROM {schema.relation(level)} WHERE {key} IN (SELECT {key} FROM {name}))"
    )


@dataclass
class _Parts:
    """The common table expressions of one statement; a set used twice is written once.

    ``near`` is the name of an expression and a quoted key: a set that is asked for near it is
    needed only where it shares that key. Filters on stored elements then read the elements of
    those instances alone. Such a part of a set is written each time it is asked for.
    """

    schema: Schema
    written: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def prefix(self) -> str:
        return "WITH " + ",\n".join(self.written) + "\n" if self.written else ""

    def add(self, root: SetNode, near: tuple[str, str] | None = None) -> str:
        """Write the set after those that it is made of; return the name of its expression."""
        node = _unnamed(root)
        if id(node) in self.names:
            return self.names[id(node)]
        if near and isinstance(node, sets.Where) and self._reads_elements(node):
            return self._write(self._where(node, near))
        self.names[id(node)] = name = self._write(self._body(node))
        return name

    def _write(self, body: str) -> str:
        name = f"set_{len(self.written) + 1}"
        self.written.append(f"{name} AS (\n{body}\n)")
        return name

    def _body(self, node: SetNode) -> str:  # noqa: PLR0911 - one return per kind of set
        match node:
            case sets.Rows():
                ids = ", ".join(quoted(KEYS[level]) for level in lineage(node.of))
                return f"SELECT {ids} FROM {self.schema.relation(node.of)}"
            case sets.Where():
                return self._where(node)
            case sets.LinkedTo():
                return self._linked_to(node)
            case sets.Having():
                shared = min(node.source.level, node.other.level, key=LEVELS.index)
                return self._related(node.source, node.other, shared, negate=node.negate)
            case sets.Combine(op="union"):
                left, right = self.add(node.left), self.add(node.right)
                return f"SELECT * FROM {left}\nUNION\nSELECT * FROM {right}"
            case sets.Combine(op="difference"):
                return self._related(node.left, node.right, node.right.level, negate=True)
            case sets.Combine():
                fine, coarse = node.left, node.right
                if LEVELS.index(fine.level) < LEVELS.index(coarse.level):
                    fine, coarse = coarse, fine
                return self._related(fine, coarse, coarse.level, negate=False)
        raise TypeError(type(node).__name__)

    def _related(self, source: SetNode, other: SetNode, shared: str, *, negate: bool) -> str:
        """The rows of ``source`` that share the id of one level with ``other``, or do not."""
        key = quoted(KEYS[shared])
        if not negate and self._reads_elements(source) and not self._reads_elements(other):
            theirs = self.add(other)
            mine = self.add(source, None if _is_whole(other) else (theirs, key))
        else:
            mine = self.add(source)
            theirs = self.add(other, None if _is_whole(source) else (mine, key))
        join = "ANTI JOIN" if negate else "SEMI JOIN"
        return (
            f"SELECT kept.* FROM {mine} AS kept\n"
            f"{join} {theirs} AS other ON kept.{key} = other.{key}"
        )

    def _reads_elements(self, node: SetNode) -> bool:
        """Whether the set filters all instances by what is read out of their stored elements."""
        source, conditions = _filters(node)
        return isinstance(source, sets.Rows) and any(
            isinstance(part, nodes.Column)
            and self.schema.find(part.table, part.name).source == "element"
            for condition in conditions
            for part in walk(condition)
        )

    def _where(self, node: sets.Where, near: tuple[str, str] | None = None) -> str:
        source, conditions = _filters(node)
        level = node.level
        asked = {level} | {table for test in conditions for table in tables_of(test, self.schema)}
        ids = ", ".join(f"{quoted(level)}.{quoted(KEYS[up])}" for up in lineage(level))
        lines = [f"SELECT {ids}", f"FROM {self.schema.relation(level)} AS {quoted(level)}"]
        for up in sorted(asked - {level}, key=LEVELS.index):
            key = quoted(KEYS[up])
            lines.append(
                f"LEFT JOIN {self.schema.relation(up)} AS {quoted(up)} "
                f"ON {quoted(up)}.{key} = {quoted(level)}.{key}"
            )
        tests = [condition_sql(test, self.schema) for test in conditions]
        if not isinstance(source, sets.Rows):
            near = self.add(source), quoted(KEYS[level])
        if near:
            name, key = near
            tests.insert(0, f"{quoted(level)}.{key} IN (SELECT {key} FROM {name})")
        return "\n".join([*lines, "WHERE " + "\n  AND ".join(tests)])

    def _linked_to(self, node: sets.LinkedTo) -> str:
        level, table = node.level, sets.linked_source(node.rows)
        key, linked = quoted(table.key), quoted(table.domain)
        tests = [condition_sql(test, self.schema) for test in _filters(node.rows)[1]]
        # An empty key is a missing one: it must not tie strangers together.
        tests.insert(0, f"{linked}.{key} <> {literal('')}")
        ids = ", ".join(quoted(KEYS[up]) for up in lineage(level))
        return (
            f"SELECT {ids} FROM {self.schema.relation(level)}\nWHERE {key} IN (\n"
            f"  SELECT {linked}.{key} FROM {self.schema.relation(table.domain)} AS {linked}\n"
            "  WHERE " + "\n    AND ".join(tests) + ")"
        )


def _unnamed(node: SetNode) -> SetNode:
    while isinstance(node, sets.Named):
        node = node.source
    return node


def _is_whole(node: SetNode) -> bool:
    return isinstance(_unnamed(node), sets.Rows)


def _filters(node: SetNode) -> tuple[SetNode, list[nodes.ConditionNode]]:
    """A chain of filters as what it filters and its conditions, first one first."""
    conditions: list[nodes.ConditionNode] = []
    while isinstance(node, sets.Where | sets.Named):
        if isinstance(node, sets.Where):
            conditions.insert(0, node.condition)
        node = node.source
    return node, conditions

"""A naive reference engine over plain Python rows, to hold the SQL against.

Slow and obvious on purpose: a row is a dict, a set is a set of ids, a condition is a loop. It
shares the schema's notion of where a column is found, and nothing of how SQL computes it.
"""

from __future__ import annotations

import datetime as dt
import json
import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.query.nodes import KEYS, LEVELS
from imagehaven.cohort.query.schema import Found, Schema, Type, as_date, as_moment
from imagehaven.cohort.query.steps import steps_of

Row = Mapping[str, Any]
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MemoryEngine:
    """Answers cohorts from rows: ``tables`` maps table names as in the schema to lists of rows."""

    def __init__(self, tables: Mapping[str, Sequence[Row]], schema: Schema) -> None:
        self.tables, self.schema = tables, schema
        self.by_id = {
            level: {row[KEYS[level]]: row for row in tables.get(level, ())} for level in LEVELS
        }

    def members(self, root: nodes.SetNode) -> set[tuple[str | None, ...]]:
        """SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID and PatientID of each member."""
        return {
            tuple(row[KEYS[level]] for level in reversed(LEVELS))
            for row in self._at("instance", root.level, self.ids(root))
        }

    def attrition(self, root: nodes.SetNode) -> list[tuple[int, ...]]:
        """Patients, studies, series and instances that remain after each step."""
        counts = []
        for step in steps_of(root):
            if step.remaining is None:
                counts.append(tuple(len(self.by_id[level]) for level in LEVELS))
            else:
                unit, ids = step.remaining.level, self.ids(step.remaining)
                counts.append(tuple(self._count(level, unit, ids) for level in LEVELS))
        return counts

    def ids(self, node: nodes.SetNode) -> set[str]:  # noqa: PLR0911
        """The ids of a set at its own level."""
        match node:
            case sets.Rows():
                return set(self.by_id[node.of])
            case sets.Named():
                return self.ids(node.source)
            case sets.Where():
                rows = self.by_id[node.level]
                return {i for i in self.ids(node.source) if self.holds(node.condition, rows[i])}
            case sets.LinkedTo():
                keys = {row.get(sets.linked_source(node.rows).key) for row in self.rows(node.rows)}
                keys -= {None, ""}
                key = sets.linked_source(node.rows).key
                return {i for i, row in self.by_id[node.level].items() if row.get(key) in keys}
            case sets.Having():
                shared = min(node.source.level, node.other.level, key=LEVELS.index)
                return self._related(node.source, node.other, shared, wanted=not node.negate)
            case sets.Combine(op="union"):
                return self.ids(node.left) | self.ids(node.right)
            case sets.Combine(op="difference"):
                return self._related(node.left, node.right, node.right.level, wanted=False)
            case sets.Combine():
                fine, coarse = sorted((node.left, node.right), key=lambda s: -LEVELS.index(s.level))
                return self._related(fine, coarse, coarse.level, wanted=True)
        raise TypeError(type(node).__name__)

    def rows(self, node: nodes.SetNode) -> list[Row]:
        """The rows of a linked set."""
        match node:
            case sets.LinkedRows():
                return list(self.tables[node.domain])
            case sets.Named():
                return self.rows(node.source)
            case sets.Where():
                return [r for r in self.rows(node.source) if self.holds(node.condition, r)]
        raise DefinitionError("expected rows of a linked table")

    def holds(self, condition: nodes.Node, row: Row) -> bool:  # noqa: PLR0911
        """Whether a condition is true of a row; a missing value makes a comparison false."""
        match condition:
            case nodes.Logic(op="and"):
                return self.holds(condition.left, row) and self.holds(condition.right, row)
            case nodes.Logic():
                return self.holds(condition.left, row) or self.holds(condition.right, row)
            case nodes.Not():
                return not self.holds(condition.condition, row)
            case nodes.IsNull():
                return self.value(condition.value, row) is None
            case nodes.Compare():
                left, right = (self.value(v, row) for v in (condition.left, condition.right))
                if left is None or right is None:
                    return False
                return bool(_COMPARE[condition.op](*_alike(left, right)))
            case nodes.IsIn():
                value = self.value(condition.value, row)
                return value is not None and any(
                    operator.eq(*_alike(value, option)) for option in condition.options
                )
            case nodes.TextTest():
                value = self.value(condition.value, row)
                return value is not None and _looks_like(condition.how, value, condition.pattern)
        raise TypeError(type(condition).__name__)

    def value(self, node: nodes.Node, row: Row) -> Any:
        """What a column holds in a row, or the value of a literal; None where it is missing."""
        if isinstance(node, nodes.Literal):
            return node.value
        if not isinstance(node, nodes.Column):
            raise TypeError(type(node).__name__)
        if node.table in LEVELS:
            row = self.by_id[node.table].get(row.get(KEYS[node.table]), {})
        found = self.schema.find(node.table, node.name)
        if found.source == "derived":
            return self._age(row)
        if found.source == "element":
            return _element(row.get("elements"), found)
        value = row.get(node.name)
        if isinstance(value, list):
            value = "\\".join(item for item in value if item is not None)
        return None if value == "" else value

    def _age(self, study: Row) -> int | None:
        born = self.by_id["patient"].get(study.get("PatientID"), {}).get("PatientBirthDate")
        then = study.get("StudyDate")
        if self.schema.has_birth_dates and born is not None and then is not None:
            years = int(then.year - born.year)
            if (then.month, then.day) < (born.month, born.day):
                years -= 1
            if born <= then:
                return years
        age = re.fullmatch(r"([0-9]{3})([YMWD])", (study.get("PatientAge") or "").strip(" "))
        if not age:
            return None
        number = int(age[1])
        return {"Y": number, "M": number // 12, "W": number * 7 // 365, "D": number // 365}[age[2]]

    def _at(self, level: str, unit: str, ids: set[str]) -> list[Row]:
        """The rows of a level that belong to rows of ``unit``, a level not finer than it."""
        return [row for row in self.by_id[level].values() if row.get(KEYS[unit]) in ids]

    def _count(self, level: str, unit: str, ids: set[str]) -> int:
        if LEVELS.index(level) >= LEVELS.index(unit):
            return len(self._at(level, unit, ids))
        return len({self.by_id[unit][i].get(KEYS[level]) for i in ids} - {None})

    def _related(
        self, source: nodes.SetNode, other: nodes.SetNode, shared: str, *, wanted: bool
    ) -> set[str]:
        theirs = {self.by_id[other.level][i].get(KEYS[shared]) for i in self.ids(other)} - {None}
        mine = self.by_id[source.level]
        return {i for i in self.ids(source) if (mine[i].get(KEYS[shared]) in theirs) is wanted}


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Both sides in one type: text beside a date is a date."""
    for convert, kind in ((as_moment, dt.datetime), (as_date, dt.date)):
        if isinstance(left, kind) or isinstance(right, kind):
            return convert(left), convert(right)
    return left, right


def _looks_like(how: str, value: str, pattern: str) -> bool:
    text, wanted = _lower(value), _lower(pattern)
    if how == "contains":
        return wanted in text
    if how == "starts_with":
        return text.startswith(wanted)
    if how == "ends_with":
        return text.endswith(wanted)
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(c, re.escape(c)) for c in wanted)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _lower(text: str) -> str:
    """Lower case letter by letter, as DuckDB does: no letter becomes two."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _element(elements: Any, found: Found) -> Any:
    if isinstance(elements, str):
        elements = json.loads(elements)
    element = (elements or {}).get(found.tag) or {}
    values = element.get("Value") or []
    if found.type is Type.OPAQUE:
        return (values[0] if values else None) or element.get("Length") or None
    if found.vr == "PN":
        values = [name.get("Alphabetic") if isinstance(name, dict) else None for name in values]
    if found.type is Type.TEXT:
        return "\\".join(str(value) for value in values if value is not None) or None
    first = str(values[0]).strip(" ") if values and values[0] is not None else ""
    if found.type is Type.NUMBER:
        decimal = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
        return float(first) if re.fullmatch(decimal, first, re.ASCII) else None
    try:
        return dt.datetime.strptime(first, "%Y%m%d").date() if len(first) == 8 else None
    except ValueError:
        return None

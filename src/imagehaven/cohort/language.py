"""What a researcher writes: the words of the cohort language.

>>> smoking = table("smoking")
>>> ct = series.where(series.Modality == "CT", series.BodyPartExamined.contains("chest"))
>>> smokers = smoking.where(smoking.status == "current")
>>> adults = studies.where(studies.PatientAgeYears.between(55, 65))
>>> whole = cohort(ct & adults & smokers)

Each expression makes a node (:mod:`imagehaven.cohort.query`) and nothing else: no data is near.
Each node remembers the line it was written on, so that whatever is found wrong later points there.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn, TypeAlias

from imagehaven.cohort.errors import DefinitionError, Place
from imagehaven.cohort.query import nodes, sets
from imagehaven.cohort.sandbox.codelist import codelist_from_csv

__all__ = ["codelist_from_csv", "cohort", "instances", "patients", "series", "studies", "table"]

Plain: TypeAlias = str | int | float | bool | dt.date
_HERE = __file__


class _Expression:
    """Refuses Python's words that would silently give a wrong answer."""

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        raise DefinitionError(
            "Python's and, or, not, if, in and chained comparisons such as 1 < x < 5 do not work "
            "here; use & for and, | for or, ~ for not, .is_in([...]) and .between(1, 5)"
        )

    def __iter__(self) -> NoReturn:
        raise DefinitionError(
            "columns and sets have no elements here: a definition runs away from the data"
        )

    def __contains__(self, item: object) -> NoReturn:
        raise DefinitionError("Python's in does not work here; use .is_in([...]) or .contains(...)")

    def __len__(self) -> NoReturn:
        raise DefinitionError("len() does not work here: a definition runs away from the data")


class Condition(_Expression):
    """A yes or no about each row; join with ``&``, ``|`` and ``~``."""

    def __init__(self, node: nodes.ConditionNode) -> None:
        self._node = node

    def __and__(self, other: object) -> Condition:
        return self._join("and", other)

    def __or__(self, other: object) -> Condition:
        return self._join("or", other)

    def __invert__(self) -> Condition:
        return Condition(nodes.Not(self._node, place=_place()))

    def __rand__(self, other: object) -> NoReturn:
        raise DefinitionError(_BRACKETS)

    __ror__ = __rand__

    def _join(self, op: str, other: object) -> Condition:
        if isinstance(other, Images | Linked):
            raise DefinitionError("a condition and a set cannot be joined; use set.where(...)")
        if not isinstance(other, Condition):
            raise DefinitionError(_BRACKETS)
        return Condition(nodes.Logic(op, self._node, other._node, place=_place()))


class Value(_Expression):
    """A column: compare it to get a condition."""

    def __init__(self, node: nodes.ValueNode) -> None:
        self._node = node

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        """Equal to; false where the value is missing."""
        return self._compare("==", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        """Known and not equal to; false where the value is missing (``~(x == y)`` is true)."""
        return self._compare("!=", other)

    __hash__ = object.__hash__

    def __lt__(self, other: object) -> Condition:
        return self._compare("<", other)

    def __le__(self, other: object) -> Condition:
        return self._compare("<=", other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(">", other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(">=", other)

    def __and__(self, other: object) -> NoReturn:
        raise DefinitionError(_BRACKETS)

    __or__ = __rand__ = __ror__ = __and__

    def __invert__(self) -> NoReturn:
        raise DefinitionError("~ turns a condition round, and this is a column; compare it first")

    def __call__(self, *_args: object, **_options: object) -> NoReturn:
        name = self._node.name if isinstance(self._node, nodes.Column) else "this"
        raise DefinitionError(
            f"{name} was read as a column, and a column cannot be called; sets have where, having, "
            "without and named, columns have is_in, between, contains, starts_with, ends_with, "
            "matches, is_null and is_not_null"
        )

    def between(self, low: Plain, high: Plain) -> Condition:
        """From ``low`` to ``high``, both included."""
        return self._compare(">=", low) & self._compare("<=", high)

    def is_in(self, options: Iterable[Plain]) -> Condition:
        """Equal to one of a list of values or of a codelist."""
        if isinstance(options, str) or not isinstance(options, Iterable):
            raise DefinitionError('is_in takes a list in brackets: is_in(["CT", "MR"])')
        node = nodes.IsIn(self._node, tuple(options), place=_place())
        return Condition(node)

    def is_not_in(self, options: Iterable[Plain]) -> Condition:
        """Known and equal to none of a list of values."""
        return self.is_not_null() & ~self.is_in(options)

    def contains(self, text: str) -> Condition:
        """The text occurs in it, upper and lower case alike."""
        return self._text("contains", text)

    def starts_with(self, text: str) -> Condition:
        """It begins with the text, upper and lower case alike."""
        return self._text("starts_with", text)

    def ends_with(self, text: str) -> Condition:
        """It ends with the text, upper and lower case alike."""
        return self._text("ends_with", text)

    def matches(self, pattern: str) -> Condition:
        """The whole text fits a pattern: ``*`` is any text, ``?`` any one character."""
        return self._text("matches", pattern)

    def is_null(self) -> Condition:
        """It is missing or empty."""
        return Condition(nodes.IsNull(self._node, place=_place()))

    def is_not_null(self) -> Condition:
        """It has a value."""
        return ~self.is_null()

    def _compare(self, op: str, other: object) -> Condition:
        if other is None:
            raise DefinitionError("nothing equals None here; use .is_null() or .is_not_null()")
        node = other._node if isinstance(other, Value) else _literal(other)
        return Condition(nodes.Compare(op, self._node, node, place=_place()))

    def _text(self, how: str, pattern: str) -> Condition:
        return Condition(nodes.TextTest(how, self._node, pattern, place=_place()))


class _Frame(_Expression):
    """Rows with columns: ``frame.Column`` or, for other names, ``frame["a column"]``."""

    _node: nodes.SetNode

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Value:
        return Value(nodes.Column(str(self._node.domain), name, place=_place()))

    def __eq__(self, other: object) -> NoReturn:
        raise DefinitionError("sets cannot be compared; combine them with &, | and -")

    __hash__ = object.__hash__
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__

    def _filtered(self, conditions: tuple[Condition, ...]) -> nodes.SetNode:
        if not conditions:
            raise DefinitionError("where(...) needs at least one condition")
        node = self._node
        for condition in conditions:
            if not isinstance(condition, Condition):
                raise DefinitionError(
                    'where(...) takes conditions such as series.Modality == "CT"; to keep rows '
                    "related to another set use & or .having(...)"
                )
            node = sets.Where(node, condition._node, place=_place())
        return node


class Images(_Frame):
    """A set of patients, studies, series or instances."""

    def __init__(self, node: nodes.SetNode) -> None:
        self._node = node

    def where(self, *conditions: Condition) -> Images:
        """Those for which every condition holds."""
        return Images(self._filtered(conditions))

    def having(self, other: Images | Linked) -> Images:
        """Those related to at least one row of another set: studies having a CT series."""
        return Images(sets.Having(self._node, _as_images(other), place=_place()))

    def without(self, other: Images | Linked) -> Images:
        """Those related to no row of another set: patients without an MR study."""
        return Images(sets.Having(self._node, _as_images(other), negate=True, place=_place()))

    def named(self, name: str) -> Images:
        """The same set, shown under this name in the attrition table."""
        return Images(sets.Named(self._node, name, place=_place()))

    def __and__(self, other: Images | Linked) -> Images:
        return self._combine("intersection", other)

    def __or__(self, other: Images | Linked) -> Images:
        return self._combine("union", other)

    def __sub__(self, other: Images | Linked) -> Images:
        return self._combine("difference", other)

    def __invert__(self) -> NoReturn:
        raise DefinitionError(
            "a set has no opposite on its own; subtract it from another: "
            f"{nodes.PLURALS[self._node.level]} - this"
        )

    def _combine(self, op: str, other: Images | Linked) -> Images:
        return Images(sets.Combine(op, self._node, _as_images(other), place=_place()))


class Linked(_Frame):
    """Rows of a linked table. Beside images it stands for those that have such a row."""

    def __init__(self, node: nodes.SetNode) -> None:
        self._node = node

    def where(self, *conditions: Condition) -> Linked:
        """The rows for which every condition holds, all of them in the same row."""
        return Linked(self._filtered(conditions))

    def named(self, name: str) -> Linked:
        """The same rows, shown under this name in the attrition table."""
        return Linked(sets.Named(self._node, name, place=_place()))

    def __and__(self, other: Images | Linked) -> Images:
        return Images(_as_images(self)) & other

    def __or__(self, other: Images | Linked) -> Images:
        return Images(_as_images(self)) | other

    def __sub__(self, other: Images | Linked) -> Images:
        return Images(_as_images(self)) - other


@dataclass(frozen=True)
class Declared:
    """What a definition declared: its set, and the name that it gave itself, if any."""

    node: nodes.SetNode
    name: str | None


@dataclass
class Declarations:
    """The cohorts declared so far in this process; the sandbox reads them when the file ends."""

    definition_file: str | None = None
    made: list[Declared] = field(default_factory=list)


DECLARATIONS = Declarations()

patients = Images(sets.Rows("patient"))
studies = Images(sets.Rows("study"))
series = Images(sets.Rows("series"))
instances = Images(sets.Rows("instance"))


def table(name: str, key: str = "PatientID") -> Linked:
    """The rows of a table that ``imagehaven load`` brought in, joined to images on ``key``.

    ``key`` is one of PatientID, StudyInstanceUID, AccessionNumber, SeriesInstanceUID and
    SOPInstanceUID, and is the column's name both here and there.
    """
    return Linked(sets.LinkedRows(name, key, place=_place()))


def cohort(*steps: Images | Linked, name: str | None = None) -> Images:
    """Declare the cohort: the intersection of the steps, counted one after the other.

    ``name`` replaces the file's name and has letters, digits, hyphens and underscores. A definition
    declares exactly one cohort.
    """
    if not steps:
        raise DefinitionError("cohort(...) needs at least one set, for example cohort(ct_chest)")
    whole = Images(_as_images(steps[0]))
    for step in steps[1:]:
        whole = whole & step
    if name is not None:
        nodes.check_cohort_name(name)
    DECLARATIONS.made.append(Declared(whole._node, name))
    return whole


def node_of(frame: Images | Linked) -> nodes.SetNode:
    """The query node behind a set."""
    return frame._node


def _as_images(thing: Any) -> nodes.SetNode:
    if isinstance(thing, Images):
        return thing._node
    if isinstance(thing, Linked):
        named = thing._node.name if isinstance(thing._node, sets.Named) else None
        linked = sets.LinkedTo(thing._node, place=thing._node.place)
        return sets.Named(linked, named, place=linked.place) if named else linked
    if isinstance(thing, Condition):
        raise DefinitionError("this is a condition, not a set; wrap it: series.where(condition)")
    raise DefinitionError(
        "this is not a set; sets come from patients, studies, series, instances and table(...)"
    )


def _literal(value: Any) -> nodes.Literal:
    if isinstance(value, _Expression):
        raise DefinitionError("a column is compared with a value or another column")
    return nodes.Literal(value, place=_place())


def _place() -> Place | None:
    """Where in the definition file the running expression stands."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == _HERE:
        frame = frame.f_back
    wanted = DECLARATIONS.definition_file
    if frame is None or wanted is None or frame.f_code.co_filename != wanted:
        return None
    return place_in(frame, frame.f_lasti)


def place_in(frame: FrameType, instruction: int) -> Place:
    """The line and columns of one instruction of a frame."""
    for number, found in enumerate(frame.f_code.co_positions()):
        if number == instruction // 2:
            line, end_line, column, end_column = found
            if line is not None and column is not None and end_column is not None:
                return Place(line, column, end_column if end_line == line else 10_000)
            break
    return Place(frame.f_lineno)


_BRACKETS = (
    "put brackets round each comparison before joining them: "
    '(series.Modality == "CT") & (series.BodyPartExamined == "CHEST")'
)

"""One column of a curated view: the line that declares it, and the SQL that reads it.

A line is ``[NAME =] PATH [as TYPE]``. The SQL reads the element out of ``instance.elements``, which
holds every element in the shape of the DICOM JSON Model (PS3.18 F), so that promoting one more
element needs no reload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from imagehaven.catalogue.declared import TYPES, did_you_mean
from imagehaven.catalogue.typed import typed
from imagehaven.dicom import keyword_to_tag, vr_of
from imagehaven.errors import UserError

_LINE: Final = re.compile(
    r"(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)\s*=\s*)?(?P<path>\S.*?)(?:\s+as\s+(?P<type>\w+))?\s*"
)
_STEP: Final = re.compile(
    r"(?:(?P<keyword>[A-Za-z][A-Za-z0-9]*)"
    r'|\((?P<group>[0-9A-Fa-f]{4}),\s*"(?P<creator>[^"]+)",\s*(?P<element>[0-9A-Fa-f]{2})\))'
    r"(?:\[(?P<index>[0-9]{1,4})\])?"
)
_NUMBER_VRS: Final = frozenset({"DS", "FD", "FL"})
_INTEGER_VRS: Final = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
_NO_VALUE: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


@dataclass(frozen=True)
class Step:
    """One element on the way: by keyword, or privately by group, creator and element."""

    keyword: str = ""
    group: str = ""
    creator: str = ""
    element: str = ""
    index: int | None = None


@dataclass(frozen=True)
class ViewColumn:
    """A column ``name`` of one of the types in ``TYPES``, read along ``steps``."""

    name: str
    steps: tuple[Step, ...]
    type: str

    @property
    def keyword(self) -> str | None:
        """The keyword when this is one top-level element as it stands, else None."""
        only = self.steps[0]
        return only.keyword if len(self.steps) == 1 and only.index is None else None


def read_column(line: str, known: tuple[str, ...] = ()) -> ViewColumn:
    """The column that a line declares; raises UserError without a place, which the caller adds.

    ``known`` are keywords to suggest where one is misspelt.
    """
    match = _LINE.fullmatch(line.strip())
    steps = tuple(_steps(match["path"], known)) if match else ()
    if match is None or not steps:
        raise UserError(f"{line!r} is no column: write `[NAME =] PATH [as TYPE]`.")
    for step in steps[:-1]:
        if step.keyword and vr_of(step.keyword) != "SQ":
            raise UserError(f"{step.keyword} is no sequence, so nothing stands within it.")
    last = steps[-1]
    kind = match["type"] or _default_type(last)
    if kind not in TYPES:
        raise UserError(f"there is no type {kind!r}. Valid choices: {', '.join(TYPES)}.")
    name = match["name"] or last.keyword
    if not name:
        raise UserError('a private element needs a name: write `NAME = (gggg,"CREATOR",ee)`.')
    return ViewColumn(name, steps, kind)


def column_sql(column: ViewColumn) -> str:
    """The SQL expression that reads the column out of ``elements``."""
    base, path = "elements", "$"
    for step in column.steps[:-1]:
        base, path = _enter(step, base, path)
        path += f".Value[{step.index or 0}]"
    last = column.steps[-1]
    base, path = _enter(last, base, path)
    part = ".Alphabetic" if last.keyword and vr_of(last.keyword) == "PN" else ""
    if column.type == "text" and last.index is None:
        # A value that is empty keeps its place between the backslashes.
        values = f"json_extract_string({base}, '{path}.Value[*]{part}')"
        kept = f"list_transform({values}, lambda value: coalesce(value, ''))"
        return f"nullif(array_to_string({kept}, '\\'), '')"
    value = f"json_extract_string({base}, '{path}.Value[{last.index or 0}]{part}')"
    return typed(value, column.type) if column.type != "text" else f"nullif({value}, '')"


def _enter(step: Step, base: str, path: str) -> tuple[str, str]:
    """The document, as SQL, and the path within it that lead to a step's element."""
    if step.keyword:
        return base, f'{path}."{keyword_to_tag(step.keyword)}"'
    # A private element's block is where its creator stands (PS3.5 7.8.1).
    inner = base if path == "$" else f"json_extract({base}, '{path}')"
    creator = step.creator.replace("'", "''")
    reservation = (
        f"list_filter(json_keys({inner}), lambda tag: starts_with(tag, '{step.group}00') AND "
        f"json_extract_string({inner}, '$.\"' || tag || '\".Value[0]') = '{creator}')[1]"
    )
    tag = f"'$.\"{step.group}' || right({reservation}, 2) || '{step.element}\"'"
    return f"json_extract({inner}, {tag})", "$"


def _steps(path: str, known: tuple[str, ...]) -> list[Step]:
    steps: list[Step] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            return []
        keyword = match["keyword"] or ""
        if keyword:
            _check(keyword, known)
        steps.append(
            Step(
                keyword,
                (match["group"] or "").upper(),
                match["creator"] or "",
                (match["element"] or "").upper(),
                None if match["index"] is None else int(match["index"]),
            )
        )
        place = match.end()
        if place < len(path):
            if path[place] != ".":
                return []
            place += 1
    return steps


def _check(keyword: str, known: tuple[str, ...]) -> None:
    try:
        keyword_to_tag(keyword)
    except UserError:
        raise UserError(
            f"{keyword!r} is not a DICOM keyword of PS3.6.{did_you_mean(keyword, known)}"
        ) from None


def _default_type(step: Step) -> str:
    vr = vr_of(step.keyword) if step.keyword else "LO"
    if vr == "SQ":
        raise UserError(
            f"{step.keyword} is a sequence: name the element within it, {step.keyword}[0].KEYWORD."
        )
    if vr in _NO_VALUE:
        raise UserError(f"{step.keyword} holds binary values, which no column can show.")
    if vr in _NUMBER_VRS:
        return "number"
    if vr in _INTEGER_VRS:
        return "integer"
    return "date" if vr == "DA" else "text"

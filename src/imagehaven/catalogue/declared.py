"""The columns of the hierarchy's tables, declared in ``tables.yaml`` and checked when loaded."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import yaml

from imagehaven.declarations import compose_yaml
from imagehaven.dicom import keyword_to_tag, vr_of
from imagehaven.errors import UserError

#: DuckDB's type for each type that a declaration may name.
TYPES: Final = {"text": "VARCHAR", "date": "DATE", "integer": "BIGINT", "number": "DOUBLE"}

#: The identifiers that link the four levels, in the order of the instance table.
LINKS: Final = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")


@dataclass(frozen=True)
class Column:
    """One promoted element: its DICOM keyword and one of the types in :data:`TYPES`."""

    keyword: str
    type: str

    @property
    def sql_type(self) -> str:
        """The column's DuckDB type."""
        return TYPES[self.type]


@functools.cache
def declared() -> dict[str, tuple[Column, ...]]:
    """The columns of ``patient``, ``study``, ``series`` and ``instance``, in order."""
    place = files("imagehaven.catalogue") / "tables.yaml"
    return read_declaration(place.read_text(encoding="utf-8"), str(place))


@functools.cache
def promoted_keywords() -> tuple[str, ...]:
    """Every keyword that some table promotes, each once; workers extract exactly these."""
    names = [*LINKS, *(column.keyword for table in declared().values() for column in table)]
    return tuple(dict.fromkeys(names))


def read_declaration(text: str, where: str) -> dict[str, tuple[Column, ...]]:
    """Read a declaration; raises UserError naming the file and line at fault."""
    tables: dict[str, tuple[Column, ...]] = {}
    for table, line, body in pairs(compose(text, where), where):
        if table not in ("patient", "study", "series", "instance"):
            raise UserError(
                f"{where}, line {line}: there is no table {table!r}. "
                "Valid choices: patient, study, series, instance."
            )
        tables[table] = tuple(_column(*entry, where) for entry in pairs(body, where))
    return tables


def compose(text: str, where: str) -> Any:
    """The YAML document's node tree, whose nodes know their lines; UserError when it has none."""
    try:
        node = compose_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise UserError(f"{where}{line}: this is not valid YAML.") from error
    if node is None:
        raise UserError(f"{where}: the file is empty.")
    return node


def pairs(node: Any, where: str) -> Iterator[tuple[str, int, Any]]:
    """Key, line and value node of each entry of a mapping node; a repeated key is an error."""
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{where}, line {node.start_mark.line + 1}: `name: value` lines go here.")
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in seen:
            raise UserError(f"{where}, line {line}: {key.value!r} stands here for the second time.")
        seen.add(key.value)
        yield key.value, line, value


def check_keyword(keyword: str, where: str, line: int, known: tuple[str, ...] = ()) -> None:
    """Raise UserError with the closest of the ``known`` keywords unless PS3.6 has ``keyword``."""
    try:
        keyword_to_tag(keyword)
    except UserError:
        raise UserError(
            f"{where}, line {line}: {keyword!r} is not a DICOM keyword of PS3.6."
            f"{did_you_mean(keyword, known)}"
        ) from None


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """The closest choices as the end of a message, or nothing when none is close."""
    close = difflib.get_close_matches(word, known, n=3)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _column(keyword: str, line: int, node: Any, where: str) -> Column:
    check_keyword(keyword, where, line)
    if vr_of(keyword) in ("SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN"):
        raise UserError(f"{where}, line {line}: {keyword} holds no single value to promote.")
    if node.value not in TYPES:
        raise UserError(
            f"{where}, line {line}: there is no type {node.value!r}. "
            f"Valid choices: {', '.join(TYPES)}."
        )
    return Column(keyword, node.value)

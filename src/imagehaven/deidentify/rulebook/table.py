"""The Standard's tables, as data: PS3.15 Table E.1-1, Table E.3.4-1 and Table E.3.10-1.

The tables lie under ``data/`` as CSV with their edition in the first line. They are checked when
they are loaded: a row that breaks the shape raises :class:`~imagehaven.errors.UserError` that names
the file and the line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from imagehaven.errors import UserError

OPTIONS: Final = (
    "retain_safe_private",
    "retain_uids",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_patient_characteristics",
    "retain_longitudinal_full_dates",
    "retain_longitudinal_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
)
"""The ten option columns of Table E.1-1, in the table's order."""

BASIC_ACTIONS: Final = frozenset(
    ["D", "Z", "X", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"]  # the legend of Table E.1-1
)
_DATA = "data"


@dataclass(frozen=True)
class TableRow:
    """One row of Table E.1-1: ``tag`` as written there (``60xx3000``, ``PRIVATE``)."""

    tag: str
    keyword: str
    name: str
    basic: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class ContentRow:
    """One row of Table E.3.4-1: a content item of structured reports, by its concept name."""

    code: str
    scheme: str
    meaning: str
    value_type: str
    basic: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class SafePrivate:
    """One row of Table E.3.10-1: ``element`` is the low byte, its block is the file's choice."""

    creator: str
    group: int
    element: int
    vr: str


@cache
def confidentiality_table() -> tuple[TableRow, ...]:
    """Return Table E.1-1, 657 rows in the edition that the file names."""
    found: list[TableRow] = []
    for where, row in _rows("ps315_e1.csv"):
        tag = row["tag"]
        shaped = tag == "PRIVATE" or (len(tag) == 8 and not set(tag) - set("0123456789ABCDEFx"))
        _require(shaped, where, "the tag must be eight hexadecimal digits, 'x' for any, or PRIVATE")
        options = _actions(row, where)
        found.append(TableRow(tag, row["keyword"], row["name"], row["basic"], options))
    return tuple(found)


@cache
def content_table() -> tuple[ContentRow, ...]:
    """Return Table E.3.4-1, 214 rows in the edition that the file names."""
    return tuple(
        ContentRow(
            row["code"],
            row["scheme"],
            row["meaning"],
            row["value_type"],
            row["basic"],
            _actions(row, where),
        )
        for where, row in _rows("sr_content.csv")
    )


@cache
def safe_private() -> Mapping[tuple[str, int, int], SafePrivate]:
    """Return Table E.3.10-1 by (private creator, group, low byte of the element)."""
    found: dict[tuple[str, int, int], SafePrivate] = {}
    for where, row in _rows("private_safe.csv"):
        try:
            group, element = int(row["group"], 16), int(row["element"], 16)
        except ValueError:
            group = element = -1
        private = group % 2 == 1 and 0 <= element <= 0xFF
        _require(private, where, "the group must be odd and the element one byte, in hexadecimal")
        _require(len(row["vr"]) == 2, where, "the VR must be two letters")
        key = (row["creator"], group, element)
        _require(key not in found, where, "this creator, group and element stand there twice")
        found[key] = SafePrivate(*key, row["vr"])
    return MappingProxyType(found)


def data_text(name: str, folder: str = _DATA) -> str:
    """Return the text of a data file of this room; :class:`UserError` when it is not there."""
    place = files("imagehaven.deidentify") / folder / name
    try:
        return place.read_text(encoding="utf-8")
    except FileNotFoundError:
        there = sorted(entry.name for entry in (files("imagehaven.deidentify") / folder).iterdir())
        raise UserError(f"There is no {folder}/{name}; there are: {', '.join(there)}.") from None


def _rows(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``(file and line, row)`` of a CSV whose first line names its edition."""
    lines = data_text(name).splitlines()
    _require(bool(lines) and lines[0].startswith("# "), f"{name}:1", "the edition must stand here")
    reader = csv.DictReader(lines[1:], strict=True)
    for row in reader:
        where = f"{name}:{reader.line_num + 1}"
        whole = None not in row and None not in row.values()
        _require(
            whole, where, f"the row must have the columns {', '.join(reader.fieldnames or [])}"
        )
        yield where, row


def _actions(row: dict[str, str], where: str) -> Mapping[str, str]:
    """Check the basic action of ``row`` and return the actions of its option columns."""
    valid = ", ".join(sorted(BASIC_ACTIONS))
    _require(row["basic"] in BASIC_ACTIONS, where, f"the basic action must be one of {valid}")
    options = {option: row[option] for option in OPTIONS if row.get(option)}
    _require(set(options.values()) <= {"K", "C"}, where, "an option's action must be K, C or empty")
    return MappingProxyType(options)


def _require(condition: bool, where: str, fault: str) -> None:
    if not condition:
        raise UserError(f"{where}: {fault}.")

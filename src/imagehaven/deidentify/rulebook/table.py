"""The tables of PS3.15, as data: Table E.1-1, Table E.3.4-1 and Table E.3.10-1.

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

PIXEL_OPTIONS: Final = ("clean_pixel_data", "clean_recognizable_visual_features")
"""The options of PS3.15 E.3.1 and E.3.2, which act on pixels and have no column in the table."""

BASIC_ACTIONS: Final = frozenset(
    ["D", "Z", "X", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"]  # the legend of Table E.1-1
)
_DATA = "data"
_NUMBER_VRS: Final = ("DS", "IS", "FD", "FL", "US", "SS", "UL", "SL")


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
    """One private element that may be kept: ``element`` is the low byte, its block is the file's.

    ``most`` is the largest number of values, None for any; ``where`` the line that lists it.
    """

    creator: str
    group: int
    element: int
    vr: str
    most: int | None = None
    meaning: str = ""
    source: str = ""
    where: str = ""


@cache
def confidentiality_table() -> tuple[TableRow, ...]:
    """Return Table E.1-1, 657 rows in the edition that the file names."""
    found: list[TableRow] = []
    for where, row in rows("ps315_e1.csv"):
        tag = row["tag"]
        shaped = tag == "PRIVATE" or (len(tag) == 8 and not set(tag) - set("0123456789ABCDEFx"))
        require(shaped, where, "the tag must be eight hexadecimal digits, 'x' for any, or PRIVATE")
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
        for where, row in rows("sr_content.csv")
    )


@cache
def safe_private() -> Mapping[tuple[str, int, int], SafePrivate]:
    """Return the known-safe private elements by (creator, group, low byte of the element).

    They are Table E.3.10-1, and numbers of makers' dictionaries that somebody has reviewed.
    """
    found: dict[tuple[str, int, int], SafePrivate] = {}
    for where, row in rows("private_safe.csv"):
        try:
            group, element = int(row["group"], 16), int(row["element"], 16)
        except ValueError:
            group = element = -1
        private = group % 2 == 1 and 0 <= element <= 0xFF
        require(private, where, "the group must be odd and the element one byte, in hexadecimal")
        require(len(row["vr"]) == 2, where, "the VR must be two letters")
        standard = row["source"].startswith("PS3.15")
        number = standard or row["vr"] in _NUMBER_VRS
        require(number, where, f"outside PS3.15 the VR must be one of {', '.join(_NUMBER_VRS)}")
        require(row["reviewed"] == "yes", where, "somebody must have reviewed it: yes")
        most = row["vm"].rpartition("-")[2]
        shaped = most.isdecimal() or (most == "n" and row["vm"] != "n")
        require(shaped, where, "the VM must be a number or a range, as 3, 1-2 or 1-n")
        key = (row["creator"], group, element)
        require(key not in found, where, "this creator, group and element stand there twice")
        found[key] = SafePrivate(
            *key,
            vr=row["vr"],
            most=int(most) if most.isdecimal() else None,
            meaning=row["meaning"],
            source=row["source"],
            where=where,
        )
    return MappingProxyType(found)


@cache
def dummy_values() -> Mapping[str, str]:
    """Return, by keyword, the dummies of elements whose values the Standard enumerates."""
    found: dict[str, str] = {}
    for where, row in rows("iod_dummies.csv"):
        require(row["keyword"] not in found, where, "this keyword stands there twice")
        found[row["keyword"]] = row["value"]
    return MappingProxyType(found)


@cache
def enumerated_values() -> Mapping[str, frozenset[str]]:
    """Return, by keyword, the values that the Standard enumerates, where they are few."""
    found: dict[str, frozenset[str]] = {}
    for where, row in rows("iod_enumerated.csv"):
        values = row["values"].split("|" if "|" in row["values"] else None)
        require(len(values) > 1, where, "at least two values must stand there")
        require(row["keyword"] not in found, where, "this keyword stands there twice")
        found[row["keyword"]] = frozenset(values)
    return MappingProxyType(found)


def data_text(name: str, folder: str = _DATA) -> str:
    """Return the text of a data file of this room; :class:`UserError` when it is not there."""
    place = files("imagehaven.deidentify") / folder / name
    try:
        return place.read_text(encoding="utf-8")
    except FileNotFoundError:
        entries = (files("imagehaven.deidentify") / folder).iterdir()
        there = sorted(entry.name for entry in entries if not entry.name.startswith("_"))
        there = [name for name in there if not name.endswith(".py")]
        raise UserError(f"There is no {folder}/{name}; there are: {', '.join(there)}.") from None


def folder_bytes(folder: str) -> list[bytes]:
    """Return every data file in a folder of this room and below it, in the order of their names."""
    found: list[bytes] = []
    for entry in sorted((files("imagehaven.deidentify") / folder).iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            found += [] if entry.name == "__pycache__" else folder_bytes(f"{folder}/{entry.name}")
        elif not entry.name.endswith(".py"):
            found.append(entry.read_bytes())
    return found


def rows(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ``(file and line, row)`` of a CSV under ``data/`` whose first line names its source."""
    lines = data_text(name).splitlines()
    require(bool(lines) and lines[0].startswith("# "), f"{name}:1", "the edition must stand here")
    reader = csv.DictReader(lines[1:], strict=True)
    for row in reader:
        where = f"{name}:{reader.line_num + 1}"
        whole = None not in row and None not in row.values()
        require(whole, where, f"the row must have the columns {', '.join(reader.fieldnames or [])}")
        yield where, row


def _actions(row: dict[str, str], where: str) -> Mapping[str, str]:
    """Check the basic action of ``row`` and return the actions of its option columns."""
    valid = ", ".join(sorted(BASIC_ACTIONS))
    require(row["basic"] in BASIC_ACTIONS, where, f"the basic action must be one of {valid}")
    options = {option: row[option] for option in OPTIONS if row.get(option)}
    require(set(options.values()) <= {"K", "C"}, where, "an option's action must be K, C or empty")
    return MappingProxyType(options)


def require(condition: bool, where: str, fault: str) -> None:
    """Raise :class:`UserError` with the file and line, unless ``condition`` holds."""
    if not condition:
        raise UserError(f"{where}: {fault}.")

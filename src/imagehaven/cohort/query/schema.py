"""What a lake offers to a cohort: its tables, their columns, and what type each has.

A column of a definition is found in one of three places, in this order:

- **stored**: a column of the level's table or of the linked table;
- **derived**: ``studies.PatientAgeYears``, whole years from birth to study, or else what the
  scanner wrote as PatientAge (PS3.3 C.7.2.2);
- **element**: at instance level any DICOM keyword, read out of the instance's stored elements.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from imagehaven.cohort.query.nodes import LEVELS, PLURALS, domain_name
from imagehaven.errors import UserError

if TYPE_CHECKING:
    import duckdb

AGE = "PatientAgeYears"


class Type(Enum):
    """What can be done with a column."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "date and time"
    BOOLEAN = "yes/no"
    OPAQUE = "not comparable"


@dataclass(frozen=True)
class Found:
    """Where a column of a definition is found, and its type.

    ``many`` marks text kept as a list; its values are joined with backslashes, as DICOM writes
    them. ``tag`` and ``vr`` are set for elements.
    """

    type: Type
    source: Literal["stored", "derived", "element"] = "stored"
    many: bool = False
    tag: str = ""
    vr: str = ""


@dataclass(frozen=True)
class Schema:
    """Tables, their columns and DuckDB types; linked tables are named ``linked.<name>``.

    ``catalog`` qualifies table names in SQL; ``snapshot`` reads every table of a DuckLake as it
    was at that version.
    """

    tables: Mapping[str, Mapping[str, str]]
    catalog: str | None = None
    snapshot: int | None = None

    def relation(self, table: str) -> str:
        """The table as it stands in a FROM clause, quoted."""
        parts = table.split(".", 1) if table.startswith("linked.") else [table]
        if self.catalog is not None:
            parts = [self.catalog, *(parts if len(parts) == 2 else ["main", *parts])]
        name = ".".join(quoted(part) for part in parts)
        return name if self.snapshot is None else f"{name} AT (VERSION => {int(self.snapshot)})"

    def find(self, table: str, name: str) -> Found:
        """Find a column; raises UserError that names close matches and what to do."""
        columns = self.tables.get(table)
        if columns is None:
            raise UserError(self._no_table(table))
        if name in columns:
            return stored(columns[name])
        if table == "study" and name == AGE and self.can_derive_age:
            return Found(Type.NUMBER, "derived")
        element = element_of(name) if table == "instance" and "elements" in columns else None
        if element is not None:
            tag, vr = element
            return Found(VR_TYPES.get(vr, Type.OPAQUE), "element", tag=tag, vr=vr)
        raise UserError(self._no_column(table, name))

    @property
    def can_derive_age(self) -> bool:
        """Whether the lake has what an age at study is derived from."""
        return self.has("study", "PatientAge") or self.has_birth_dates

    @property
    def has_birth_dates(self) -> bool:
        """Whether birth and study dates are there, as dates."""
        return (
            stored(self.tables.get("patient", {}).get("PatientBirthDate", "")).type is Type.DATE
            and stored(self.tables.get("study", {}).get("StudyDate", "")).type is Type.DATE
        )

    def has(self, table: str, column: str) -> bool:
        """Whether a table has a column."""
        return column in self.tables.get(table, {})

    def _no_table(self, table: str) -> str:
        if table in LEVELS:
            return f"this lake has no {table} table; ingest images first: imagehaven ingest PATH"
        known = sorted(t.removeprefix("linked.") for t in self.tables if t.startswith("linked."))
        name = table.removeprefix("linked.")
        return (
            f"there is no linked table {name!r}{_close(name, known)}; linked tables here: "
            f"{', '.join(known) or 'none'}; add one with: imagehaven load {name} FILE"
        )

    def _no_column(self, table: str, name: str) -> str:
        columns = self.tables[table]
        known = [*columns, *([AGE] if table == "study" else [])]
        text = f"{domain_name(table)} has no column {name!r}{_close(name, known)}"
        if table not in LEVELS:
            return f"{text}; it has {', '.join(columns)}"
        for level in LEVELS:
            if level != table and (
                self.has(level, name) or (level == "study" and name == AGE and self.can_derive_age)
            ):
                return f"{text}; it is a column of {PLURALS[level]}: {PLURALS[level]}.{name}"
        if element_of(name) is not None and table != "instance":
            return (
                f"{text}; the keyword is not promoted to {PLURALS[table]}: write "
                f"{PLURALS[table]}.having(instances.where(instances.{name} ...)), or promote it "
                "(one line in the catalogue's YAML)"
            )
        return text


def read_schema(
    connection: duckdb.DuckDBPyConnection,
    *,
    catalog: str | None = None,
    snapshot: int | None = None,
) -> Schema:
    """Read the schema of an open lake: the four levels and every table in schema ``linked``.

    Without ``catalog`` the connection's current database is read and names stay unqualified.
    """
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = coalesce(?, current_database()) AND schema_name IN "
        "('main', 'linked') ORDER BY schema_name, table_name, column_index",
        [catalog],
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in rows:
        if schema == "linked" or table in LEVELS:
            key = f"linked.{table}" if schema == "linked" else table
            tables.setdefault(key, {})[column] = kind
    return Schema(tables, catalog, snapshot)


def stored(kind: str) -> Found:
    """The type of a stored column from its DuckDB type."""
    base = kind.upper().split("(")[0]
    if base.endswith("[]"):
        text = base == "VARCHAR[]"
        return Found(Type.TEXT if text else Type.OPAQUE, many=text)
    return Found(_STORED.get(base, Type.OPAQUE))


def element_of(keyword: str) -> tuple[str, str] | None:
    """Tag (eight hexadecimal digits) and VR of a DICOM keyword; None when there is none."""
    # Imported late: the sandbox has no need of the data dictionary.
    from imagehaven.dicom.keywords import keyword_to_tag, vr_of

    try:
        return keyword_to_tag(keyword), vr_of(keyword)
    except UserError:
        return None


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def as_date(value: object) -> dt.date | None:
    """A literal that stands for a date: a date, or text as YYYY-MM-DD; else None."""
    if isinstance(value, dt.datetime):
        return None
    if isinstance(value, dt.date):
        return value
    moment = as_moment(value)
    return moment.date() if moment and isinstance(value, str) and len(value) == 10 else None


def as_moment(value: object) -> dt.datetime | None:
    """A literal that stands for a point in time: a date counts as its midnight; else None."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is None else None
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if isinstance(value, str) and value[4:5] == "-" and value[7:8] == "-":
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment if moment.tzinfo is None else None
    return None


def _close(name: str, known: list[str]) -> str:
    folded = {item.casefold(): item for item in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3)
    return f"; did you mean {' or '.join(folded[item] for item in near)}?" if near else ""


_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_MOMENTS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
_STORED = {
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING"), Type.TEXT),
    **dict.fromkeys(_NUMBERS + _UNSIGNED, Type.NUMBER),
    **dict.fromkeys(_MOMENTS, Type.TIMESTAMP),
    "DATE": Type.DATE,
    "BOOLEAN": Type.BOOLEAN,
}

#: Value representations (PS3.5 6.2) by what a cohort can do with them; the rest is opaque.
VR_TYPES = {
    **dict.fromkeys(("AE", "AS", "CS", "DT", "LO", "LT", "PN", "SH", "ST", "TM"), Type.TEXT),
    **dict.fromkeys(("UC", "UI", "UR", "UT"), Type.TEXT),
    **dict.fromkeys(("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"), Type.NUMBER),
    "DA": Type.DATE,
}

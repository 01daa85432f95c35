"""Linked tables: health data from CSV or Parquet files, for cohorts to join.

A file becomes the table ``linked.<dataset>``. Types are inferred from every value, never from a
sample, and a column is a number only if nothing is lost by it: identifiers keep leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from imagehaven.actions import action
from imagehaven.catalogue import prepare
from imagehaven.errors import UserError
from imagehaven.haven import Haven

SCHEMA = "linked"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: The columns by which a row may belong to a patient, study or series.
KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "AccessionNumber")
#: What a text column may be, tried in order; each must hold for every value that is there.
_TYPES = (
    ("BIGINT", r"^-?(0|[1-9][0-9]{0,17})$"),
    ("DOUBLE", r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"),
    ("DATE", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("TIMESTAMP", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"),
    ("BOOLEAN", r"^(?i:true|false)$"),
)


@dataclass(frozen=True)
class LoadReport:
    """What ``load`` did. ``keys`` tells, for each key column, how many rows the catalogue knows."""

    dataset: str
    rows: int
    columns: dict[str, str]
    keys: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@action("load", permission="data-manager", event="load")
def load(
    haven: Haven,
    dataset: str,
    files: Sequence[Path],
    *,
    patient: str | None = None,
    check: bool = False,
) -> LoadReport:
    """Load CSV or Parquet files as the linked table ``dataset``, in place of what it held.

    The files have the same columns, among them one of PatientID, StudyInstanceUID,
    SeriesInstanceUID, SOPInstanceUID or AccessionNumber; ``patient`` names the column that holds
    the PatientID where it is called otherwise (``chi``, say), and the table then calls it
    PatientID. One lake commit; earlier content stays readable at earlier snapshots. Raises
    UserError naming the file and what is wrong with it.
    """
    if not _NAME.fullmatch(dataset):
        raise UserError(
            f"A dataset cannot be called {dataset!r}. Valid names have 1 to 63 lower-case letters, "
            "digits and underscores, and begin with a letter."
        )
    prepare(haven)
    with haven.lake.connect() as connection:
        connection.execute("BEGIN")
        _stage(connection, [Path(file) for file in files])
        columns = _infer(connection, patient, files[0])
        casts = ", ".join(f"CAST({_id(name)} AS {kind}) AS {_id(name)}" for name, kind in columns)
        try:
            connection.execute(f"CREATE TEMP TABLE live AS SELECT {casts} FROM staged")  # noqa: S608
        except duckdb.ConversionException as error:
            raise UserError(
                f"{files[0]} has a date that is not in the calendar. Mend it: dates are written "
                "YYYY-MM-DD."
            ) from error
        report = _report(connection, dataset, columns)
        if not check:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            target = f"{SCHEMA}.{_id(dataset)}"
            connection.execute(f"DROP TABLE IF EXISTS {target}")
            connection.execute(f"CREATE TABLE {target} AS FROM live")
            connection.execute("COMMIT")
    return report


def _stage(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    # Everything as text first: a guessed type could not be undone.
    if not files:
        raise UserError("No file was given. Give one or more CSV or Parquet files.")
    kinds = {file.suffix.lower() for file in files}
    if not kinds <= {".csv", ".tsv", ".txt", ".parquet"} or (
        ".parquet" in kinds and len(kinds) > 1
    ):
        raise UserError(
            f"Files of kind {', '.join(sorted(kinds))} cannot be loaded together. "
            "Valid choices: .csv, .tsv and .txt files, or .parquet files."
        )
    names = [str(file) for file in files]
    for file in files:
        if not file.is_file():
            raise UserError(f"The file {file} does not exist.")
    try:
        if kinds == {".parquet"}:
            connection.execute("CREATE TEMP TABLE staged AS FROM read_parquet(?)", [names])
        else:
            connection.execute(
                "CREATE TEMP TABLE staged AS FROM read_csv(?, delim = ?, quote = '\"', "
                "escape = '\"', all_varchar = true, header = true, skip = 0, sample_size = -1)",
                [names, _delimiter(files[0])],
            )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.BinderException) as error:
        # DuckDB quotes the offending line: the first sentence says what, the rest could identify.
        what = str(error).splitlines()[0].split('"')[0].strip()
        raise UserError(
            f"{', '.join(names)} cannot be read as a table ({what}). See that every line has the "
            "same columns, a heading, and UTF-8 text."
        ) from error


def _delimiter(file: Path) -> str:
    """What separates the columns, by the heading: guessed from all lines, bad ones would count."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        heading = lines.readline()
    return max(",", ";", "\t", "|", key=heading.count)


def _infer(
    connection: duckdb.DuckDBPyConnection, patient: str | None, file: Path
) -> list[tuple[str, str]]:
    found = connection.execute("SELECT column_name, column_type FROM (DESCRIBE staged)").fetchall()
    names = [name for name, _ in found]
    wanted = {key.lower(): key for key in KEYS}
    if patient is not None:
        if patient.lower() not in {name.lower() for name in names}:
            raise UserError(
                f"{file}: none of its {len(names)} columns is called {patient!r}; see line 1."
            )
        wanted[patient.lower()] = "PatientID"
    for name in names:
        key = wanted.get(name.lower())
        if key is not None and key != name:
            connection.execute(f"ALTER TABLE staged RENAME COLUMN {_id(name)} TO {_id(key)}")
    columns = [(wanted.get(name.lower(), name), kind) for name, kind in found]
    if not {name for name, _ in columns} & set(KEYS):
        # The names are not shown: a file without a heading has a person in its first line.
        raise UserError(
            f"{file}: none of its {len(names)} columns links a row to an image. Call one of them "
            f"{', '.join(KEYS)}, or name the one that holds the PatientID with --patient."
        )
    return [(name, _type(connection, name, kind)) for name, kind in columns]


def _type(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> str:
    if kind != "VARCHAR":
        return "VARCHAR" if name in KEYS else kind
    present = f"FILTER (WHERE coalesce(trim({_id(name)}), '') <> '')"
    connection.execute(f"UPDATE staged SET {_id(name)} = nullif(trim({_id(name)}), '')")  # noqa: S608
    if name in KEYS:
        return kind
    for candidate, pattern in _TYPES:
        fits = connection.execute(
            f"SELECT bool_and(regexp_matches({_id(name)}, ?)) {present} FROM staged",  # noqa: S608
            [pattern],
        ).fetchone()
        if fits and fits[0]:
            return candidate
    return "VARCHAR"


def _report(
    connection: duckdb.DuckDBPyConnection, dataset: str, columns: list[tuple[str, str]]
) -> LoadReport:
    keys = {}
    for name, _ in columns:
        if name in KEYS:
            level = {
                "PatientID": "patient",
                "SOPInstanceUID": "instance",
                "SeriesInstanceUID": "series",
            }
            table = level.get(name, "study")
            row = connection.execute(
                f"SELECT count(*) FROM live WHERE {name} IN (SELECT {name} FROM lake.{table})"  # noqa: S608
            ).fetchone()
            keys[name] = int(row[0]) if row else 0
    rows = connection.execute("SELECT count(*) FROM live").fetchone()
    return LoadReport(dataset, int(rows[0]) if rows else 0, dict(columns), keys)


def _id(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

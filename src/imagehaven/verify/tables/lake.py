"""Scan a table or view of a haven's lake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.verify.findings import Finding
from imagehaven.verify.scan import Scanner
from imagehaven.verify.tables.cells import scan_record_batches

_ROWS: Final = 8192
_TABLES: Final = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_catalog = 'lake' ORDER BY ALL
"""


def scan_lake(haven: Haven, table: str, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of a table or view (``study``, or ``SCHEMA.TABLE``), read in one snapshot.

    The lake is open for reading until the last row: in an embedded haven writers wait.

    Raises:
        UserError: there is no such table or view; the message lists them.
    """
    with haven.lake.connect(read_only=True) as connection:
        tables = connection.execute(_TABLES).fetchall()
        chosen = [row for row in tables if table in (row[1], f"{row[0]}.{row[1]}")]
        if not chosen:
            names = ", ".join(row[1] for row in tables) or "none yet"
            raise UserError(
                f"The lake has no table or view {table!r}. Choose from: {names}. "
                "`imagehaven ingest` and `imagehaven curate` make them."
            )
        place = ".".join(_quoted(part) for part in ("lake", *chosen[0]))
        found = connection.execute(f"SELECT * FROM {place}")  # noqa: S608 - names out of the catalog
        json_columns = frozenset(
            str(column[0]) for column in found.description or () if str(column[1]) == "JSON"
        )
        reader: Any = found.to_arrow_reader(_ROWS)
        yield from scan_record_batches(reader.schema, reader, scanner, json_columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

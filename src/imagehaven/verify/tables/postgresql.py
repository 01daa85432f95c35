"""Scan a table or view of a PostgreSQL database, through a server-side cursor."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg.adapt import Loader
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from imagehaven.errors import TransientError, UserError
from imagehaven.verify.findings import Finding
from imagehaven.verify.scan import Scanner
from imagehaven.verify.tables.cells import Column, Nested, column_of, scan_batches

_ROWS: Final = 5000
#: Days before Christ, endless ones and odd intervals have no Python value; their text always has.
_AS_TEXT: Final = ("date", "timestamp", "timestamptz", "time", "timetz", "interval", "numeric")
_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
    ORDER BY 1, 2
"""


def is_postgresql(source: str) -> bool:
    """Tell whether ``source`` is the URL of a PostgreSQL database."""
    return source.startswith(("postgresql://", "postgres://"))


def scan_postgresql(url: str, table: str | None, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of ``SCHEMA.TABLE`` (or a table of the search path), in one snapshot.

    Rows come in batches, so memory does not grow with the table; the transaction reads only.

    Raises:
        UserError: the URL is none, or there is no such table; the message lists the tables.
        TransientError: the server does not answer.
    """
    try:
        with psycopg.connect(url, connect_timeout=30) as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            _read_as_text(connection)
            schema, name = _table(connection, table)
            with connection.cursor(name="imagehaven_identifiable") as cursor:
                cursor.itersize = _ROWS
                cursor.execute(SQL("SELECT * FROM {}").format(Identifier(schema, name)))
                names = [column.name for column in cursor.description or ()]
                yield from scan_batches(names, _batches(cursor), scanner)
    except psycopg.OperationalError as error:
        raise TransientError(
            f"The database {place(url)} did not answer ({type(error).__name__}). See that it runs "
            "and that the user may read the table, then repeat the command."
        ) from error
    except psycopg.ProgrammingError as error:
        raise UserError(
            f"The table cannot be read in {place(url)} ({type(error).__name__}). Check the URL and "
            "that its user may read the table."
        ) from error


def place(url: str) -> str:
    """Return the URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError as error:
        raise UserError(
            "This is no PostgreSQL URL; give postgresql://USER@HOST:PORT/DATABASE"
        ) from error


def _table(connection: psycopg.Connection[Any], table: str | None) -> tuple[str, str]:
    tables = connection.execute(_TABLES).fetchall()
    path = connection.execute("SELECT current_schemas(false)").fetchone()
    schemas = list(path[0]) if path else []
    for schema, name in sorted(
        tables, key=lambda row: schemas.index(row[0]) if row[0] in schemas else len(schemas)
    ):
        if table == f"{schema}.{name}" or (table == name and schema in schemas):
            return schema, name
    names = ", ".join(f"{schema}.{name}" for schema, name in tables) or "none"
    wanted = f"There is no table {table!r}" if table else "Name a table with --table"
    raise UserError(f"{wanted}. The database has: {names}.")


def _batches(cursor: psycopg.ServerCursor[Any]) -> Iterator[list[Column]]:
    row = 1
    while rows := cursor.fetchmany(_ROWS):
        yield [column_of(values, row) for values in zip(*rows, strict=True)]
        row += len(rows)


def _read_as_text(connection: psycopg.Connection[Any]) -> None:
    for name in _AS_TEXT:
        connection.adapters.register_loader(name, _Number if name == "numeric" else _Text)
    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, _Json)


class _Text(Loader):
    def load(self, data: Any) -> str:
        return bytes(data).decode("utf-8", "replace")


class _Json(Loader):
    def load(self, data: Any) -> Nested:
        return Nested(bytes(data).decode("utf-8", "replace"))


class _Number(Loader):
    def load(self, data: Any) -> Decimal | str:
        text = bytes(data).decode("ascii")
        number = Decimal(text)
        return number if number.is_finite() else text

"""The lake: DuckLake tables in Parquet, with snapshots that a query can go back to.

The catalog is a DuckDB file (embedded; one process at a time, so connections are short) or a
PostgreSQL database (many writers at once). The Parquet files lie in a folder or under an s3:// URL.
DuckDB's extensions come out of PyPI wheels, so nothing is downloaded.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import make_url

from imagehaven.errors import TransientError, UserError
from imagehaven.haven.settings import Settings

#: A row of the catalogue has kilobytes of JSON: in DuckDB's usual groups of 122,880 rows one group
#: would take the memory of a whole machine to write.
_FILES = {"parquet_row_group_size": "8192", "target_file_size": "64MB"}

#: For each lake one database that nobody uses now: loading the extensions anew takes longer than
#: most commits. A block inside another, or in another thread, gets a database of its own.
_idle: dict[Lake, duckdb.DuckDBPyConnection] = {}


@dataclass(frozen=True)
class Lake:
    """The analytical store. ``catalog`` is DuckLake's ATTACH target, ``data`` the Parquet place."""

    catalog: str
    data: str
    temporary: str
    settings: Settings

    @contextmanager
    def connect(
        self, *, read_only: bool = False, snapshot: int | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the lake attached as ``lake`` and in use, closed at the block's end.

        Keep the block short: in an embedded haven it holds the lock on the catalog file. With
        ``snapshot`` every table reads as it was then. Raises TransientError when the store is out
        of reach.
        """
        database = _idle.pop(self, None) or self._database()
        try:
            connection = self._attached(database, read_only or snapshot is not None, snapshot)
            try:
                yield connection
            except duckdb.IOException as error:
                raise _unreachable(self.data, error) from error
            finally:
                # A transaction left open would hold the catalog beyond the DETACH.
                _roll_back(connection)
                connection.close()
        except BaseException:
            # Whatever went wrong, nothing of it may reach the next block.
            database.close()
            raise
        try:
            database.execute("DETACH lake")
        except duckdb.Error:
            database.close()  # what the block did is done; only this database is of no more use
        else:
            _idle[self] = database

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One lake commit: everything in the block, or nothing of it."""
        with self.connect() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def sql(
        self, query: str, parameters: Sequence[Any] | None = None, *, snapshot: int | None = None
    ) -> pa.Table:
        """Answer one query as an Arrow table; it can read the lake and nothing else.

        Raises UserError with DuckDB's explanation when the query does not make sense.
        """
        # A database of its own: its confinement cannot be lifted again.
        with (
            closing(self._database()) as database,
            self._attached(database, read_only=True, snapshot=snapshot) as connection,
        ):
            self._confine(connection)
            try:
                if len(connection.extract_statements(query)) != 1:
                    raise UserError("Give one SQL statement: the text holds none, or several.")
                return connection.execute(query, list(parameters or ())).to_arrow_table()
            except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
                # DuckDB's own message quotes the value.
                raise UserError(
                    "The query cannot be answered: a value does not fit the type it is cast to. "
                    "TRY_CAST(… AS …) gives NULL for such values."
                ) from error
            except duckdb.IOException as error:
                raise _unreachable(self.data, error) from error
            except (
                duckdb.ParserException,
                duckdb.BinderException,
                duckdb.CatalogException,
                duckdb.PermissionException,
                duckdb.InvalidInputException,
                duckdb.NotImplementedException,
            ) as error:
                raise UserError(f"The query cannot be answered: {error}") from error

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A connection that can read the lake's files by their paths, and holds nothing of it.

        It works in one thread, which is quickest for a few rows. The caller closes it. Raises
        TransientError where it cannot be made.
        """
        database = self._database()
        database.execute("SET threads = 1")
        return database

    def snapshot(self) -> int:
        """The number of the newest snapshot."""
        with self.connect(read_only=True) as connection:
            return current_snapshot(connection)

    def make(self) -> None:
        """Make the lake's own tables unless they are there, and say how its files are written."""
        with self.connect() as connection:
            for option, value in _FILES.items():
                connection.execute(f"CALL ducklake_set_option('lake', '{option}', '{value}')")

    def close(self) -> None:
        """Let go of the idle database; the next block reads settings and secrets anew."""
        database = _idle.pop(self, None)
        if database is not None:
            database.close()

    def _confine(self, connection: duckdb.DuckDBPyConnection) -> None:
        # A query may come from a person who may read the catalogue and not the machine.
        connection.execute(f"SET allowed_directories = [{_quote(self.data)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def _attached(
        self, database: duckdb.DuckDBPyConnection, read_only: bool, snapshot: int | None
    ) -> duckdb.DuckDBPyConnection:
        # The settings decide where the data is: a haven that was moved, or that is reached by
        # another path, opens all the same. Paths in the catalog are relative to it.
        options = [f"DATA_PATH {_quote(self.data)}", "OVERRIDE_DATA_PATH true"]
        if read_only:
            options.append("READ_ONLY")
        if snapshot is not None:
            options.append(f"SNAPSHOT_VERSION {int(snapshot)}")
        attach = f"ATTACH {_quote('ducklake:' + self.catalog)} AS lake ({', '.join(options)})"
        deadline = time.monotonic() + self.settings.lock_wait
        while True:
            try:
                database.execute(attach)
            except duckdb.Error as error:
                if "lock" in str(error).lower() and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise _unreachable(self.data, error) from error
            # Temporary tables and registered views are the connection's own and end with it.
            connection = database.cursor()
            connection.execute("USE lake")
            return connection

    def _database(self) -> duckdb.DuckDBPyConnection:
        """A database in memory with the extensions loaded, and nothing attached yet."""
        database = duckdb.connect()
        try:
            self._prepare(database)
        except duckdb.Error as error:
            database.close()
            raise _unreachable(self.data, error) from error
        return database

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute(f"SET memory_limit = {_quote(self.settings.memory)}")
        connection.execute(f"SET temp_directory = {_quote(self.temporary)}")
        connection.execute("SET TimeZone = 'UTC'")
        # Freed memory goes back to the system, which other processes of the machine share.
        connection.execute("SET allocator_background_threads = true")
        connection.execute("SET allocator_flush_threshold = '16MB'")
        connection.execute(f"LOAD {_quote(extension('ducklake'))}")
        if self.catalog.startswith("postgres:"):
            connection.execute(f"LOAD {_quote(extension('postgres_scanner'))}")
        if self.data.startswith("s3://"):
            connection.execute(f"LOAD {_quote(extension('httpfs'))}")
            connection.execute(_s3_secret(self.settings))
        else:
            # The system's own cache holds local files already.
            connection.execute("SET enable_external_file_cache = false")


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """The newest snapshot's number, inside an open connection."""
    row = connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    return int(row[0]) if row else 0


def open_lake(folder: Path, settings: Settings) -> Lake:
    """The lake that the settings describe; nothing is opened yet."""
    data = settings.objects or str(folder / "lake")
    if not data.endswith("/"):
        data += "/"
    if settings.database:
        catalog = "postgres:" + _libpq(settings.secret(settings.database))
    else:
        catalog = str(folder / "catalog.ducklake")
    return Lake(catalog, data, str(folder / "temporary"), settings)


@functools.cache
def extension(name: str) -> str:
    """The file of a DuckDB extension inside its wheel; raises UserError when it is not there."""
    version = f"v{duckdb.__version__}"
    place = files(f"duckdb_extension_{name}")
    path = Path(str(place)) / "extensions" / version / f"{name}.duckdb_extension"
    if not path.is_file():
        raise UserError(
            f"DuckDB {version} has no {name} extension at {path}. Install the pinned versions: "
            "`pip install imagehaven` in a fresh environment mends it."
        )
    return str(path)


def _libpq(url: str) -> str:
    found = make_url(url)
    parts = {
        "host": found.host,
        "port": found.port,
        "user": found.username,
        "password": found.password,
        "dbname": found.database,
        **{key: value for key, value in found.query.items() if isinstance(value, str)},
    }
    quoted = (
        (key, str(value).replace("\\", "\\\\").replace("'", "\\'"))
        for key, value in parts.items()
        if value is not None
    )
    return " ".join(f"{key}='{value}'" for key, value in quoted)


def _s3_secret(settings: Settings) -> str:
    parts = [
        "TYPE s3",
        f"KEY_ID {_quote(settings.secret(settings.s3_key_id))}",
        f"SECRET {_quote(settings.secret(settings.s3_secret))}",
        f"REGION {_quote(settings.s3_region)}",
        f"USE_SSL {'true' if settings.s3_tls else 'false'}",
    ]
    if settings.s3_endpoint:
        parts += [f"ENDPOINT {_quote(settings.s3_endpoint)}", "URL_STYLE 'path'"]
    return f"CREATE SECRET haven_s3 ({', '.join(parts)})"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    # There may be no transaction, or none any more after a lost store; the first error matters.
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        return


def _unreachable(place: str, error: duckdb.Error) -> TransientError:
    return TransientError(
        f"The lake ({place}) did not answer: {type(error).__name__}. Nothing was lost. See that no "
        "other program holds it, that its database and object store run and that the disk has "
        "room; then repeat the command. `imagehaven doctor` tests each."
    )

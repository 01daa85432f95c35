"""Opens the ledger on SQLite or PostgreSQL and keeps its schema current."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

from imagehaven.errors import TerminalError, TransientError, UserError
from imagehaven.ledger.audit import AuditTrail
from imagehaven.ledger.runs import Runs


class Ledger:
    """The transactional store of a haven.

    ``url`` is a SQLAlchemy URL; ``audit_key`` seals the audit chain; ``actor`` is who acts now.
    Nothing is opened before it is used, and a ledger may be pickled to another process.
    """

    def __init__(self, url: str, *, audit_key: bytes, actor: str) -> None:
        self.url = url
        self.actor = actor
        self._audit_key = audit_key
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open connection behind: the other process opens its own."""
        return {**self.__dict__, "_engine": None}

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, made at first use."""
        if self._engine is None:
            self._engine = _make_engine(self.url)
        return self._engine

    @property
    def audit(self) -> AuditTrail:
        """The append-only trail of who did what."""
        return AuditTrail(self.begin, key=self._audit_key, actor=self.actor)

    @property
    def runs(self) -> Runs:
        """The states of runs and of their chunks."""
        return Runs(self.begin)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back by an error.

        Raises TransientError where the store cannot be reached, TerminalError where it is damaged.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise TransientError(
                f"The ledger ({self.place}) did not answer: {_cause(error)}. Nothing was lost. See "
                "that the database runs, may be written to and has room on its disk, then repeat "
                "the command."
            ) from error
        except DatabaseError as error:
            if type(error) is not DatabaseError:
                raise
            raise TerminalError(
                f"The ledger ({self.place}) is damaged: {_cause(error)}. Restore it from its "
                "backup before anything else is done in this haven."
            ) from error

    @property
    def place(self) -> str:
        """Where the ledger lives, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def migrate(self) -> None:
        """Bring the schema to this version of imagehaven. Safe to repeat.

        One transaction holds the whole step, so that a kill leaves the old schema or the new one.
        """
        config = _alembic()
        with self.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def schema_problem(self) -> str | None:
        """What is wrong with the schema, in words with the remedy; None when it is current."""
        wanted = ScriptDirectory.from_config(_alembic()).get_current_head()
        with self.begin() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found == wanted:
            return None
        return f"schema {found or 'missing'}, wanted {wanted}: run `imagehaven init` on the haven"

    def close(self) -> None:
        """Let go of every connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _cause(error: DatabaseError) -> str:
    """The driver's own words, first line only; it names files and servers, never a row."""
    return str(error.orig).strip().partition("\n")[0] or type(error.orig).__name__


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("imagehaven.ledger") / "migrations"))
    return config


def _make_engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        # No pool: a connection never outlives its block, so a fork or a thread can't inherit one.
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    if not url.startswith("postgresql"):
        raise UserError(
            f"The ledger cannot live in a {url.split(':', 1)[0]!r} database. "
            "Valid choices: the embedded default (no --database), or postgresql://user@host/name."
        )
    dialect, _, rest = url.partition("://")
    driver = dialect if "+" in dialect else "postgresql+psycopg"
    return create_engine(f"{driver}://{rest}", pool_pre_ping=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling starts late; we say BEGIN ourselves (_begin_immediate).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # Takes the write lock at once: two writers then queue, and neither fails halfway.
    connection.exec_driver_sql("BEGIN IMMEDIATE")

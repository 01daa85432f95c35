"""One writer at a time, across processes and machines: for a commit, and for a whole run.

The lake has no unique constraint: two processes that look the same new UID up at once would both
add it. On PostgreSQL an advisory lock makes them queue; embedded, the lake's own file lock does.
Either kind of lock ends with the process that holds it, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven

#: Names imagehaven's locks among all advisory locks of a PostgreSQL database.
_COMMIT, _RUN = 0x696D6801, 0x696D6802


@contextmanager
def one_committer(haven: Haven) -> Iterator[None]:
    """Wait until no other process commits a chunk to this catalogue, and keep it so."""
    if haven.ledger.engine.dialect.name != "postgresql":
        yield
        return
    with haven.ledger.begin() as guard:
        guard.execute(text("SELECT pg_advisory_xact_lock(:space, 0)"), {"space": _COMMIT})
        yield


@contextmanager
def one_worker(haven: Haven, run_id: int) -> Iterator[None]:
    """Hold the run; raises UserError when another process is working on the same one."""
    if haven.ledger.engine.dialect.name == "postgresql":
        with asking(haven) as guard:
            query = text("SELECT pg_try_advisory_lock(:space, :run)")
            held = guard.execute(query, {"space": _RUN, "run": run_id}).scalar()
            guard.commit()
            if not held:
                raise _busy(run_id)
            yield
        return
    # The file stays: whoever removed it could remove one that another process has just locked.
    with (haven.drafts / f"run-{run_id}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(run_id) from None
        yield


@contextmanager
def asking(haven: Haven) -> Iterator[Connection]:
    """A connection to PostgreSQL whose advisory locks end with the block."""
    try:
        guard = haven.ledger.engine.connect()
    except OperationalError as error:
        raise TransientError(
            f"The ledger ({haven.ledger.place}) did not answer. Nothing was lost. See that the "
            "database runs, then repeat the command."
        ) from error
    try:
        yield guard
    finally:
        # Given back to the pool, the connection would keep its locks with it.
        guard.invalidate()
        guard.close()


def _busy(run_id: int) -> UserError:
    return UserError(
        f"Load run {run_id} asks for the same, and another process is working on it. "
        "Wait until it ends; the same command then finds everything unchanged."
    )

"""One writer at a time, across processes and machines: for a commit, and for a whole run.

The lake has no unique constraint: two processes that look the same new UID up at once would both
add it. On PostgreSQL an advisory lock makes them queue; embedded, the lake's own file lock does.
Either kind of lock ends with the process that holds it, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from imagehaven.errors import UserError
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
        with haven.ledger.engine.connect() as guard:
            query = text("SELECT pg_try_advisory_lock(:space, :run)")
            held = guard.execute(query, {"space": _RUN, "run": run_id}).scalar()
            guard.commit()
            if not held:
                raise _busy(run_id)
            try:
                yield
            finally:
                # The connection goes back to a pool, which would keep the lock with it.
                guard.invalidate()
        return
    place = haven.drafts / f"run-{run_id}.lock"
    with place.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(run_id) from None
        yield
    place.unlink(missing_ok=True)


def _busy(run_id: int) -> UserError:
    return UserError(
        f"Load run {run_id} asks for the same, and another process is working on it. "
        "Wait until it ends; the same command then finds everything unchanged."
    )

"""Live feed and bulk load take turns: a bulk load waits before its next commit while one is live.

A live run holds a shared lock from its plan to its last commit. A bulk run asks for the same lock
alone before each commit, and lets go of it at once: so it never starts another commit while
anything is live, and whoever is live waits for one commit of the bulk at most. Meanwhile the bulk's
workers run dry, and the processors are the live run's. Locks end with their process.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import text

from imagehaven.catalogue.one_writer import asking
from imagehaven.haven import Haven

#: The one advisory lock of PostgreSQL that live runs share.
_LIVE: Final = {"space": 0x696D6803, "number": 0}


@contextmanager
def live(haven: Haven) -> Iterator[None]:
    """Be live: no bulk run of this haven begins a commit before the block ends."""
    if haven.ledger.engine.dialect.name != "postgresql":
        # The file stays: whoever removed it could remove one that another process has just locked.
        with (haven.drafts / "live.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield
        return
    with asking(haven) as guard:
        guard.execute(text("SELECT pg_advisory_lock_shared(:space, :number)"), _LIVE)
        guard.commit()
        yield


def give_way(haven: Haven, waiting: Callable[[], None]) -> None:
    """Return once nothing is live; ``waiting`` is called first where something is."""
    if haven.ledger.engine.dialect.name != "postgresql":
        with (haven.drafts / "live.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
        return
    with asking(haven) as guard:
        held = guard.execute(text("SELECT pg_try_advisory_lock(:space, :number)"), _LIVE).scalar()
        if not held:
            waiting()
            guard.execute(text("SELECT pg_advisory_lock(:space, :number)"), _LIVE)

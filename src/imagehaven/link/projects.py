"""Projects: a research undertaking with a key of its own.

The key is 32 random bytes, wrapped by the haven's master key. Every pseudonym, UID and date shift
of a project comes from it, so they are the same in each of its releases and share nothing with
another project's.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from sqlalchemy import insert, select

from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PURPOSE = "project-key"


@dataclass(frozen=True)
class Project:
    """A project, open: ``key`` is 32 bytes and is never shown."""

    name: str
    created_at: str
    key: bytes

    def __repr__(self) -> str:
        """Show nothing of the key: it could end in a log."""
        return f"Project({self.name!r})"


@action("project create", permission="governance", event="project-create")
def create_project(haven: Haven, name: str) -> Project:
    """Make a project with a fresh key, or open the one of that name.

    Raises UserError for a name that cannot be a folder's and a pseudonym's part.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"A project cannot be called {name!r}. Valid names have 1 to 64 letters, digits, "
            "hyphens and underscores, and begin with a letter or digit."
        )
    table = schema.project
    with haven.ledger.begin() as connection:
        known = connection.execute(select(table.c.project).where(table.c.project == name)).first()
        if known is None:
            wrapped = haven.keyring.seal(f"{_PURPOSE}/{name}", os.urandom(32))
            connection.execute(
                insert(table).values(project=name, created_at=now(), wrapped_key=wrapped)
            )
    return open_project(haven, name)


def open_project(haven: Haven, name: str) -> Project:
    """The project of that name; raises UserError naming those there are."""
    table = schema.project
    with haven.ledger.begin() as connection:
        row = connection.execute(select(table).where(table.c.project == name)).first()
    if row is None:
        names = ", ".join(project.name for project in projects(haven)) or "none yet"
        raise UserError(
            f"There is no project {name!r}. Projects: {names}. "
            f"`imagehaven project create {name}` makes it."
        )
    key = haven.keyring.open(f"{_PURPOSE}/{name}", row.wrapped_key)
    return Project(row.project, row.created_at, key)


@action("project list", permission="researcher", event=None)
def projects(haven: Haven) -> list[Project]:
    """Every project, by name; the keys stay sealed."""
    table = schema.project
    with haven.ledger.begin() as connection:
        rows = connection.execute(select(table).order_by(table.c.project)).all()
    return [Project(row.project, row.created_at, b"") for row in rows]

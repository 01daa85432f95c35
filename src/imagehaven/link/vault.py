"""The vault: the one table where an original and its pseudonym stand together.

The original is encrypted (AES-256-GCM) and found by a keyed hash. A release writes pairs here and
never reads one: pseudonyms come from the project's key alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from imagehaven.haven import Haven
from imagehaven.ledger import schema


@dataclass(frozen=True)
class Vault:
    """The vault of one project."""

    haven: Haven
    project: str

    def record(self, connection: Connection, pairs: Iterable[tuple[str, str, str]]) -> None:
        """Add (kind, original, pseudonym) in the caller's transaction; known pairs stay."""
        rows = {
            (kind, lookup): {
                "project": self.project,
                "kind": kind,
                "lookup": lookup,
                "pseudonym": pseudonym,
                "ciphertext": self.haven.keyring.seal(self._purpose, original.encode()),
            }
            for kind, original, pseudonym in pairs
            for lookup in [self.haven.keyring.lookup(self._purpose, original)]
        }
        if not rows:
            return
        postgres = connection.dialect.name == "postgresql"
        add = (postgresql.insert if postgres else sqlite.insert)(schema.vault)
        connection.execute(add.on_conflict_do_nothing(), list(rows.values()))

    def pseudonym(self, kind: str, original: str) -> str | None:
        """The pseudonym recorded for an original; None when no release used it."""
        table, lookup = schema.vault, self.haven.keyring.lookup(self._purpose, original)
        with self.haven.ledger.begin() as connection:
            return connection.execute(
                select(table.c.pseudonym).where(
                    table.c.project == self.project,
                    table.c.kind == kind,
                    table.c.lookup == lookup,
                )
            ).scalar()

    def original(self, kind: str, pseudonym: str) -> str | None:
        """The original behind a pseudonym: for re-identification that governance has approved."""
        table = schema.vault
        with self.haven.ledger.begin() as connection:
            sealed = connection.execute(
                select(table.c.ciphertext).where(
                    table.c.project == self.project,
                    table.c.kind == kind,
                    table.c.pseudonym == pseudonym,
                )
            ).scalar()
        return self.haven.keyring.open(self._purpose, sealed).decode() if sealed else None

    @property
    def _purpose(self) -> str:
        return f"vault/{self.project}"

"""The audit trail: append-only rows, chained by a keyed hash (HMAC-SHA256, RFC 2104).

Each row's hash covers its content and the hash of the row before it, so changing, removing or
inserting a row breaks the chain from there on. The hash is keyed by the haven's own key: whoever
can write to the database, but does not hold the key file, cannot forge a chain. The head row seals
length and last hash, so that a cut tail shows too. Against an intruder who holds an old sealed
head there is one remedy, a head noted elsewhere: every release manifest carries one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.ledger.versions import versions

GENESIS = "0" * 64
_FIELDS = ("seq", "at", "actor", "event", "inputs", "versions", "outcome", "detail", "previous")


@dataclass(frozen=True)
class AuditRow:
    """One act: who (``actor``), what (``event``), when (``at``), from which inputs, how it ended.

    ``inputs``, ``versions`` and ``detail`` are JSON texts, kept as written: they are hashed.
    """

    seq: int
    at: str
    actor: str
    event: str
    inputs: str
    versions: str
    outcome: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True)
class AuditVerdict:
    """Whether the chain is whole; ``problem`` names the first row at fault and how it is broken."""

    rows: int
    head: str
    problem: str | None

    @property
    def intact(self) -> bool:
        """True when no row was altered, removed, inserted or cut off."""
        return self.problem is None


class AuditTrail:
    """Appends to the chain and proves it."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        *,
        key: bytes,
        actor: str,
    ) -> None:
        self._begin = begin
        self._key = key
        self._actor = actor

    def append(
        self,
        event: str,
        inputs: dict[str, Any],
        *,
        outcome: str,
        detail: dict[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Add one row; inside ``connection``'s transaction when given, so both stand or fall."""
        if connection is not None:
            self._append(connection, event, inputs, outcome, detail or {})
            return
        with self._begin() as own:
            self._append(own, event, inputs, outcome, detail or {})

    def _append(
        self,
        connection: Connection,
        event: str,
        inputs: dict[str, Any],
        outcome: str,
        detail: dict[str, Any],
    ) -> None:
        if connection.dialect.name == "postgresql":
            # One writer at a time extends the chain; readers go on.
            connection.execute(text("LOCK TABLE audit_head IN EXCLUSIVE MODE"))
        head = connection.execute(select(schema.audit_head.c.seq, schema.audit_head.c.hash)).first()
        values: dict[str, Any] = {
            "seq": (head.seq if head else 0) + 1,
            "at": now(),
            "actor": self._actor,
            "event": event,
            "inputs": _json(inputs),
            "versions": _json(versions()),
            "outcome": outcome,
            "detail": _json(detail),
            "previous": head.hash if head else GENESIS,
        }
        values["hash"] = self._hash(values)
        connection.execute(insert(schema.audit).values(**values))
        sealed = {
            "seq": values["seq"],
            "hash": values["hash"],
            "seal": self._seal(values["seq"], values["hash"]),
        }
        change = update(schema.audit_head) if head else insert(schema.audit_head)
        connection.execute(change.values(one=1, **sealed))

    def rows(self) -> Iterator[AuditRow]:
        """Every row, oldest first."""
        with self._begin() as connection:
            for row in connection.execute(select(schema.audit).order_by(schema.audit.c.seq)):
                yield AuditRow(**row._mapping)

    def head(self) -> str:
        """The hash that the chain ends in, for noting elsewhere (64 hex digits)."""
        with self._begin() as connection:
            return connection.execute(select(schema.audit_head.c.hash)).scalar() or GENESIS

    def verify(self) -> AuditVerdict:
        """Walk the whole chain; the verdict names the first row that does not fit."""
        previous, count = GENESIS, 0
        with self._begin() as connection:
            for row in connection.execute(select(schema.audit).order_by(schema.audit.c.seq)):
                count += 1
                values = {field: row._mapping[field] for field in _FIELDS}
                if row.seq != count:
                    return AuditVerdict(count - 1, previous, f"row {count} is missing")
                if row.previous != previous:
                    return AuditVerdict(count - 1, previous, f"row {count} follows another row")
                if not hmac.compare_digest(self._hash(values), row.hash):
                    return AuditVerdict(count - 1, previous, f"row {count} was altered")
                previous = row.hash
            head = connection.execute(select(schema.audit_head)).first()
        if head is None:
            problem = None if count == 0 else "the sealed head is missing"
        elif not hmac.compare_digest(self._seal(head.seq, head.hash), head.seal):
            problem = "the sealed head was altered"
        elif (head.seq, head.hash) != (count, previous):
            problem = f"rows after {count} were cut off"
        else:
            problem = None
        return AuditVerdict(count, previous, problem)

    def _hash(self, values: dict[str, Any]) -> str:
        content = _json({field: values[field] for field in _FIELDS})
        return hmac.new(self._key, b"audit-row\0" + content.encode(), hashlib.sha256).hexdigest()

    def _seal(self, seq: int, last: str) -> str:
        return hmac.new(self._key, f"audit-head\0{seq}\0{last}".encode(), "sha256").hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

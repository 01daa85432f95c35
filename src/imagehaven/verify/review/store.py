"""Keeps findings in the ledger: what tells a value is sealed, and groups are keyed hashes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.ledger.clock import now
from imagehaven.verify.decided import normalised
from imagehaven.verify.findings import Finding

OPEN, PROPOSED, IGNORED, REDACT, RULED = "open", "proposed", "ignored", "redact", "ruled"
GROUPINGS: Final = ("value", "rule", "element", "device")
_PURPOSE: Final = "findings"
_BATCH: Final = 500


@dataclass(frozen=True)
class Kept:
    """A finding as the ledger keeps it, opened for a reviewer. What is a value is not shown.

    ``uid`` is the SOPInstanceUID of the original, where a release found it.
    """

    finding_id: int
    scan: str
    state: str
    rules_sha256: str
    finding: Finding
    uid: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def keyword(self) -> str:
        """The element's keyword or the column's name; empty where neither is."""
        place = self.finding.element
        if "column " in place:
            return place.partition("column ")[2]
        if "@" in place or place in ("line ", "preamble", "file-name", "file", "heading"):
            return ""
        return place.rpartition(".")[2]

    @property
    def local_span(self) -> tuple[int, int]:
        """Where the value stands in ``finding.text``, which may be cut from a longer value."""
        text, value = self.finding.text or "", self.finding.value or ""
        start = self.finding.span[0] if self.finding.span else 0
        at = start if text[start : start + len(value)] == value else text.find(value)
        return max(at, 0), max(at, 0) + len(value)


def begin_scan(connection: Connection, haven: Haven, scan: str) -> None:
    """Name a scan whose findings will be kept; safe to repeat."""
    postgres = connection.dialect.name == "postgresql"
    add = (postgresql.insert if postgres else sqlite.insert)(schema.scan)
    connection.execute(
        add.values(scan=scan, at=now(), actor=haven.ledger.actor).on_conflict_do_nothing()
    )


def keep(
    connection: Connection,
    haven: Haven,
    scan: str,
    findings: Iterable[Finding],
    rules_sha256: str,
    *,
    uid: str | None = None,
    updating: Collection[str] = (),
) -> int:
    """Keep findings in the caller's transaction; returns how many.

    ``uid`` is the SOPInstanceUID of the source object. Findings of the ``updating`` rules are not
    put to reviewers: their values are to be redacted.
    """
    about = {"scan": scan, "rules_sha256": rules_sha256, "SOPInstanceUID": uid}
    rows = (
        {**about, **_row(haven, found), "state": REDACT if found.rule in updating else OPEN}
        for found in findings
    )
    count = 0
    while batch := list(islice(rows, _BATCH)):
        connection.execute(insert(schema.finding), batch)
        count += len(batch)
    return count


def forget(connection: Connection, scan: str, uids: Collection[str]) -> None:
    """Drop the findings of objects that are about to be worked again."""
    table, ordered = schema.finding, sorted(uids)
    for first in range(0, len(ordered), _BATCH):
        part = ordered[first : first + _BATCH]
        connection.execute(
            delete(table).where(table.c.scan == scan, table.c.SOPInstanceUID.in_(part))
        )


def count_hits(connection: Connection, scan: str, hits: Mapping[str, int]) -> None:
    """Add to how often rules found, and waivers took away, something in a scan."""
    postgres = connection.dialect.name == "postgresql"
    add = (postgresql.insert if postgres else sqlite.insert)(schema.rule_hit)
    rows = [{"scan": scan, "rule": rule, "hits": count} for rule, count in sorted(hits.items())]
    if rows:
        total = schema.rule_hit.c.hits + add.excluded.hits
        connection.execute(
            add.on_conflict_do_update(index_elements=["scan", "rule"], set_={"hits": total}), rows
        )


def kept(connection: Connection, haven: Haven, *where: ColumnElement[bool]) -> Iterator[Kept]:
    """Yield the findings that meet the conditions, opened, in the order they were found."""
    table = schema.finding
    rows = connection.execute(select(table).where(*where).order_by(table.c.finding_id))
    for row in rows.mappings():
        yield _opened(haven, row)


def seal(haven: Haven, value: Any) -> bytes:
    """Encrypt something that has values in it."""
    return haven.keyring.seal(_PURPOSE, json.dumps(value, ensure_ascii=False).encode())


def unseal(haven: Haven, sealed: bytes) -> Any:
    """Open what :func:`seal` made; raises TerminalError when key or content do not fit."""
    return json.loads(haven.keyring.open(_PURPOSE, sealed))


def _row(haven: Haven, found: Finding) -> dict[str, Any]:
    value = found.value if found.value else found.shape
    keys = {
        "value": f"{found.value_class} {normalised(value)}",
        "rule": found.rule,
        "element": f"{found.rule} {found.element}",
        "device": f"{found.rule} {found.element} {found.device or ''}",
    }
    sealed = {
        name: getattr(found, name)
        for name in ("file", "location", "value", "text", "device", "machine")
    }
    return {
        "rule": found.rule[:128],
        "detector": found.detector[:64],
        "value_class": found.value_class,
        "shape": found.shape[:64],
        "cells": found.cells,
        "frame": found.frame,
        "box": list(found.box) if found.box else None,
        "span": list(found.span) if found.span else None,
        **{
            f"by_{name}": haven.keyring.lookup(f"findings/{name}", key)
            for name, key in keys.items()
        },
        "sealed": seal(haven, sealed),
    }


def _opened(haven: Haven, row: Any) -> Kept:  # a SQLAlchemy row mapping
    found = Finding(
        value_class=row["value_class"],
        rule=row["rule"],
        detector=row["detector"],
        shape=row["shape"],
        span=tuple(row["span"]) if row["span"] else None,
        frame=row["frame"],
        box=tuple(row["box"]) if row["box"] else None,
        cells=row["cells"],
        **unseal(haven, row["sealed"]),
    )
    groups = {name: row[f"by_{name}"] for name in GROUPINGS}
    return Kept(
        row["finding_id"], row["scan"], row["state"], row["rules_sha256"], found,
        row["SOPInstanceUID"], groups,
    )  # fmt: skip

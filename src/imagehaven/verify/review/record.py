"""Keeps the findings of a scan, or of one chunk of a release, for review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, func, select

from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.verify.detect.rules import Rules, rules_hash
from imagehaven.verify.findings import Finding
from imagehaven.verify.review import store

#: A file that is one long leak is understood from its first findings.
MOST_OF_ONE_FILE = 500


def record(
    haven: Haven, findings: Sequence[Finding], rules: Rules, waived: Mapping[str, int]
) -> str:
    """Keep the findings of a scan under a new name; returns it. One ledger transaction."""
    table = schema.scan
    with haven.ledger.begin() as connection:
        count = connection.execute(
            select(func.count()).where(table.c.scan.startswith("scan/", autoescape=True))
        ).scalar_one()
        name = f"scan/{count + 1:04}"
        store.begin_scan(connection, haven, name)
        updating = {rule.id for rule in rules.rules if rule.update}
        store.keep(connection, haven, name, findings, rules_hash(rules), updating=updating)
        store.count_hits(connection, name, _hits(findings, waived))
        haven.ledger.audit.append(
            "findings-kept",
            {"scan": name},
            outcome="done",
            detail={"findings": len(findings), "rules_sha256": rules_hash(rules)},
            connection=connection,
        )
    return name


def record_release(
    connection: Connection,
    haven: Haven,
    release: str,
    found: Iterable[tuple[str, Sequence[Finding], Mapping[str, int]]],
    rules: Rules,
) -> None:
    """Keep what the verification of a release's objects found, in the caller's transaction.

    ``found`` gives, for every object that was verified, its SOPInstanceUID, its findings with their
    values, and what the waivers took away. What was kept of these objects before is replaced.
    """
    name, objects = f"release/{release}", list(found)
    store.begin_scan(connection, haven, name)
    store.forget(connection, name, {uid for uid, _, _ in objects})
    updating = {rule.id for rule in rules.rules if rule.update}
    hits: Counter[str] = Counter()
    for uid, findings, waived in objects:
        kept = findings[:MOST_OF_ONE_FILE]
        store.keep(connection, haven, name, kept, rules_hash(rules), uid=uid, updating=updating)
        hits.update(_hits(findings, waived))
    store.count_hits(connection, name, hits)


def _hits(findings: Iterable[Finding], waived: Mapping[str, int]) -> Counter[str]:
    return Counter(finding.rule for finding in findings) + Counter(waived)

"""What a haven's reviewers have taught: rules laid over the built-in ones, and decided values.

``HAVEN/rules/site.yaml`` holds the rules that a site writes by hand, ``rules/PROJECT.yaml`` those
of one project. ``rules/reviewed.yaml`` is written from the ledger's decisions, which are the truth:
when it was lost or altered it is written anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, select

from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.verify.decided import Decided, normalised
from imagehaven.verify.detect.dates import written_dates
from imagehaven.verify.detect.rules import (
    Rules,
    load_rules,
    parse_layers,
    read_layer,
    rules_hash,
)
from imagehaven.verify.detect.rules_file import Layer
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.review.decisions import IGNORE, RULE, teachings
from imagehaven.verify.review.rule_drafts import Draft, rules_text
from imagehaven.verify.review.store import REDACT, kept

REVIEWED: Final = "reviewed.yaml"
_HEAD: Final = (
    "# Written by `imagehaven review` from the decisions in the ledger; what you write here is\n"
    "# lost. Rules of your own belong into site.yaml.\n"
)
_KINDS: Final = {"name": "person", "date": "date", "uid": "uid", "address": "phrase"}


def rules_of(haven: Haven, project: str | None = None) -> Rules:
    """The built-in rules with the site's, the project's and the reviewers' laid over them.

    Raises UserError where a rules file is wrong; it names the file, the line and the rule.
    """
    folder = haven.folder / "rules"
    named = [folder / "site.yaml", *([folder / f"{project}.yaml"] if project else [])]
    layers = [read_layer(path) for path in named if path.is_file()]
    with haven.ledger.begin() as connection:
        reviewed = write_reviewed(connection, haven)
    if reviewed:
        layers.append(Layer(REVIEWED, reviewed))
    base = load_rules()
    return parse_layers((*base.layers, *layers)) if layers else base


def write_reviewed(connection: Connection, haven: Haven) -> str:
    """Bring ``reviewed.yaml`` to what the decisions say; returns its text, empty without rules."""
    drafts = [Draft(**row) for _, row in teachings(connection, haven, RULE)]
    text = _HEAD + rules_text(drafts) if drafts else ""
    path = haven.folder / "rules" / REVIEWED
    if not text:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_text("utf-8") != text:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return text


def decided_of(haven: Haven) -> Decided:
    """What reviewers decided of single values, opened for one scan or release."""
    harmless: set[tuple[str, str]] = set()
    wholes: set[tuple[str, str, str]] = set()
    denied: set[Identifier] = set()
    with haven.ledger.begin() as connection:
        for _, taught in teachings(connection, haven, IGNORE):
            harmless |= {(rule, value) for rule, value in taught["harmless"]}
            wholes |= {(rule, element, text) for rule, element, text in taught["wholes"]}
        for _, taught in teachings(connection, haven, REDACT):
            rows = taught["denied"] if isinstance(taught, dict) else taught
            denied |= {item for row in rows for item in _denied(*row)}
        state = schema.finding.c.state == REDACT
        for one in kept(connection, haven, state, schema.finding.c.decision_id.is_(None)):
            denied |= set(_denied(one.finding.value_class, one.finding.value or ""))
    return Decided(frozenset(harmless), frozenset(wholes), KnownIdentifiers(frozenset(denied)))


def _denied(value_class: str, value: str) -> Iterator[Identifier]:
    """Yield a value that was marked to be redacted as identifiers of everybody."""
    kind = _KINDS.get(value_class, "id")
    if kind == "id" and not any(ch.isdigit() for ch in value):
        kind = "phrase" if " " in value or "@" in value else "person"
    if kind == "date":
        for written in written_dates(value):
            for day in sorted(written.readings):
                yield Identifier("date", day, value_class, "review", "")
    elif normalised(value):
        yield Identifier(kind, value, value_class, "review", "")


def checks_hash(haven: Haven, project: str) -> str:
    """A SHA-256 (hex) of all that a release's verification depends on: rules and decided values.

    The part that comes from values is keyed: it stands in manifests, and tells nothing.
    """
    found, decided = rules_hash(rules_of(haven, project)), decided_of(haven)
    values: list[Any] = [sorted(decided.harmless), sorted(decided.harmless_wholes)]
    values.append(sorted((i.kind, i.text, i.value_class) for i in decided.denied.items))
    if not any(values):
        return found
    return haven.keyring.lookup("findings/decided", json.dumps([found, values]))


def rule_hits(haven: Haven) -> dict[str, int]:
    """How often each rule found, and each waiver took away, something in all scans kept."""
    table: Any = schema.rule_hit
    found: dict[str, int] = {}
    with haven.ledger.begin() as connection:
        for rule, hits in connection.execute(select(table.c.rule, table.c.hits)):
            found[rule] = found.get(rule, 0) + int(hits)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

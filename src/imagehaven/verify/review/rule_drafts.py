"""Rules made from a finding: its whole value, its failing part, its symbols, or an own pattern.

A rule says either that such values are harmless (a waiver) or that they are identifiers wherever
they stand (an ``update`` rule). Nothing is saved before its effect on every open finding is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import yaml

from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.verify.decided import KNOWING
from imagehaven.verify.detect.rule import Ignore, Rule
from imagehaven.verify.detect.rules import Rules, parse_layers
from imagehaven.verify.detect.rules_file import Layer
from imagehaven.verify.findings import COULD_NOT_CHECK
from imagehaven.verify.review.store import Kept

FORMS: Final = ("whole", "part", "symbols", "regex")
_RUNS: Final = re.compile(r"(?P<d>\d+)|(?P<u>[A-Z]+)|(?P<l>[a-z]+)|(?P<o>.)", re.S)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,63}")
_TEXTS: Final = ("text", "name", "code", "number", "binary", "file-name")
_NEAR_MISS: Final = "\u2013"  # a dash that no identifier and no harmless value consists of


@dataclass(frozen=True)
class Draft:
    """A rule that a reviewer made and nobody has saved yet, as the row of a rules file."""

    id: str
    section: str
    row: dict[str, Any] = field(repr=False)

    def text(self) -> str:
        """The draft as a rules file of its own."""
        return rules_text([self])

    def rules(self, base: Rules) -> Rules:
        """The rules with this draft laid over them; raises UserError where it is wrong."""
        return parse_layers((*base.layers, Layer(f"rule {self.id}", self.text())))


def draft_rule(
    haven: Haven,
    found: Kept,
    *,
    name: str,
    form: str,
    redact: bool = False,
    pattern: str = "",
    everywhere: bool = False,
) -> Draft:
    """Make a rule from a finding.

    Args:
        haven: whose reviewer is the author.
        found: the finding it starts from.
        name: the new rule's id: small letters, digits and hyphens.
        form: ``whole`` (this very value), ``part`` (what was found, in any value), ``symbols``
            (every part with the same letters-and-digits form) or ``regex`` (``pattern``).
        redact: such values are identifiers; otherwise they are harmless.
        pattern: the regular expression of form ``regex``.
        everywhere: in every element; otherwise only at the finding's own.

    Raises:
        UserError: the finding cannot be settled by a rule, or the form does not suit it.
    """
    if form not in FORMS:
        raise UserError(f"A rule has no form {form!r}; choose {', '.join(FORMS)}.")
    if not _ID.fullmatch(name):
        raise UserError(
            "A rule's id has small letters, digits and hyphens, at least three: "
            "for instance trust-protocol-codes."
        )
    if bool(pattern) != (form == "regex"):
        raise UserError("Give a pattern with the form regex, and with no other.")
    value, text = found.finding.value or "", found.finding.text or ""
    if redact and form in ("whole", "part"):
        raise UserError(
            "A rules file holds no identifiers. Decide `redact` on the group, which keeps the "
            "value in the vault; or make a rule from its symbols or a pattern."
        )
    if not redact:
        _may_be_waived(found)
    level = "value" if form == "whole" else "part"
    written = {
        "whole": re.escape(text), "part": re.escape(value), "symbols": symbols(value),
        "regex": pattern,
    }[form]  # fmt: skip
    example = _example(written, value, text, form=form, redact=redact)
    row: dict[str, Any] = {
        "id": name,
        "author": haven.ledger.actor,
        "date": date.today().isoformat(),
        "description": f"made in review from a finding of {found.finding.rule}",
        "level": level,
        "pattern": written,
        "matches": [example],
        "passes": [_NEAR_MISS],
    }
    if found.keyword and not everywhere:
        row["elements"] = [found.keyword]
    if redact:
        row |= {"class": found.finding.value_class, "where": list(_TEXTS)}
        return Draft(name, "update", row)
    row["rules"] = [found.finding.rule]
    return Draft(name, "ignore", row)


def _may_be_waived(found: Kept) -> None:
    if found.finding.detector in KNOWING:
        raise UserError(
            "What is known of a patient cannot be waived by a rule. Decide `ignore` on the group: "
            "that holds for this whole value at this element only."
        )
    if found.finding.rule == COULD_NOT_CHECK:
        raise UserError("What could not be checked cannot be waived.")


def _example(pattern: str, value: str, text: str, *, form: str, redact: bool) -> str:
    """Return what the rule must find: the part, or the whole value where the pattern needs it."""
    choices = [text] if form == "whole" else [value, text]
    if redact:
        choices = [_stand_in(choice) for choice in choices]
    try:
        return next((choice for choice in choices if re.search(pattern, choice)), choices[0])
    except re.error as error:
        raise UserError(f"The pattern is not a regular expression: {error}.") from error


def symbols(value: str) -> str:
    """Return the pattern of a value's form: so many digits, capitals and small letters in turn.

    >>> symbols("AB-1234x")
    '(?<![A-Za-z0-9])[A-Z]{2}\\\\-\\\\d{4}[a-z]{1}(?![A-Za-z0-9])'
    """
    kinds = {"d": r"\d", "u": "[A-Z]", "l": "[a-z]"}
    parts = []
    for match in _RUNS.finditer(value):
        kind, run = str(match.lastgroup), match.group()
        parts.append(f"{kinds[kind]}{{{len(run)}}}" if kind in kinds else re.escape(run))
    return f"(?<![A-Za-z0-9]){''.join(parts)}(?![A-Za-z0-9])"


def _stand_in(value: str) -> str:
    """Return an example of the same form that is nobody's value."""
    digits, upper, lower = "1234567890", "QZXJVWKYPB", "qzxjvwkypb"
    out = []
    for number, ch in enumerate(value):
        turn = number % 10
        kinds = {ch.isdigit(): digits, "A" <= ch <= "Z": upper, "a" <= ch <= "z": lower}
        out.append(kinds[True][turn] if True in kinds else ch)
    return "".join(out)


def would_settle(draft: Draft, rules: Rules, found: Iterable[Kept]) -> Iterator[Kept]:
    """Yield the open findings that the draft would settle; raises UserError where it is wrong."""
    laid = draft.rules(rules)
    ignore = next((one for one in laid.ignores if one.id == draft.id), None)
    rule = next((one for one in laid.rules if one.id == draft.id), None)
    for one in found:
        if ignore is not None and _waived(ignore, one):
            yield one
        if rule is not None and _reported(rule, one):
            yield one


def _waived(ignore: Ignore, one: Kept) -> bool:
    finding = one.finding
    if finding.detector != "pattern" or finding.rule not in ignore.rules:
        return False
    if ignore.elements and one.keyword not in ignore.elements:
        return False
    return ignore.covers(finding.text or "", *one.local_span)


def _reported(rule: Rule, one: Kept) -> bool:
    if rule.elements and one.keyword not in rule.elements:
        return False
    start, end = one.local_span
    return any(left <= start and end <= right for left, right in rule.find(one.finding.text or ""))


def rules_text(drafts: Iterable[Draft]) -> str:
    """Return the drafts as the text of one rules file."""
    sections: dict[str, Any] = {"version": 1}
    for draft in drafts:
        sections.setdefault(draft.section, []).append(draft.row)
    return yaml.safe_dump(sections, sort_keys=False, allow_unicode=True, width=96)

"""The verbs of review. Each is one ledger transaction and one row that says who did what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection

from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger import schema
from imagehaven.verify.decided import KNOWING, normalised
from imagehaven.verify.detect.rules import Rules
from imagehaven.verify.findings import COULD_NOT_CHECK, Finding
from imagehaven.verify.review import decisions, groups, regions
from imagehaven.verify.review.decisions import Decision
from imagehaven.verify.review.rule_drafts import Draft, draft_rule, would_settle
from imagehaven.verify.review.store import OPEN, Kept, kept
from imagehaven.verify.review.taught import rule_hits, rules_of, write_reviewed

Verdict = Literal["ignore", "redact"]


def _told(text: str) -> str:
    """What the audit trail keeps of a text that may hold anything: that there was one."""
    return "given" if text else ""


@dataclass(frozen=True)
class Decided:
    """A decision that was made, or with ``checked`` would be.

    ``regions`` are the places in pictures that are blanked from then on, machine by machine.
    """

    decision: Decision | None
    findings: int
    checked: bool = False
    regions: tuple[regions.Region, ...] = ()

    def summary(self) -> dict[str, Any]:
        """What the decision is, in plain values."""
        made = self.decision.summary() if self.decision else {}
        told = {**made, "findings": self.findings, "checked": self.checked}
        return told | ({"regions": [one.summary() for one in self.regions]} if self.regions else {})


@dataclass(frozen=True)
class RulePreview:
    """A rule and the open findings that it settles (or, unsaved, would settle)."""

    rule: str
    section: str
    settles: int
    row: dict[str, Any] = field(repr=False)
    examples: list[dict[str, Any]] = field(repr=False)
    decision: Decision | None = None

    def summary(self) -> dict[str, Any]:
        """The rule by its id; what it says stands in the rules file."""
        made = {"decision_id": self.decision.decision_id} if self.decision else {}
        return {"rule": self.rule, "section": self.section, "settles": self.settles, **made}


@action("review list", permission="data-manager", event=None)
def findings(
    haven: Haven, *, by: str = "value", limit: int | None = 50, state: str = OPEN
) -> list[groups.Group]:
    """The groups of kept findings in a state, the most frequent first.

    ``by`` is value, rule, element or device. Raises UserError where it is none of them.
    """
    return groups.groups(haven, by=by, limit=limit, state=state)


@action(
    "review decide",
    permission="data-manager",
    event="review-decide",
    mask={"reason": _told},
)
def decide(
    haven: Haven,
    group: str,
    verdict: Verdict,
    *,
    by: str = "value",
    reason: str = "",
    two_person: bool = False,
    value_only: bool = False,
    check: bool = False,
) -> Decided:
    """Settle every open finding of a group: harmless (``ignore``) or an identifier (``redact``).

    What is ignored is not reported again; what is to be redacted is looked for in every later scan
    as a known identifier, and removed by the next release. Where it stands in pixels, its place is
    blanked from then on in every picture of the same machine and format, unless ``value_only``;
    with ``check`` the places are shown, and how many pictures of the catalogue they are about. With
    ``two_person`` it all waits until somebody else agrees. Raises UserError where no group has the
    id, or the group may not be ignored.
    """
    if verdict not in ("ignore", "redact"):
        raise UserError("Decide `ignore` or `redact`; `imagehaven review rule` makes a rule.")
    with haven.ledger.begin() as connection:
        chosen = groups.members(connection, haven, group, by, OPEN)
    places: list[regions.Region] = []
    teaches: dict[str, Any]
    if verdict == "ignore":
        teaches = dict(_harmless(chosen, rules_of(haven)))
    else:
        places = [] if value_only else regions.regions_of(haven, chosen)
        teaches = {"denied": _denied(chosen), "regions": regions.taught(places)}
    if check:
        shown = tuple(regions.counted(haven, places))
        return Decided(None, len(chosen), checked=True, regions=shown)
    with haven.ledger.begin() as connection:
        made = decisions.settle(
            connection, haven, verdict, chosen,
            by=by, teaches=teaches, reason=reason, two_person=two_person,
        )  # fmt: skip
        regions.write_regions(connection, haven)
    return Decided(made, len(chosen), regions=tuple(places))


def _harmless(chosen: Sequence[Kept], rules: Rules) -> dict[str, list[list[str]]]:
    """What ignoring these findings teaches; raises UserError where they may not be ignored."""
    taught: dict[str, set[tuple[str, ...]]] = {"harmless": set(), "wholes": set()}
    for one in chosen:
        found, value = one.finding, one.finding.value or ""
        if found.rule in rules.with_checksum:
            raise UserError(
                "The group holds a number with a valid check digit, which nobody can wave "
                "through. Decide `redact`."
            )
        if found.rule == COULD_NOT_CHECK:
            raise UserError(
                "The group holds what could not be checked, and nobody has seen what is in it. "
                "Its files stay withheld; mend what the reason says and check again."
            )
        if found.detector not in KNOWING:
            taught["harmless"].add((found.rule, normalised(value)))
        elif found.text and found.detector != "bytes":
            taught["wholes"].add((found.rule, found.element, normalised(found.text)))
    return {name: [list(item) for item in sorted(items)] for name, items in taught.items()}


def _denied(chosen: Sequence[Kept]) -> list[list[str]]:
    if any(one.finding.rule == COULD_NOT_CHECK for one in chosen):
        raise UserError("What could not be checked has no value to redact.")
    found = {(one.finding.value_class, one.finding.value or "") for one in chosen}
    return [list(item) for item in sorted(found)]


@action(
    "review rule",
    permission="data-manager",
    event="review-rule",
    mask={"pattern": _told, "reason": _told},
)
def make_rule(
    haven: Haven,
    group: str,
    name: str,
    *,
    form: str = "part",
    by: str = "value",
    redact: bool = False,
    pattern: str = "",
    everywhere: bool = False,
    reason: str = "",
    two_person: bool = False,
    check: bool = False,
) -> RulePreview:
    """Make a rule from a group's first finding; it settles every open finding that it fits.

    With ``check`` the rule is only shown with what it would settle. The arguments of the rule are
    those of :func:`~imagehaven.verify.review.rule_drafts.draft_rule`. Raises UserError where the
    rule is wrong, settles not even the finding it was made from, or may not be.
    """
    rules = rules_of(haven)
    with haven.ledger.begin() as connection:
        first = groups.members(connection, haven, group, by, OPEN)[0]
        draft = draft_rule(
            haven, first, name=name, form=form, redact=redact, pattern=pattern,
            everywhere=everywhere,
        )  # fmt: skip
        settled = _settled_by(connection, haven, draft, rules)
    if first.finding_id not in {one.finding_id for one in settled}:
        raise UserError("The rule does not fit the finding that it is made from; look at it again.")
    examples = [{**one.finding.to_dict(), "finding": one.finding_id} for one in settled[:20]]
    shown = RulePreview(draft.id, draft.section, len(settled), draft.row, examples)
    if check:
        return shown
    with haven.ledger.begin() as connection:
        made = decisions.settle(
            connection, haven, decisions.RULE, settled,
            by=by, teaches=asdict(draft), reason=reason, two_person=two_person, rule=draft.id,
        )  # fmt: skip
        write_reviewed(connection, haven)
    return RulePreview(draft.id, draft.section, len(settled), draft.row, examples, made)


def _settled_by(connection: Connection, haven: Haven, draft: Draft, rules: Rules) -> list[Kept]:
    still_open = kept(connection, haven, schema.finding.c.state == OPEN)
    return list(would_settle(draft, rules, still_open))


@action("review undo", permission="data-manager", event="review-undo", mask={"reason": _told})
def undo(haven: Haven, decision: int | None = None, *, reason: str = "") -> Decided:
    """Take a decision back: its findings are open again, its rule is gone. Default: one's last.

    Raises UserError where there is no such decision or it was taken back already.
    """
    with haven.ledger.begin() as connection:
        made = decisions.undo(connection, haven, decision, reason)
        write_reviewed(connection, haven)
        regions.write_regions(connection, haven)
    return Decided(made, made.findings)


@action("review second", permission="data-manager", event="review-second", mask={"reason": _told})
def second(haven: Haven, decision: int, *, agree: bool, reason: str = "") -> Decided:
    """Agree to another reviewer's proposal, or refuse it.

    Raises UserError where it waits for nobody, or is one's own.
    """
    with haven.ledger.begin() as connection:
        made = decisions.second(connection, haven, decision, agree=agree, reason=reason)
        write_reviewed(connection, haven)
        regions.write_regions(connection, haven)
    return Decided(made, made.findings)


@action("review history", permission="data-manager", event=None)
def history(haven: Haven) -> list[Decision]:
    """Every act of every reviewer in order, with whether it stands today."""
    with haven.ledger.begin() as connection:
        return decisions.history(connection)


def findings_of(haven: Haven, decision: int) -> list[Finding]:
    """The findings, with their values, that a decision is about."""
    with haven.ledger.begin() as connection:
        about = schema.finding.c.decision_id == decision
        return [one.finding for one in kept(connection, haven, about)]


@action("review rules", permission="data-manager", event=None)
def rules_in_use(haven: Haven) -> list[dict[str, Any]]:
    """Every rule, update rule and waiver in use, with how often it found or took away something."""
    rules, hits = rules_of(haven), rule_hits(haven)
    rows: list[dict[str, Any]] = [
        {
            "id": rule.id,
            "kind": "update" if rule.update else "report",
            "class": rule.value_class,
            "checksum": rule.checksum,
            "hits": hits.get(rule.id, 0),
        }
        for rule in rules.rules
    ]
    rows += [{"id": one.id, "kind": "ignore", "hits": hits.get(one.id, 0)} for one in rules.ignores]
    return rows

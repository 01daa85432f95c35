"""One reviewer going through the groups: where they are, and what a key does there."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagehaven.haven import Haven
from imagehaven.verify.review import actions
from imagehaven.verify.review.actions import Decided, RulePreview, Verdict
from imagehaven.verify.review.decisions import AGREE, REFUSE, SETTLED, UNDO, Decision
from imagehaven.verify.review.groups import Group
from imagehaven.verify.review.regions import Region


@dataclass
class Session:
    """The open groups, most frequent first, and the one that the reviewer looks at."""

    haven: Haven
    by: str = "value"
    two_person: bool = False
    position: int = 0
    groups: list[Group] = field(default_factory=list)

    def refresh(self) -> None:
        """Read the open groups again; stay at the same place where there still is one."""
        self.groups = actions.findings(self.haven, by=self.by, limit=None)
        self.position = max(0, min(self.position, len(self.groups) - 1))

    @property
    def current(self) -> Group | None:
        """The group looked at; None when everything is decided."""
        return self.groups[self.position] if self.groups else None

    def move(self, step: int) -> None:
        """Go to the next (1) or previous (-1) group, and no further than there are."""
        self.position = max(0, min(self.position + step, len(self.groups) - 1))

    def regions(self) -> tuple[Region, ...]:
        """The places that redacting the current group would blank, with the pictures it is about.

        Raises UserError where the group may not be redacted.
        """
        if self.current is None:
            return ()
        return actions.decide(
            self.haven, self.current.group, "redact", by=self.by, check=True
        ).regions

    def decide(self, verdict: Verdict, *, value_only: bool = False) -> Decided | None:
        """Decide on the current group; raises UserError where that may not be."""
        if self.current is None:
            return None
        made = actions.decide(
            self.haven, self.current.group, verdict, by=self.by, two_person=self.two_person,
            value_only=value_only,
        )  # fmt: skip
        self.refresh()
        return made

    def rule(
        self, name: str, form: str, *, pattern: str = "", everywhere: bool = False, save: bool
    ) -> RulePreview | None:
        """Show what a rule from the current group settles, or ``save`` it."""
        if self.current is None:
            return None
        made = actions.make_rule(
            self.haven,
            self.current.group,
            name,
            form=form,
            by=self.by,
            pattern=pattern,
            everywhere=everywhere,
            two_person=self.two_person,
            check=not save,
        )
        if save:
            self.refresh()
        return made

    def undo(self) -> Decided:
        """Take the reviewer's last decision back; raises UserError where there is none."""
        made = actions.undo(self.haven)
        self.refresh()
        return made


def waiting(haven: Haven) -> list[Decision]:
    """The proposals that wait for a second reviewer, and are not this reviewer's own."""
    acts = actions.history(haven)
    ended = {one.about for one in acts if one.act in (UNDO, REFUSE, AGREE)}
    return [
        one
        for one in acts
        if one.act in SETTLED
        and one.needs_second
        and one.decision_id not in ended
        and one.actor != haven.ledger.actor
    ]

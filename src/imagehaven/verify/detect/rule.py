"""One rule and one waiver: what it finds or takes away in one text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from imagehaven.verify.detect.patterns import CHECKS, FINDERS
from imagehaven.verify.known.matcher import Context

_CAPITAL: Final = re.compile(r"[^\W\d_a-z]")


@dataclass(frozen=True)
class Needs:
    """What a text must hold before a rule is tried on it at all: it costs less to count first."""

    digits: int = 0
    contains: str = ""
    capitals: bool = False

    def met_by(self, text: str, digits: int) -> bool:
        """Tell whether ``text``, which has so many ``digits``, can hold anything for the rule."""
        if digits < self.digits:
            return False
        if self.contains and not any(character in text for character in self.contains):
            return False
        return not self.capitals or _CAPITAL.search(text) is not None


@dataclass(frozen=True)
class Rule:
    """What it finds, in which kinds of value, and by which pattern or named test.

    ``elements`` limits it to keywords or columns. What an ``update`` rule finds is not put to
    reviewers: it is to be removed, and is treated as a known identifier from then on.
    """

    id: str
    value_class: str
    where: frozenset[Context]
    level: str
    pattern: re.Pattern[str] | None
    check: str | None
    checksum: bool
    needs: Needs = Needs()
    elements: frozenset[str] = frozenset()
    update: bool = False

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the places of ``text`` that the rule finds."""
        if self.check in FINDERS:
            yield from FINDERS[self.check](text)
            return
        assert self.pattern is not None  # a rule has a pattern or a finder: tried at load
        check = CHECKS[self.check] if self.check else None
        for match in self.pattern.finditer(text):
            group = 1 if self.pattern.groups and match.group(1) is not None else 0
            if self.level == "value" and match.span() != (0, len(text)):
                continue
            if check is None or check(match.group(group)):
                yield match.span(group)


@dataclass(frozen=True)
class Ignore:
    """A waiver: findings of these rules are dropped where the value or the part fits.

    Either ``values`` lists whole values, or the ``pattern`` fits the value or covers the part.
    """

    id: str
    rules: frozenset[str]
    elements: frozenset[str]
    level: str
    pattern: re.Pattern[str] | None
    values: frozenset[str] = frozenset()

    def waives(self, rule_id: str, keyword: str, text: str, start: int, end: int) -> bool:
        """Tell whether the finding of ``rule_id`` at ``start:end`` of ``text`` is waived."""
        if rule_id not in self.rules or (self.elements and keyword not in self.elements):
            return False
        return self.covers(text, start, end)

    def covers(self, text: str, start: int, end: int) -> bool:
        """Tell whether the waiver's values or pattern cover ``start:end`` of ``text``."""
        if self.pattern is None:
            return text.strip(" \0") in self.values
        if self.level == "value":
            return self.pattern.fullmatch(text) is not None
        return any(m.start() <= start and end <= m.end() for m in self.pattern.finditer(text))


class PatternMatch(NamedTuple):
    """A place of a text that a rule found."""

    start: int
    end: int
    rule: Rule

"""Put one text to everything: the patient's known identifiers first, then the rules.

The order is the guarantee: what is known of the patient, and what carries a check digit, is
reported whatever a waiver or the list of allowed values says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from imagehaven.verify.detect.dates import written_dates
from imagehaven.verify.detect.rules import Rules
from imagehaven.verify.findings import Finding, shape_of
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import Context, Match
from imagehaven.verify.read.byte_search import known_in_bytes

# A longer run out of binary values is searched as bytes: a single pass at the speed of C.
LONGEST_RUN_IN_WORDS = 2048


@dataclass(frozen=True)
class AllowedValues:
    """What the project itself wrote into a file and patterns may therefore meet there.

    ``values`` are pseudonyms and pseudonymous UIDs as written; ``dates`` are shifted dates as
    YYYYMMDD. Neither hides a known identifier of the patient or a valid CHI or NHS number.
    """

    values: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()

    def permits(self, text: str, start: int, end: int, value_class: str) -> bool:
        """Tell whether what a rule found at ``start:end`` of ``text`` is the project's own."""
        part = text[start:end]
        if part in self.values or text.strip(" \0") in self.values:
            return True
        if value_class == "date" and self.dates:
            return any(date.readings & self.dates for date in written_dates(part))
        return any(
            value in text and text.find(value) <= start and end <= text.find(value) + len(value)
            for value in self.values
            if part in value
        )


@dataclass
class Scanner:
    """Scans the texts of one file and keeps which identifiers it has met."""

    file: str
    rules: Rules
    known: KnownIdentifiers | None = None
    allowed: AllowedValues | None = None
    with_values: bool = False
    met: set[tuple[str, str]] = field(default_factory=set)

    def scan(
        self, text: str, context: Context, location: str, path: str = "", keyword: str = ""
    ) -> Iterator[Finding]:
        """Yield the findings of one text.

        Args:
            text: one decoded value.
            context: the kind of value.
            location: where it stands, as findings tell it.
            path: element path without item numbers, for comparison with the source.
            keyword: the element's keyword, for waivers that are limited to elements.
        """
        if not text.strip(" \0"):
            return
        taken: list[tuple[int, int]] = []
        for start, end, identifier, rule_id in self._known_in(text, context, path):
            if any(left <= start and end <= right for left, right in taken):
                continue
            taken.append((start, end))
            self.note(identifier)
            yield self.finding(
                location,
                identifier.value_class,
                rule_id,
                text,
                (start, end),
                detector="known",
            )
        for found in self.rules.find(text, context, keyword):
            if any(start <= found.start and found.end <= end for start, end in taken):
                continue
            rule = found.rule
            if (
                not rule.checksum
                and self.allowed
                and self.allowed.permits(text, found.start, found.end, rule.value_class)
            ):
                continue
            span = (found.start, found.end)
            yield self.finding(location, rule.value_class, rule.id, text, span, detector="pattern")

    def _known_in(self, text: str, context: Context, path: str) -> Iterator[Match]:
        if not self.known:
            return
        if context is not Context.BINARY or len(text) <= LONGEST_RUN_IN_WORDS:
            yield from self.known.matcher.find(text, context, path)
            return
        for hit in known_in_bytes(text.encode(), 0, len(text), self.known):
            yield Match(hit.offset, hit.offset + hit.length, hit.identifier, "known-bytes")

    def finding(
        self,
        location: str,
        value_class: str,
        rule: str,
        text: str,
        span: tuple[int, int] | None,
        *,
        detector: str,
    ) -> Finding:
        """Return a finding at ``span`` of ``text``, with the value only where it was asked for."""
        part = text[slice(*span)] if span else text
        value = part if self.with_values else None
        return Finding(
            self.file, location, value_class, rule, detector, span, shape_of(part), value
        )

    def note(self, identifier: Identifier) -> None:
        """Remember that an identifier was met, so that the byte search need not tell it again."""
        self.met.add((identifier.kind, identifier.text))


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without repeats (two decodings of one value find the same)."""
    seen: dict[Finding, Finding] = {}
    for finding in findings:
        seen.setdefault(replace(finding, value=None), finding)
    return list(seen.values())

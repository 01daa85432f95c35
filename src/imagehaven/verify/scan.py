"""Put one text to everything: the patient's known identifiers first, then the rules.

The order is the guarantee: what is known of the patient, and what carries a check digit, is
reported whatever a waiver or the list of allowed values says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from imagehaven.verify.decided import Decided
from imagehaven.verify.detect.dates import written_dates
from imagehaven.verify.detect.plugins import installed_detectors
from imagehaven.verify.detect.rules import Rules
from imagehaven.verify.findings import Finding, could_not_check, shape_of
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import Context, Match
from imagehaven.verify.read.byte_search import known_in_bytes

# A longer run out of binary values is searched as bytes: a single pass at the speed of C.
LONGEST_RUN_IN_WORDS = 2048
# How much of a value is kept around a finding, for a reviewer to see it in its place.
_AROUND = 200


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
    decided: Decided = field(default_factory=Decided)
    device: str = field(default="", repr=False)
    met: set[tuple[str, str]] = field(default_factory=set)
    waived: Counter[str] = field(default_factory=Counter)
    permitted: int = 0
    """How often the project's own values took a finding away: another file has other ones."""

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
        for finding in self._found(text, context, location, path, keyword):
            if not self._settled(finding, text):
                yield finding

    def _found(
        self, text: str, context: Context, location: str, path: str, keyword: str
    ) -> Iterator[Finding]:
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
        for found in self.rules.find(text, context, keyword, self.waived):
            if any(start <= found.start and found.end <= end for start, end in taken):
                continue
            rule = found.rule
            if rule.checksum or not self._permitted(text, found.start, found.end, rule.value_class):
                span = (found.start, found.end)
                yield self.finding(
                    location, rule.value_class, rule.id, text, span, detector="pattern"
                )
        yield from self._detected(text, context, location, keyword)

    def _detected(
        self, text: str, context: Context, location: str, keyword: str
    ) -> Iterator[Finding]:
        """Yield what the installed detectors find, and which of them could not look."""
        for detector in installed_detectors():
            found = detector.detect(text, str(context), keyword)
            if isinstance(found, str):
                place = location if detector.find else "file"
                yield could_not_check(self.file, place, found, detector=detector.name)
                continue
            for start, end, value_class in found:
                if not self._permitted(text, start, end, value_class):
                    yield self.finding(
                        location,
                        value_class,
                        detector.name,
                        text,
                        (start, end),
                        detector=detector.name,
                    )

    def _permitted(self, text: str, start: int, end: int, value_class: str) -> bool:
        permitted = self.allowed is not None and self.allowed.permits(text, start, end, value_class)
        self.permitted += permitted
        return permitted

    def _settled(self, finding: Finding, text: str) -> bool:
        """Tell whether a reviewer's decision covers the finding; a check digit is never covered."""
        if not (self.decided.harmless or self.decided.harmless_wholes):
            return False
        if finding.rule in self.rules.with_checksum:
            return False
        value = text[slice(*finding.span)] if finding.span else text
        if not self.decided.settles(finding, value, around(text, finding.span)):
            return False
        self.waived["review"] += 1
        return True

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
        found = Finding(self.file, location, value_class, rule, detector, span, shape_of(part))
        if not self.with_values:
            return found
        whole = around(text, span)
        return replace(found, value=part[: 2 * _AROUND], text=whole, device=self.device)

    def note(self, identifier: Identifier) -> None:
        """Remember that an identifier was met, so that the byte search need not tell it again."""
        self.met.add((identifier.kind, identifier.text))


def around(text: str, span: tuple[int, int] | None) -> str:
    """Return the value that a finding stands in, cut to what a person needs to see of it."""
    start, end = span or (0, 0)
    return text[max(0, start - _AROUND) : end + _AROUND]


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without repeats (two decodings of one value find the same)."""
    seen: dict[Finding, Finding] = {}
    for finding in findings:
        bare = replace(finding, value=None, text=None, device=None)
        seen.setdefault(bare, finding)
    return list(seen.values())

"""Clean one text: three detectors together, then labels or surrogates in the place of identifiers.

Known people (:mod:`known_search`), patterns and written dates (:mod:`patterns`, :mod:`dates`), and
words that are not known to be safe (:mod:`names`, :mod:`vocabulary`): what any of them finds, goes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from imagehaven.deidentify.text.data_files import declared
from imagehaven.deidentify.text.detect import dates, patterns
from imagehaven.deidentify.text.detect.dicom_names import names_with_carets
from imagehaven.deidentify.text.detect.scanned import clear_numbers, clear_words, misread_months
from imagehaven.deidentify.text.known import KnownPeople
from imagehaven.deidentify.text.naming import eponyms
from imagehaven.deidentify.text.naming.names import names_in
from imagehaven.deidentify.text.naming.reading import Reading
from imagehaven.deidentify.text.spans import LABEL, Found, Token, joined, tokens_of
from imagehaven.deidentify.text.surrogates import Surrogates
from imagehaven.deidentify.text.tagging.vote import Vote

_LOOSE = "pattern/mixed-number"


@dataclass(frozen=True, slots=True)
class Removed:
    """Characters ``start`` to ``end`` of the original text, and what stands there now."""

    start: int
    end: int
    kind: str
    detector: str
    replacement: str


@dataclass(frozen=True, slots=True)
class CleanedText:
    """The text without identifiers, and what was removed, in order and without overlap."""

    text: str = field(repr=False)
    removed: tuple[Removed, ...]


def clean_text(
    text: str,
    known: KnownPeople,
    *,
    days: int | None = None,
    surrogates: Surrogates | None = None,
) -> CleanedText:
    """Return ``text`` without identifiers.

    ``days`` moves written dates (negative: earlier); None removes them, and so are dates that
    cannot be moved. A year alone is moved by ``days`` too and is kept without them, as the Safe
    Harbor rule of HIPAA does (45 CFR 164.514(b)(2)(i)(C)), but not a year of birth. Without
    ``surrogates`` an identifier becomes its class's label, ``[NAME]``.
    """
    removed: list[Removed] = []
    for one in find_identifiers(text, known):
        if days is None and one.detector == "date/year":
            continue
        new = _replacement(text, one, days, surrogates)
        removed.append(Removed(one.start, one.end, one.kind, one.detector, new))
    return CleanedText(_spliced(text, removed), tuple(removed))


def find_identifiers(text: str, known: KnownPeople) -> list[Found]:
    """Return what must go from ``text``, in order and without overlap."""
    if not text:
        return []
    tokens = clear_words(tokens_of(text))
    labels = [match.span() for match in LABEL.finditer(text)]
    found = list(patterns.matches(text))
    days = _days(text)
    clear = misread_months(clear_numbers(text))
    if clear != text:
        found += (one for one in patterns.matches(clear) if one.detector != _LOOSE)
        days += (day for day in _days(clear) if day not in days)
    search = known.search
    found += search.squeezed(text, tokens)
    found += names_with_carets(text, tokens)
    found = [one for one in found if one.detector != _LOOSE or not _overlaps(one, days)]
    found += [day for day in days if not _overlaps(day, found)]
    terms = eponyms.terms(text, tokens, lambda token: token.folded in search.parts)
    termed = _Cover((tokens[at].start, tokens[at].end) for at in terms)
    found = [
        one for one in found if one.detector != "known" or not termed.spans(one.start, one.end)
    ]
    safe = _explained(text, tokens, labels, found)
    words = [one or not token.folded.isalpha() for one, token in zip(safe, tokens, strict=True)]
    reading = Reading(text, tokens, search, terms, words)
    known_names = _Cover((one.start, one.end) for one in found if one.kind == "NAME")
    for at, token in enumerate(tokens):
        if known_names.covers(token):
            # What is found already is where the rest of a name is looked for.
            reading.begin_with(at)
    found += names_in(reading)
    found += _unsafe_numbers(tokens, safe)
    vote = Vote(text)
    found = vote.confirmed(found)
    taken = _Cover((one.start, one.end) for one in found)
    found += vote.added(taken.spans, termed.spans)
    inside = _Cover(labels)
    return joined((f for f in found if not inside.touches(f.start, f.end)), text)


def _days(text: str) -> list[Found]:
    return [
        Found(d.start, d.end, "DATE", "date/year" if d.year_alone else "date")
        for d in dates.written_dates(text)
    ]


def _explained(
    text: str, tokens: list[Token], labels: list[tuple[int, int]], found: list[Found]
) -> list[bool]:
    """Say of each token whether it is within something found, a label or a safe number."""
    taken = _Cover((one.start, one.end) for one in found)
    kept = _Cover([*labels, *(match.span() for match in _safe_numbers().finditer(text))])
    return [taken.covers(token) or kept.covers(token) for token in tokens]


def _unsafe_numbers(tokens: list[Token], safe: list[bool]) -> Iterable[Found]:
    """Yield tokens with digits in them that no safe context explains."""
    for token, explained in zip(tokens, safe, strict=True):
        if not explained and not token.folded.isalpha() and any(c.isdigit() for c in token.text):
            yield Found(token.start, token.end, "ID", "number")


class _Cover:
    """Stretches of a text, merged, to ask quickly whether a token lies within."""

    def __init__(self, stretches: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(stretches):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def covers(self, token: Token) -> bool:
        return self.spans(token.start, token.end)

    def spans(self, start: int, end: int) -> bool:
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and end <= self._ends[at]

    def touches(self, start: int, end: int) -> bool:
        at = bisect_right(self._starts, end - 1) - 1
        return at >= 0 and start < self._ends[at]


@cache
def _safe_numbers() -> re.Pattern[str]:
    forms = "|".join(f"(?:{form})" for form in declared("safe_numbers.yaml"))
    # None begins inside a word, but for the time after the T of a date.
    return re.compile(rf"(?:(?<!\w)|(?<=T))(?=\S)(?:{forms})", re.I)


def _overlaps(one: Found, others: list[Found]) -> bool:
    """Say whether a date is part of something longer, as the birth date of a CHI number is."""
    return any(other.start <= one.start and one.end <= other.end for other in others)


def _replacement(text: str, one: Found, days: int | None, surrogates: Surrogates | None) -> str:
    stretch = text[one.start : one.end]
    if one.kind == "DATE" and days is not None:
        moved = _moved(stretch, text, one, days)
        if moved is not None:
            return moved
    if surrogates is None:
        return f"[{one.kind}]"
    return surrogates.replace(one.kind, stretch)


def _moved(stretch: str, text: str, one: Found, days: int) -> str | None:
    """Return a date moved; None where the stretch is not one whole date."""
    for day in dates.written_dates(text):
        if (day.start, day.end) == (one.start, one.end):
            moved = day.moved(days)
            if moved is not None:
                return moved
    return None


def _spliced(text: str, removed: list[Removed]) -> str:
    pieces: list[str] = []
    at = 0
    for one in removed:
        pieces += (text[at : one.start], one.replacement)
        at = one.end
    pieces.append(text[at:])
    return "".join(pieces)

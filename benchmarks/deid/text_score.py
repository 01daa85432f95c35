"""Counts what a de-identifier removed from annotated reports, and what it should have left.

An entity is found when every letter and digit of it is gone; a token (a run of letters and
digits) likewise. A clinical term is lost when any letter or digit of it is gone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from imagehaven.synth.reports import Report, Span

_TOKEN = re.compile(r"\w+")

Removal = tuple[int, int, str]
"""Start, end (in the report's text) and the kind that the system gave."""


@dataclass
class Score:
    """Counts over a corpus; every Counter is keyed by class, kind or hard case."""

    reports: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    tokens_found: Counter[str] = field(default_factory=Counter)
    hard: Counter[str] = field(default_factory=Counter)
    hard_found: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    removed_rightly: Counter[str] = field(default_factory=Counter)
    truly: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Tokens removed, by the kind given and the class that they truly are, '' where none."""
    terms: Counter[str] = field(default_factory=Counter)
    terms_lost: Counter[str] = field(default_factory=Counter)
    words: int = 0
    words_lost: int = 0
    clean_reports: int = 0
    missed: list[tuple[Report, Span]] = field(default_factory=list)
    needless: list[tuple[Report, int, int, str]] = field(default_factory=list)
    lost: list[tuple[Report, Span]] = field(default_factory=list)

    def share(self, part: Counter[str], whole: Counter[str], key: str | None = None) -> float:
        """Return a part of a whole, of one key or of all."""
        if key is None:
            return sum(part.values()) / max(1, sum(whole.values()))
        return part[key] / max(1, whole[key])


def wilson(part: int, whole: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share, 95 % with the usual z, each end from 0 to 1.

    Wilson's score interval (J. Am. Stat. Assoc. 22:209, 1927), which holds near 0 and 1 too; of
    nothing it is the whole range.
    """
    if not whole:
        return 0.0, 1.0
    share, spread = part / whole, z * z / whole
    middle = share + spread / 2
    width = z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    low, high = (middle - width) / (1 + spread), (middle + width) / (1 + spread)
    return max(0.0, low), min(1.0, high)


def gone(report: Report, removals: Iterable[Removal]) -> list[str]:
    """Return for each character of a report the kind it was removed as, '' where it stands."""
    kinds = [""] * len(report.text)
    for start, end, kind in removals:
        kinds[start:end] = [kind or "unnamed"] * (end - start)
    return kinds


def add(score: Score, report: Report, removals: Iterable[Removal]) -> None:
    """Add one report to a score."""
    kinds = gone(report, removals)
    score.reports += 1
    owner = [""] * len(report.text)
    clean = True
    for span in report.identifiers:
        owner[span.start : span.end] = [span.kind] * (span.end - span.start)
        whole = _all_gone(report.text, kinds, span.start, span.end)
        clean = clean and whole
        score.entities[span.kind] += 1
        score.found[span.kind] += whole
        for case in span.hard or ("none",):
            score.hard[case] += 1
            score.hard_found[case] += whole
        if not whole:
            score.missed.append((report, span))
    score.clean_reports += clean
    for span in report.clinical:
        lost = any(_letters(report.text, kinds, span.start, span.end))
        score.terms[span.kind] += 1
        score.terms_lost[span.kind] += lost
        if lost:
            score.lost.append((report, span))
    _add_tokens(score, report, kinds, owner)


def _add_tokens(score: Score, report: Report, kinds: list[str], owner: list[str]) -> None:
    for token in _TOKEN.finditer(report.text):
        start, end = token.span()
        kind = next((k for k in owner[start:end] if k), "")
        removed = next((k for k in kinds[start:end] if k), "")
        if kind:
            score.tokens[kind] += 1
            own = [place for place in range(start, end) if owner[place]]
            score.tokens_found[kind] += all(kinds[place] for place in own)
        else:
            score.words += 1
            score.words_lost += bool(removed)
            if removed:
                score.needless.append((report, start, end, removed))
        if removed:
            score.removed[removed] += 1
            score.removed_rightly[removed] += bool(kind)
            score.truly[removed, kind] += 1


def _letters(text: str, kinds: list[str], start: int, end: int) -> list[str]:
    return [kinds[place] for place in range(start, end) if text[place].isalnum()]


def _all_gone(text: str, kinds: list[str], start: int, end: int) -> bool:
    return all(_letters(text, kinds, start, end))

"""Stretches of a text: tokens, what detectors found, and how overlapping finds become one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imagehaven.deidentify.text.words import fold

INVISIBLE: Final = "\u00ad\u0300-\u036f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff"
_TOKEN = re.compile(rf"[^\W_](?:[^\W_]|[{INVISIBLE}]|['’`´](?=[^\W\d_]))*")
LABEL = re.compile(r"\[(?:NAME|DATE|AGE|ID|PHONE|EMAIL|ADDRESS|POSTCODE|PLACE|URL|UID|REMOVED)\]")


@dataclass(frozen=True, slots=True)
class Found:
    """Characters ``start`` to ``end`` that must go: their kind, and which detector says so."""

    start: int
    end: int
    kind: str
    detector: str


@dataclass(frozen=True, slots=True)
class Token:
    """A run of letters and digits; ``folded`` is how it is compared, without a possessive."""

    start: int
    end: int
    text: str
    folded: str

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[0].isupper()

    @property
    def initial(self) -> bool:
        """Whether it is one capital letter, or two as ``JS``."""
        return len(self.text) <= 2 and self.text.isupper() and self.text.isalpha()


def tokens_of(text: str) -> list[Token]:
    """Return the runs of letters and digits of ``text``, apostrophes inside words included."""
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        bare = word[:-2] if len(word) > 3 and word[-2] in "'’`´" and word[-1] in "sS" else word
        found.append(Token(match.start(), match.end(), word, fold(bare)))
    return found


def joined(found: Iterable[Found], text: str) -> list[Found]:
    """Return finds in order without overlap; names with only a gap between them become one.

    Where two overlap the one that begins first, and of these the longest, gives the kind.
    """
    result: list[Found] = []
    for one in sorted(found, key=lambda item: (item.start, -item.end)):
        if result and one.start < result[-1].end:
            last = result[-1]
            if one.end > last.end:
                result[-1] = Found(last.start, one.end, last.kind, last.detector)
            continue
        if result and one.kind == result[-1].kind and _only_gap(text, result[-1].end, one.start):
            last = result[-1]
            result[-1] = Found(last.start, one.end, last.kind, last.detector)
            continue
        result.append(one)
    return result


def _only_gap(text: str, start: int, end: int) -> bool:
    return (
        end - start <= 3
        and not text[start:end].strip(" \t-‐‑.,^'’")
        and "\n" not in text[start:end]
    )

"""What a reading may stand for: characters that a reader takes for one another, names misread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from imagehaven.verify.detect.text import fold, words
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import is_distinctive

_AS_DIGITS: Final = str.maketrans("OoQDIl|!SsBZzGg", "000011115582269")
_AS_LETTERS: Final = str.maketrans("0158|", "OISBI")
_RUN: Final = re.compile(r"\S+")
_LEAST_DIGITS: Final = 0.5
"""From this share of digits on, the letters of a run may be digits that were misread."""
_ALIKE: Final = 80
"""How alike, 0 to 100, a word must be to a name of the patient to be taken for it."""
_SHORTEST_NAME: Final = 4


def misread(text: str, known: KnownIdentifiers | None) -> Iterator[str]:
    """Yield the text as read, and what else it may say, without repeats."""
    seen = {text}
    yield text
    for other in (_digits(text), _letters(text), _names(text, known)):
        if other not in seen:
            seen.add(other)
            yield other


def _digits(text: str) -> str:
    """Return ``text`` with letters read as digits in runs that are mostly digits."""

    def mended(match: re.Match[str]) -> str:
        run = match.group()
        letters = [character for character in run if character.isalnum()]
        digits = sum(map(str.isdigit, letters))
        return run.translate(_AS_DIGITS) if digits >= _LEAST_DIGITS * len(letters) else run

    return _RUN.sub(mended, text)


def _letters(text: str) -> str:
    """Return ``text`` with digits read as letters in runs that are mostly letters."""

    def mended(match: re.Match[str]) -> str:
        run = match.group()
        return run.translate(_AS_LETTERS) if 2 * sum(map(str.isalpha, run)) > len(run) else run

    return _RUN.sub(mended, text)


def _names(text: str, known: KnownIdentifiers | None) -> str:
    """Return ``text`` with words that nearly are a name of the patient replaced by the name."""
    if not known:
        return text
    names = _names_of(known)

    def mended(match: re.Match[str]) -> str:
        word = fold(match.group())
        if len(word) < _SHORTEST_NAME or not names:
            return match.group()
        found = process.extractOne(word, names, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return str(found[0]) if found else match.group()

    return re.sub(r"[^\W\d_]+", mended, text)


@lru_cache(maxsize=64)
def _names_of(known: KnownIdentifiers) -> tuple[str, ...]:
    """Return the words of known names that prove something by themselves."""
    found = {word for item in known.items if item.kind == "person" for word in words(item.text)}
    return tuple(sorted(w for w in found if len(w) >= _SHORTEST_NAME and is_distinctive(w)))

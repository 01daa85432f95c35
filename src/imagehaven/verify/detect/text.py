"""Text as the verifier compares it: case and accents folded, cut into words and digit runs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

# What may stand between two parts of one name or number: "SMITH^JOHN", "Smith, John", "12-34".
MAX_GAP: Final = 3
FIRST_IDEOGRAPH: Final = 0x2E80

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_NOT_WORD = re.compile(r"[\W_]+")


class Token(NamedTuple):
    """A word or digit run with its place in the folded text."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents, compatibility forms (full width) resolved."""
    if text.isascii():
        return text.lower()
    return _fold_unicode(text)


@lru_cache(maxsize=4096)
def _fold_unicode(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    # NFC puts Hangul syllables together again, so that a syllable stays one character.
    return unicodedata.normalize("NFC", plain.casefold())


def tokens(folded: str) -> Iterator[Token]:
    """Yield the words and digit runs of a folded text, in order."""
    for match in _TOKEN.finditer(folded):
        yield Token(match.group(), match.start(), match.end())


def words(text: str) -> tuple[str, ...]:
    """Return the folded words and digit runs of ``text``."""
    return tuple(_TOKEN.findall(fold(text)))


def squeeze(text: str) -> str:
    """Return the folded letters and digits of ``text``, all separators removed."""
    return _NOT_WORD.sub("", fold(text))


def is_ideographic(text: str) -> bool:
    """Tell whether ``text`` is in a script that is written without spaces between words."""
    return any(ord(ch) >= FIRST_IDEOGRAPH for ch in text)


def near(left_end: int, right_start: int, folded: str) -> bool:
    """Tell whether two tokens stand side by side, with no more than a short separator between."""
    return right_start - left_end <= MAX_GAP and "\n" not in folded[left_end:right_start]

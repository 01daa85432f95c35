"""Descriptions are kept when every word of them is known imaging vocabulary, and else are not.

The vocabulary is ``data/descriptor_vocabulary.txt``: words, patterns for words with numbers in
them, and phrases, whose words alone are not known. It is reviewed by people; names of people and
places, months and titles must never enter it, but in the phrase that a disease's name stands in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from imagehaven.deidentify.rulebook.table import data_text
from imagehaven.errors import UserError

_WORD = re.compile(r"[^\W_]+(?:\.[0-9]+[a-z]*)*")
_SEPARATORS = re.compile(r"[\w\s.,;:^*+/\\()\[\]<>#&%=!'\"-]*")
_FILE = "descriptor_vocabulary.txt"


@dataclass(frozen=True)
class Vocabulary:
    """Known words in lower case, a pattern for words that carry numbers, and one for phrases."""

    words: frozenset[str]
    numbers: re.Pattern[str]
    phrases: re.Pattern[str]

    @classmethod
    def load(cls) -> Vocabulary:
        """Load the reviewed vocabulary; :class:`UserError` names the line at fault."""
        return _parse(data_text(_FILE))

    def knows(self, text: str) -> bool:
        """Say whether ``text`` is made of known words, short numbers and punctuation only."""
        if not text.isascii() or not _SEPARATORS.fullmatch(text):
            return False
        return all(
            word in self.words or self.numbers.fullmatch(word) is not None
            for word in _WORD.findall(self.phrases.sub(" ", text.lower()))
        )


@cache
def _parse(text: str) -> Vocabulary:
    words: set[str] = set()
    patterns: list[str] = []
    phrases: list[str] = []
    for line, content in enumerate(text.splitlines(), 1):
        entry = content.split("#", 1)[0].strip()
        if entry.startswith("~"):
            patterns.append(_pattern(entry[1:].strip(), line))
            continue
        if entry.startswith("="):
            phrases.append(r"\s+".join(map(re.escape, entry[1:].split())))
            continue
        for word in entry.split():
            if not re.fullmatch(r"[a-z0-9]+", word):
                raise UserError(f"{_FILE}:{line}: a word is lower-case letters and digits only.")
            words.add(word)
    return Vocabulary(
        frozenset(words),
        re.compile("|".join(patterns) or r"(?!)"),
        re.compile(rf"\b(?:{'|'.join(phrases) or r'(?!)'})\b"),
    )


def _pattern(entry: str, line: int) -> str:
    try:
        re.compile(entry)
    except re.error:
        raise UserError(f"{_FILE}:{line}: this is not a regular expression.") from None
    return f"(?:{entry})"

"""Values of makers and of the Standard are kept when their words are known technical ones.

A kernel, a model, a software version or a coded string is no place for a person, so the guard,
which knows this patient's names, is not enough: the name of somebody else may stand there. The
words are ``data/technical_vocabulary.txt``, and those of descriptions; reviewed by people. A whole
value may stand there too, where a word of it is somebody's name, as in the address of a program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pydicom.datadict import tag_for_keyword

from imagehaven.deidentify.rulebook.descriptors import Vocabulary
from imagehaven.deidentify.rulebook.table import data_text
from imagehaven.errors import UserError

_FILE = "technical_vocabulary.txt"
_RUN = re.compile(r"[a-z]+")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{6}(?!\d)(?<!000)|\d{7}")
"""Six digits or more, round ones apart: no date and hardly a record number ends in 000."""

_LETTERS = 3
"""Letters that a run may have without being a known word, as abbreviations do."""


@dataclass(frozen=True)
class Technical:
    """Known words, names so short that they would pass as abbreviations, and whole values."""

    words: frozenset[str]
    short_names: frozenset[str]
    values: frozenset[str] = frozenset()

    @classmethod
    def load(cls) -> Technical:
        """Load the reviewed words; :class:`UserError` names the line at fault."""
        return _parse(data_text(_FILE), Vocabulary.load().words)

    def knows(self, text: str) -> bool:
        """Say whether ``text`` is made of known words, abbreviations and numbers up to 99999."""
        if text.lower() in self.values:
            return True
        return not _LONG_NUMBER.search(text) and self.knows_words(text)

    def knows_words(self, text: str) -> bool:
        """Say whether every run of letters is a known word or an abbreviation."""
        if not text.isascii():
            return False
        if tag_for_keyword(text) is not None:
            return True  # as dimensions are labelled
        return all(self._knows_run(run) for run in _RUN.findall(text.lower()))

    def _knows_run(self, run: str) -> bool:
        return run in self.words or (len(run) <= _LETTERS and run not in self.short_names)


@cache
def _parse(text: str, descriptors: frozenset[str]) -> Technical:
    words, short_names, values = set(descriptors), set[str](), set[str]()
    for line, content in enumerate(text.splitlines(), 1):
        if content.startswith("= "):
            values.add(content.removeprefix("= ").strip().lower())
            continue
        entry = content.split("#", 1)[0]
        chosen = short_names if entry.startswith("!") else words
        for word in entry.removeprefix("!").split():
            if not _RUN.fullmatch(word) or (chosen is short_names and len(word) > _LETTERS):
                raise UserError(
                    f"{_FILE}:{line}: a word is lower-case letters only, and a short name has "
                    f"at most {_LETTERS}."
                )
            chosen.add(word)
    return Technical(frozenset(words), frozenset(short_names), frozenset(values))

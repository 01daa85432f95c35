"""Judge each word by itself: a known name, no known word, or a name by its capital."""

from __future__ import annotations

import re
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, misspelt_term
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.naming.reading import Reading

_FEWEST: Final = 3
_MOST: Final = 6
_VALUE = re.compile(r"[ ]?[=:]?[ ]?\d{1,3}(?:\.\d+)?(?![\w/])")
_VOWELS: Final = frozenset("aeiouy")


def judge_alone(reading: Reading, at: int) -> None:
    """Judge a word by itself: a known name, no known word, or a name by its capital."""
    token, word = reading.tokens[at], reading.words[at]
    if word is None or len(token.folded) == 0:
        return
    exact = token.folded in reading.search.parts
    if word is Word.UNKNOWN:
        if len(token.text) == 1 and token.folded.isascii():
            return  # a letter of a list, a side, an orientation
        if _is_abbreviation(reading, at) and not exact:
            return
        close = exact or reading.search.close(token.folded)
        lower = token.text.islower() and not reading.whispering
        if close:
            reading.mark(at, "NAME", "known")
        elif not (
            (lower or reading.whispering or reading.shouting) and misspelt_term(token.folded)
        ):
            reading.mark(at, "REMOVED" if lower else "NAME", "vocabulary")
        return
    if exact and len(token.folded) > 1:
        _known_word(reading, at, word)
    elif word is Word.NAME_TOO and reading.capital_inside(at):
        reading.mark(at, "NAME", "vocabulary")
    elif (
        token.capital
        and (word is not Word.SAFE or not reading.shouting)
        and reading.inside(at)
        and reading.search.close(token.folded)
    ):
        reading.mark(at, "NAME", "known")


def _known_word(reading: Reading, at: int, word: Word) -> None:
    """Judge a word that is a known person's name as well."""
    token = reading.tokens[at]
    if token.folded in contexts().stops:
        return
    monocase = reading.shouting or reading.whispering
    clinical = word is Word.CLINICAL_NAME
    if (monocase and not clinical) or (
        token.capital
        and not monocase
        and (reading.inside(at) or not clinical)
        and (clinical or not reading.starts_plainly(at))
    ):
        reading.mark(at, "NAME", "known")


def _is_abbreviation(reading: Reading, at: int) -> bool:
    """Say whether capitals inside other text cannot be read as a name: ``NHSG``, ``NPI 3.4``.

    Initials after a role or at the end of a report are found by their context.
    """
    token = reading.tokens[at]
    if reading.shouting or not token.text.isupper() or not _FEWEST <= len(token.text) <= _MOST:
        return False
    value = _VALUE.match(reading.text, token.end) is not None and len(token.text) <= _FEWEST
    return value or not _VOWELS & set(token.folded)

"""A text as the network reads it: words, runs of digits, marks, line ends; what each looks like.

Every piece becomes a row of :data:`COLUMNS` whole numbers below :data:`SIZES`, each of which the
network looks up in a table of its own. Nothing of a piece's spelling goes in but its ends, hashed,
and its place in the list of common words.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imagehaven.deidentify.text.data_files import words_of
from imagehaven.deidentify.text.detect.vocabulary import Word, judge, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.naming.eponyms import eponyms
from imagehaven.deidentify.text.words import fold

_PIECE: Final = re.compile(
    r"[^\W\d_]+(?:['’`´][^\W\d_]+)*|\d+|[ \t]*\n[ \t]*\n\s*|[ \t]*\n[ \t]*|[^\w\s]|_"
)
_ENDS: Final = 1024
_MARKS: Final = ".,:;()/-|[]<>=?+*#&@'\"%_~\\!^·•"
#: How many different values a column has: word, beginning, two ends, shape, length, list, eponym,
#: role, gap before, case of the whole text, whether the word stands in it more than once.
SIZES: Final = (4096, _ENDS, _ENDS, _ENDS, 56, 12, 10, 8, 16, 4, 4, 4)
COLUMNS: Final = len(SIZES)


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters ``start`` to ``end`` of a text."""

    start: int
    end: int
    text: str


def pieces_of(text: str) -> list[Piece]:
    """Return the pieces of ``text`` in order; spaces are none."""
    return [Piece(m.start(), m.end(), m.group()) for m in _PIECE.finditer(text)]


def rows_of(text: str, pieces: list[Piece]) -> NDArray[np.int32]:
    """Return a row of numbers for each piece (pieces x :data:`COLUMNS`)."""
    letters = [letter for letter in text if letter.isalpha()]
    upper = sum(map(str.isupper, letters))
    case = 1 if upper > 0.7 * len(letters) else 2 if not upper else 0
    said = Counter(piece.text.lower() for piece in pieces)
    lower = {piece.text for piece in pieces if piece.text.islower()}
    rows = np.empty((len(pieces), COLUMNS), np.int32)
    end = 0
    for at, piece in enumerate(pieces):
        known = piece.text.lower()
        again = (said[known] > 1) + 2 * (known in lower and not piece.text.islower())
        rows[at] = (*_looks(piece.text), min(piece.start - end, 2), case, again)
        end = piece.end
    return rows


@lru_cache(maxsize=65536)
def _looks(text: str) -> tuple[int, ...]:
    """Return the numbers of a piece that do not depend on what stands around it."""
    folded = fold(text[:-2] if text[-2:].lower() in {"'s", "’s", "`s", "´s"} else text)
    if not folded.isalpha():
        return (0, 0, 0, 0, _shape(text), min(len(text), 11), 9, 0, 0)
    return (
        _words().get(folded, 0),
        _hashed(folded[:3]),
        _hashed(folded[-3:]),
        _hashed(folded[-2:]),
        _shape(text),
        min(len(text), 11),
        _listed(folded),
        _eponym(folded),
        _role(folded),
    )


def _hashed(ending: str) -> int:
    return crc32(ending.encode()) % (_ENDS - 1) + 1


def _shape(text: str) -> int:  # noqa: PLR0911 - one shape a line
    """Return a number for how a piece is written."""
    if "\n" in text:
        return 1 if text.count("\n") == 1 else 2
    if text.isdigit():
        return 2 + min(len(text), 6)
    if not text[0].isalpha():
        return 20 + (_MARKS.find(text[0]) + 1)
    if len(text) == 1:
        return 9 if text.isupper() else 10
    if text.isupper():
        return 9 + min(len(text), 5)
    if text.islower():
        return 15
    if text[1:].islower():
        return 16
    return 17 if text[0].isupper() else 18


def _listed(folded: str) -> int:
    """Return a number for the lists that a word is in."""
    kind = {Word.SAFE: 1, Word.CLINICAL_NAME: 2, Word.NAME_TOO: 3, Word.UNKNOWN: 4}[judge(folded)]
    return kind + 4 * (folded in vocabulary().medical)


def _eponym(folded: str) -> int:
    lists = eponyms()
    named = 1 if folded in lists.alone else 2 if folded in lists.with_head else 0
    head = 2 if folded in lists.strict_heads else 1 if folded in lists.heads else 0
    return named + 3 * (head > 0) if named else 5 + head if head else 0


@cache
def _roles() -> tuple[frozenset[str], ...]:
    lists = contexts()
    return (
        lists.sure,
        lists.likely,
        lists.relations,
        lists.strong_roles,
        lists.actions,
        lists.sure_institutions,
        lists.institutions,
        lists.weak_institutions,
        lists.departments,
        lists.person_verbs,
        lists.streets,
        lists.particles,
        lists.stops,
    )


def _role(folded: str) -> int:
    return next((at for at, words in enumerate(_roles(), 1) if folded in words), 0)


@cache
def _words() -> dict[str, int]:
    """Return the common words by their number, which begins with 1."""
    return {word: at for at, word in enumerate(sorted(words_of("words/tagger.txt")), 1)}

"""Find known people, identifiers and places in text, however they are written.

Names are found by their parts in any order, case and with one or two letters wrong (optimal string
alignment distance), glued, spaced out, hyphenated or broken by a line end; identifiers and places
by their letters and digits alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import OSA

from imagehaven.deidentify.text.spans import Found, Token
from imagehaven.deidentify.text.words import fold

if TYPE_CHECKING:
    from imagehaven.deidentify.text.known import KnownPeople

_SHORTEST_FUZZY: Final = 4
_TWO_EDITS: Final = 8
_SHORTEST_BROKEN: Final = 5
_MOST_PARTS: Final = 4


class KnownSearch:
    """The compiled search for one :class:`KnownPeople`."""

    def __init__(self, known: KnownPeople) -> None:
        self.parts = frozenset(part for name in known.names for part in name if len(part) > 1)
        self._whole = {joined for name in known.names for joined in _orders(name)}
        self._broken = self._whole | {p for p in self.parts if len(p) >= _SHORTEST_BROKEN}
        self._numbers = {_squeezed(text): "ID" for text in known.identifiers}
        self._places = {_squeezed(line): "PLACE" for text in known.places for line in _lines(text)}
        self._places = {place: kind for place, kind in self._places.items() if len(place) > 3}
        self.close = lru_cache(maxsize=8192)(self._close)

    def _close(self, folded: str) -> bool:
        """Say whether a folded word is a known part with one or two letters wrong."""
        if len(folded) < _SHORTEST_FUZZY:
            return False
        for part in self.parts:
            edits = 2 if len(part) >= _TWO_EDITS else 1
            if (
                len(part) >= _SHORTEST_FUZZY
                and abs(len(part) - len(folded)) <= edits
                and OSA.distance(part, folded, score_cutoff=edits) <= edits
            ):
                return True
        return False

    def squeezed(self, text: str, tokens: list[Token]) -> Iterator[Found]:
        """Yield identifiers, places, and names that are glued, spaced out or broken."""
        if not (self._broken or self._numbers or self._places):
            return
        letters, places = _with_places(text)
        starts = {token.start for token in tokens}
        ends = {token.end for token in tokens}
        exact = {(token.start, token.end) for token in tokens}
        for wanted, kind in (*self._numbers.items(), *self._places.items()):
            for start, end in _occurrences(letters, places, wanted):
                if _apart(text, start, end):
                    yield Found(start, end, kind, "known")
        for name in self._broken:
            whole = name in self._whole
            for start, end in _occurrences(letters, places, name):
                spaced = start in starts and end in ends
                glued = whole and len(name) >= _TWO_EDITS
                if glued or (spaced and (whole or (start, end) not in exact)):
                    yield Found(start, end, "NAME", "known")


def _orders(name: tuple[str, ...]) -> Iterator[str]:
    """Yield the parts of a name glued together, in every order, with initials too."""
    parts = [part for part in name if part][:_MOST_PARTS]
    for count in range(2, len(parts) + 1):
        for order in permutations(parts, count):
            glued = "".join(order)
            if sum(len(part) > 1 for part in order) > 1 and len(glued) >= _SHORTEST_BROKEN:
                yield glued


def _lines(text: str) -> list[str]:
    """Return the lines of an address, and the whole."""
    return [text, *re.split(r"[,;\r\n\\^]+", text)]


def _squeezed(text: str) -> str:
    return "".join(letter for letter in fold(text) if letter.isalnum())


def _with_places(text: str) -> tuple[str, list[int]]:
    """Return the folded letters and digits of a text, and where each stands in it."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character.isascii():
            if character.isalnum():
                letters.append(character.lower())
                places.append(place)
            continue
        for letter in fold(character):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def _occurrences(letters: str, places: list[int], wanted: str) -> Iterator[tuple[int, int]]:
    at = letters.find(wanted) if wanted else -1
    while at >= 0:
        yield places[at], places[at + len(wanted) - 1] + 1
        at = letters.find(wanted, at + 1)


def _apart(text: str, start: int, end: int) -> bool:
    """Say whether nothing of the same sort goes on before ``start`` or after ``end``."""
    return not (
        _same(text[start - 1 : start], text[start]) or _same(text[end : end + 1], text[end - 1])
    )


def _same(one: str, other: str) -> bool:
    if not one:
        return False
    return (one.isdigit() and other.isdigit()) or (one.isalpha() and other.isalpha())

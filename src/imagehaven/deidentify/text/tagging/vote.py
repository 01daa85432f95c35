"""Let the network add what the rules missed, and take back what they took for want of a word.

It may only take back what nothing but a missing word or a weak context speaks against, and never
what is known of the people, what a title stands before, or what a pattern found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imagehaven.deidentify.text.detect.vocabulary import Word, judge, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.naming.sites import speaks_of_a_place
from imagehaven.deidentify.text.spans import Found
from imagehaven.deidentify.text.tagging.tagger import LABELS, shares_of
from imagehaven.deidentify.text.words import fold

_NAME, _PLACE, _AGE = (LABELS.index(label) for label in ("name", "place", "age"))
_HARMLESS: Final = [LABELS.index("other"), LABELS.index("term")]
#: From which share of a name or a place on a word goes, by what the lists say of it.
_ENOUGH: Final = {
    Word.UNKNOWN: 0.5,
    Word.CLINICAL_NAME: 0.8,
    Word.NAME_TOO: 0.9,
    Word.SAFE: 0.99,
}
_SURE: Final = 0.99
#: From which share on a word is looked at, and goes beside one that goes.
_LEAST: Final = 0.5
_ALONG: Final = 0.9
#: From which share on a word goes that the rules take for a term.
_TERM: Final = 0.95
#: Letters of initials, and from which share on they go: in a text of capitals they must be surer.
_INITIALS: Final = 3
_INITIALED: Final = 0.6
_CAPITALS: Final = 0.97
#: Characters between two finds that belong together.
_BESIDE: Final = 2
_SHOUTING: Final = 0.7
_NEVER: Final = 2.0
_OLD: Final = 90
#: Texts of fewer pieces tell the network too little: nothing is taken back or added.
_FEWEST: Final = 25
#: Below which share of all that identifies a find is taken back, and of which detectors.
_DOUBT: Final = 0.005
_DOUBT_OF_MEDICINE: Final = 0.1
_DOUBTED: Final = frozenset(
    (
        "vocabulary",
        "number",
        "context/field",
        "context/role",
        "context/neighbour",
        "context/sign-off",
        "context/institution",
        "context/organisation",
        "context/place",
    )
)


#: What finds more than one word of a place: where one of them stays, all do.
_PARTS: Final = frozenset(("context/institution", "context/organisation", "context/place"))


class Vote:
    """What the network says of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.pieces, self.shares = shares_of(text)
        letters = [letter for letter in text if letter.isalpha()]
        self._shouting = sum(map(str.isupper, letters)) > _SHOUTING * len(letters)
        self._silent = len(self.pieces) < _FEWEST
        self._starts = [piece.start for piece in self.pieces]

    def confirmed(self, found: Iterable[Found]) -> list[Found]:
        """Return the finds but those that the network is sure are nobody's.

        What stands between two finds that stay is part of them, and stays as well.
        """
        ordered = sorted(found, key=lambda one: (one.start, one.end))
        if self._silent:
            return ordered
        kept: list[Found] = []
        group: list[Found] = []
        for one in ordered:
            if group and one.start - group[-1].end > _BESIDE:
                kept += self._stays(group)
                group = []
            group.append(one)
        return kept + self._stays(group)

    def _stays(self, group: list[Found]) -> list[Found]:
        """Return a group of finds beside each other, from the first that is not doubted on."""
        sure = [
            at
            for at, one in enumerate(group)
            if one.detector not in _DOUBTED
            or self._identifies(one) >= self._doubt(one)
            or speaks_of_a_place(self._text, one.start, one.end)
        ]
        if not sure:
            return []
        first, last = sure[0], sure[-1]
        while first and group[first - 1].detector in _PARTS and self._own(group[first - 1]):
            first -= 1
        while last + 1 < len(group) and group[last + 1].detector in _PARTS:
            last += 1
        return group[first : last + 1]

    def _own(self, one: Found) -> bool:
        """Say whether a word before what stays is part of it: not SOURCE OF DATA before a name."""
        words = self._text[one.start : one.end].split()
        return any(judge(fold(word)) is not Word.SAFE for word in words)

    def added(
        self, taken: Callable[[int, int], bool], term: Callable[[int, int], bool]
    ) -> Iterator[Found]:
        """Yield what the network takes for a name, a place or an age over 89.

        ``taken`` says of two offsets whether what stands between them goes already, ``term``
        whether the rules take it for part of a term of medicine.
        """
        if self._silent:
            return
        told = self.shares[:, _NAME] + self.shares[:, _PLACE]
        for place, piece in enumerate(self.pieces):
            if 1 < len(piece.text) <= _INITIALS and piece.text.isupper():
                told[place] = self.shares[place, _NAME]  # capitals beside a place are not of it
        run: list[int] = []
        for at in np.flatnonzero(told >= _LEAST):
            if not self.pieces[at].text[0].isalpha():
                continue
            if run and self.pieces[at].start - self.pieces[run[-1]].end > _BESIDE:
                yield from self._run(run, told, taken, term)
                run = []
            run.append(int(at))
        yield from self._run(run, told, taken, term)
        for at in np.flatnonzero(self.shares[:, _AGE] >= _ENOUGH[Word.UNKNOWN]):
            piece = self.pieces[at]
            if piece.text.isdigit() and _OLD <= int(piece.text[:4]) < 130:
                yield Found(piece.start, piece.end, "AGE", "network")

    def _may_follow(self, at: int) -> bool:
        """Say whether a word with a capital may be another part of a name.

        A plain word of medicine is part of a hospital's name (Eye, Chest), but of no person's.
        """
        word = self.pieces[at].text
        folded = fold(word)
        plain = judge(folded) is Word.SAFE and folded in vocabulary().medical
        placed = self.shares[at, _PLACE] > self.shares[at, _NAME]
        return word[0].isupper() and (bool(placed) or not plain)

    def _doubt(self, one: Found) -> float:
        """Return below which share a find is taken back: plain words of medicine name few."""
        folded = fold(self._text[one.start : one.end])
        plain = judge(folded) is Word.SAFE and folded in vocabulary().medical
        return _DOUBT_OF_MEDICINE if plain else _DOUBT

    def _run(
        self,
        run: list[int],
        told: NDArray[np.float32],
        taken: Callable[[int, int], bool],
        term: Callable[[int, int], bool],
    ) -> Iterator[Found]:
        """Yield the words of a run that go: all that are sure, and what stands between them."""
        spans = [(self.pieces[at].start, self.pieces[at].end) for at in run]
        spoken = [taken(*span) for span in spans]
        sure = [
            known or told[at] >= (_TERM if term(*span) else self._enough(self.pieces[at].text))
            for at, span, known in zip(run, spans, spoken, strict=True)
        ]
        if not any(
            self._tells(at, known) for at, one, known in zip(run, sure, spoken, strict=True) if one
        ):
            return
        first, last = sure.index(True), len(sure) - sure[::-1].index(True) - 1
        for place, (at, span) in enumerate(zip(run, spans, strict=True)):
            along = told[at] >= _ALONG and self._may_follow(at)
            along = (along and not self._shouting) or first < place < last
            if not spoken[place] and (sure[place] or (along and not term(*span))):
                kind = "NAME" if self.shares[at, _NAME] >= self.shares[at, _PLACE] else "PLACE"
                yield Found(*span, kind, "network")

    def _tells(self, at: int, spoken: bool) -> bool:
        """Say whether a word may go by itself; a plain word goes only beside a name."""
        word = self.pieces[at].text
        initials = 1 < len(word) <= _INITIALS and word.isupper()
        return spoken or initials or judge(fold(word)) is not Word.SAFE

    def _enough(self, word: str) -> float:
        """Return from which share on a word goes: the plainer it is, the surer it must be."""
        kind = judge(fold(word))
        if len(word) <= _INITIALS and word.isupper() and fold(word) not in contexts().stops:
            if self._shouting:
                return _CAPITALS
            return _ALONG if fold(word) in vocabulary().medical else _INITIALED
        if kind is Word.SAFE and (self._shouting or not word[0].isupper()):
            return _NEVER
        return _SURE if self._shouting or not word[0].isupper() else _ENOUGH[kind]

    def _identifies(self, one: Found) -> float:
        """Return the largest share of all that identifies, over the words of a find."""
        first = bisect_left(self._starts, one.start)
        if first and self.pieces[first - 1].end > one.start:
            first -= 1
        largest = 0.0
        for at in range(first, len(self.pieces)):
            piece = self.pieces[at]
            if piece.start >= one.end:
                break
            if piece.text[0].isalnum():
                largest = max(largest, 1.0 - float(self.shares[at, _HARMLESS].sum()))
        return largest

"""Search for the known identifiers of one patient in one text.

The text is folded and cut into words once; words and phrases are looked up in tables, numbers are
first looked for in the text with its separators removed. So the cost hardly grows with the number
of identifiers. What is too short or too ordinary to prove anything alone ("Head", "CT", "12") is
found only beside a second part of the same name, or as a whole value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import permutations
from typing import Final, NamedTuple

from imagehaven.verify.detect.dates import WrittenDate, written_dates
from imagehaven.verify.detect.text import Token, fold, is_ideographic, near, squeeze, tokens, words
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.known_sources import known_sources

_UID = re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}")
_SEPARATORS: Final = r"[\W_]{0,3}"
_SHORTEST_WORD: Final = 3
_SHORTEST_ID: Final = 5
SHORTEST_ID_AS_NUMBER: Final = 7
"""Shorter numbers prove nothing where values are numbers."""
_SHORTEST_JOINED: Final = 6
_SHORTEST_CUT: Final = 12
_LONGEST_KEPT: Final = 512
_MOST_KEPT: Final = 20_000
_LABEL_REACH: Final = 24
_LABEL: Final = re.compile(
    r"(?:serial|(?<![a-z])(?:s/?n|no|nr|num|number|id)|serial ?number)[\W_]{0,4}$"
)
# Ten digits in a row are found by accident once in ten thousand million; no boundary is asked for.
_UNMISTAKABLE: Final = 10


class Context(StrEnum):
    """What kind of value a text came from; ordinary numbers are no evidence where numbers live."""

    TEXT = "text"
    NAME = "name"
    CODE = "code"
    NUMBER = "number"
    INTEGER = "integer"
    UID = "uid"
    DATE = "date"
    BINARY = "binary"
    FILE_NAME = "file-name"


class Match(NamedTuple):
    """An identifier found in a text: where (in the folded text), which, and by which rule."""

    start: int
    end: int
    identifier: Identifier
    rule: str


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Return the folded words that are names and also ordinary or medical words."""
    text = files("imagehaven.verify.detect").joinpath("data", "common_words.txt").read_text("utf-8")
    return frozenset(w for line in text.splitlines() if line[:1] != "#" for w in line.split())


def is_distinctive(word: str) -> bool:
    """Tell whether a word proves something by itself."""
    return len(word) >= _SHORTEST_WORD and word not in common_words() and not word.isdigit()


Places = dict[tuple[str, str], Identifier]
"""What stood at an element of the source, by its path and its folded text."""


def candidates(folded: str) -> set[str]:
    """Return the forms in which a value may stand unchanged at its element.

    A date may carry a time, a name its phonetic groups: the value counts up to there.
    """
    value = folded.strip(" \0")
    return {value, value[:8], value.split("=")[0]} - {""}


def _order(item: Identifier) -> tuple[str, str, str, str]:
    return item.kind, item.text, item.group, item.path


def _places(items: Iterable[Identifier]) -> Places:
    found: Places = {}
    for item in items:
        if item.path:
            place = item.path, fold(item.text)
            other = found.get(place)
            if other is None or _order(other) <= _order(item):
                found[place] = item
    return found


def _at_its_own_place(places: Places, folded: str, path: str) -> Iterator[Match]:
    value = folded.strip(" \0")
    for candidate in candidates(folded) if path else ():
        item = places.get((path, candidate))
        if item and (candidate == value or item.kind in ("date", "person")):
            yield Match(0, len(folded), item, "known-unchanged")


class Matcher:
    """The compiled search for a set of identifiers."""

    def __init__(self, items: Iterable[Identifier]) -> None:
        self._alone: dict[str, Identifier] = {}
        self._pairs: dict[str, dict[str, Identifier]] = {}
        self._whole: dict[str, Identifier] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], Identifier]]] = {}
        self._substrings: dict[str, Identifier] = {}
        self._numbers: dict[str, tuple[str, Identifier]] = {}
        self._cut: dict[str, Identifier] = {}
        self._uids: dict[str, Identifier] = {}
        self._dates: dict[str, Identifier] = {}
        self._kept: dict[tuple[str, Context], list[Match]] = {}
        # Sorted, so that the same identifiers always give the same finding.
        ordered = sorted(items, key=_order)
        self._unchanged = _places(ordered)
        for item in ordered:
            _ADD[item.kind](self, item)

    def find(self, text: str, context: Context, path: str = "") -> list[Match]:
        """Return every place of ``text`` that holds a known identifier.

        Args:
            text: one decoded value, or a printable run of bytes.
            context: where the value came from.
            path: its element path without item numbers; a value that stands unchanged at the
                element where the source had it is found however short it is.
        """
        placed = list(_at_its_own_place(self._unchanged, fold(text), path)) if path else []
        key = (text, context)
        found = self._kept.get(key)
        if found is None:
            found = self._found(text, context)
            if len(text) <= _LONGEST_KEPT:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = found
        return placed + found

    def _found(self, text: str, context: Context) -> list[Match]:
        folded = fold(text)
        found: list[Match] = []
        if context in (Context.UID, Context.TEXT, Context.BINARY, Context.FILE_NAME):
            found.extend(self._find_uids(folded))
        if context not in (Context.DATE, *_NUMBERS, Context.UID):
            found.extend(self._find_words(folded, context))
        found.extend(self._find_numbers(folded, context))
        if context not in _NUMBERS:
            found.extend(self._find_dates(folded, context))
        return found

    def _find_words(self, folded: str, context: Context) -> Iterator[Match]:
        whole = self._whole.get(folded.strip(" \0^=.,"))
        if whole and context is not Context.CODE:
            yield Match(0, len(folded), whole, "known-value")
        yield from self._cut_short(folded)
        previous: Token | None = None
        stream = list(tokens(folded))
        for index, token in enumerate(stream):
            if item := self._alone.get(token.text):
                yield Match(token.start, token.end, item, "known-word")
            partners = self._pairs.get(previous.text, {}) if previous else {}
            item = partners.get(token.text)
            if item and previous and near(previous.end, token.start, folded):
                yield Match(previous.start, token.end, item, "known-pair")
            for phrase, item in self._phrases.get(token.text, ()):
                last = index + len(phrase)
                if tuple(t.text for t in stream[index:last]) == phrase and all(
                    near(a.end, b.start, folded)
                    for a, b in zip(stream[index : last - 1], stream[index + 1 : last], strict=True)
                ):
                    yield Match(token.start, stream[last - 1].end, item, "known-phrase")
            previous = token
        for part, item in self._substrings.items():
            if (start := folded.find(part)) >= 0:
                yield Match(start, start + len(part), item, "known-word")

    def _cut_short(self, folded: str) -> Iterator[Match]:
        """Yield a phrase that was cut to the length of the element it was copied to."""
        plain = squeeze(folded)
        item = self._cut.get(plain[:_SHORTEST_CUT]) if len(plain) >= _SHORTEST_CUT else None
        if item and squeeze(item.text).startswith(plain):
            yield Match(0, len(folded), item, "known-value")

    def _find_numbers(self, folded: str, context: Context) -> Iterator[Match]:
        squeezed, parts = squeeze(folded), folded.split(".")
        shortest = SHORTEST_ID_AS_NUMBER if context in _NUMERIC else _SHORTEST_ID
        for number, (written, item) in self._numbers.items():
            if number not in squeezed:
                continue
            pattern = _compiled(written)
            if context is Context.UID and number in parts and len(number) > _SHORTEST_ID:
                start = folded.find(number)
                yield Match(start, start + len(number), item, "known-id")
                continue
            if len(number) < shortest:
                if squeezed == number and context in (Context.TEXT, Context.NAME):
                    yield Match(0, len(folded), item, "known-value")
                elif context is Context.BINARY and len(number) >= _SHORTEST_ID:
                    # Alone between bytes that are no text it is a value, not part of one.
                    if squeezed == number:
                        yield Match(0, len(folded), item, "known-value")
                    else:
                        yield from _labelled(pattern, folded, item)
                continue
            for match in pattern.finditer(folded):
                yield Match(match.start(), match.end(), item, "known-id")

    def _find_uids(self, folded: str) -> Iterator[Match]:
        if "." not in folded or not self._uids:
            return
        for match in _UID.finditer(folded):
            uid = match.group()
            for root in _roots(uid):
                if item := self._uids.get(root):
                    yield Match(match.start(), match.start() + len(root), item, "known-uid")
                    break

    def _find_dates(self, folded: str, context: Context) -> Iterator[Match]:
        if not self._dates:
            return
        for date in written_dates(folded):
            for reading in date.readings:
                item = self._dates.get(reading)
                if item and _date_counts(date, item, context, folded):
                    yield Match(date.start, date.end, item, "known-date")
                    break


class PatientMatcher:
    """The search for one file of a patient: its own places, and all else with the patient's files.

    The ``shared`` search is compiled once for the patient and remembers what it found in a text,
    because the files of a series say the same again and again.
    """

    def __init__(self, own: Iterable[Identifier], shared: Matcher) -> None:
        self.places = _places(own)
        self.shared = shared

    def find(self, text: str, context: Context, path: str = "") -> list[Match]:
        """Return every place of ``text`` that holds a known identifier; see :class:`Matcher`."""
        placed = list(_at_its_own_place(self.places, fold(text), path)) if path else []
        return placed + self.shared.find(text, context)


@lru_cache(maxsize=8192)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Compiled when a number is met, which is seldom: most are never seen in a released file.
    return re.compile(pattern)


def _labelled(pattern: re.Pattern[str], folded: str, item: Identifier) -> Iterator[Match]:
    """Yield a number too short to prove anything in binary values, where its label precedes it."""
    for match in pattern.finditer(folded):
        if _LABEL.search(folded, max(0, match.start() - _LABEL_REACH), match.start()):
            yield Match(match.start(), match.end(), item, "known-id")


_NUMBERS: Final = (Context.NUMBER, Context.INTEGER)
_NUMERIC: Final = (*_NUMBERS, Context.UID, Context.BINARY)


def _date_counts(date: WrittenDate, item: Identifier, context: Context, folded: str) -> bool:
    """Tell whether a written date that may mean a known day is evidence in its context.

    In DA and DT elements only the birth date counts here: another original date can equal a
    shifted one by accident, and is compared at its own element instead. Digits of a 2.25 UID are
    chance, and six bare digits are read as a birth date only.
    """
    is_birth_date = item.group == "patient"
    if context is Context.DATE:
        return is_birth_date and date.form in ("compact", "separated")
    if context is Context.UID:
        at_component = date.start == 0 or folded[date.start - 1] == "."
        return at_component and not folded.startswith("2.25.")
    if date.form == "loose" and date.end - date.start == 6:
        return is_birth_date and context in (Context.TEXT, Context.NAME, Context.FILE_NAME)
    return True


def _roots(uid: str) -> Iterator[str]:
    """Yield a UID and then each of its roots."""
    while uid.count(".") >= 2:
        yield uid
        uid = uid.rpartition(".")[0]


def _add_person(matcher: Matcher, item: Identifier) -> None:
    # "REMOVED^Dr" is nobody: the word says so wherever it stands.
    nobody = known_sources().placeholders
    parts = [part for part in dict.fromkeys(words(item.text)) if part not in nobody][:8]
    for part in parts:
        if is_ideographic(part):
            if len(part) >= 2:
                matcher._substrings.setdefault(part, item)
        elif is_distinctive(part):
            matcher._alone.setdefault(part, item)
    joined_source = [p for p in parts if not p.isdigit()]
    matcher._whole.setdefault(fold(item.text).strip(" ^=.,"), item)
    for part in joined_source:
        if len(part) >= _SHORTEST_WORD:
            matcher._whole.setdefault(part, item)
    for left, right in permutations(joined_source, 2):
        if len(left) + len(right) >= 4:
            matcher._pairs.setdefault(left, {}).setdefault(right, item)
        for joined in (left + right, left[0] + right, left + right[0]):
            if len(joined) >= _SHORTEST_JOINED and is_distinctive(joined):
                matcher._alone.setdefault(joined, item)


def _add_id(matcher: Matcher, item: Identifier) -> None:
    number = squeeze(item.text)
    if not any(ch.isdigit() for ch in number):
        if is_distinctive(number) and len(number) >= 4:
            matcher._alone.setdefault(number, item)
        return
    if len(number) < _SHORTEST_WORD:
        return
    if number.isdigit() and len(number) >= _UNMISTAKABLE - 1 and number[0] == "0":
        # Kept as a number somewhere, it has lost its zero: one CHI number in three starts with 0.
        _add_number(matcher, number.lstrip("0"), item)
    _add_number(matcher, number, item)


def _add_number(matcher: Matcher, number: str, item: Identifier) -> None:
    body = _SEPARATORS.join(re.escape(ch) for ch in number)
    if len(number) >= _UNMISTAKABLE:
        pattern = body
    elif number.isdigit():
        pattern = rf"(?<!\d)(?<!\d\.){body}(?!\d)(?!\.\d)"
    else:
        pattern = rf"(?<![a-z0-9]){body}(?![a-z0-9])"
    matcher._numbers.setdefault(number, (pattern, item))


def _add_phrase(matcher: Matcher, item: Identifier) -> None:
    parts = words(item.text)
    if is_ideographic(item.text) and len(item.text) >= 3:
        matcher._substrings.setdefault(fold(item.text), item)
    elif len(parts) == 1 and len(parts[0]) >= _SHORTEST_JOINED and is_distinctive(parts[0]):
        matcher._whole.setdefault(parts[0], item)
    elif len(parts) >= 2 and any(is_distinctive(p) and len(p) > 3 for p in parts):
        plain = squeeze(item.text)
        if len(plain) > _SHORTEST_CUT and any(is_distinctive(p) for p in parts[:2]):
            matcher._cut.setdefault(plain[:_SHORTEST_CUT], item)
        matcher._phrases.setdefault(parts[0], []).append((parts, item))


def _add_uid(matcher: Matcher, item: Identifier) -> None:
    matcher._uids.setdefault(item.text, item)


def _add_date(matcher: Matcher, item: Identifier) -> None:
    known = matcher._dates.get(item.text)
    # The birth date is looked for in more places, so it goes before other dates of the same day.
    if known is None or item.group == "patient":
        matcher._dates[item.text] = item


_ADD = {
    "person": _add_person,
    "id": _add_id,
    "phrase": _add_phrase,
    "uid": _add_uid,
    "date": _add_date,
}

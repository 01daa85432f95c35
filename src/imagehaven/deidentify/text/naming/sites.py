"""Hospitals by their initials, and unknown names where only a place is spoken of.

``transferred from GJNH``, ``discussed at the RHCYP MDT``, ``Dialysis at Treliske``. Initials end
in H (hospital) or RI (royal infirmary), or stand where one says where something was done.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from imagehaven.deidentify.text.data_files import text_of, words_of
from imagehaven.deidentify.text.detect.vocabulary import Word, judge, vocabulary
from imagehaven.deidentify.text.naming.reading import Reading

_FEWEST: Final = 3
_MOST: Final = 6
_SHAPE: Final = re.compile(r"[A-Z]{1,5}(?:H|RI|GI)")
#: Before a place: where somebody is, comes from or goes to.
_THERE: Final = re.compile(
    r"\b(?:at|from|near|via|outside|(?:transferred|referred|sent|admitted|moved|repatriated|returned"
    r"|discharged|forwarded|back|over|known|link|linked|accepted|went|travels|drove|road) to"
    r"|(?:inpatient|lives?|living|resident|works?|worked|working|born|clinic|bed|done|performed|scanned"
    r"|seen|imaged|treated|operated|stented|stay|stayed|staying|held|taken|are|holiday|fell|ward|gp"
    r"|made|reported|surgery|imaging|scan|films|ct|mri|xr) in)\s{1,3}(?:the\s)?\Z"
    r"|\b(?:unit|ward \d{1,2}|department|dept|site|hospital|location|facility)\s?[,:]\s{1,3}\Z",
    re.I,
)
#: Behind a place: what belongs to it or comes from it.
_OF_IT: Final = re.compile(
    r"(?:['’]s)?\s{1,2}(?:MDT|PACS|RIS|films?|images?|imaging|reports?|scans?|notes|site|campus"
    r"|switchboard|(?:vascular |surgical |neurosurgical |stroke |trauma |renal |spinal )?"
    r"(?:team|unit|consultants?)"
    r"|radiology|cardiology|oncology|neurosurgery|neurology|haematology|nephrology|urology|surgeons"
    r"|resident|GP|A&E|ED)\b(?!['’:])",
    re.I,
)
_REACH: Final = 24


def sites(reading: Reading) -> None:
    """Mark the initials of hospitals."""
    for match in _places_of_words().finditer(_plain(reading.text)):
        _mark_words(reading, match)
    for at, token in enumerate(reading.tokens):
        if at in reading.kinds or at in reading.terms or reading.safe[at]:
            continue
        if _told(reading, at):
            reading.mark(at, "PLACE", "context/site")
        if not (token.text.isupper() and _FEWEST <= len(token.text) <= _MOST):
            continue
        known = token.folded in hospital_initials()
        shaped = _SHAPE.fullmatch(token.text) is not None and token.folded not in _medicine()
        unknown = reading.words[at] is Word.UNKNOWN
        spoken = known or (unknown and not reading.shouting and not _after_the(reading, at))
        if (unknown and shaped and not reading.shouting) or (
            spoken and placed(reading.text, token.start, token.end)
        ):
            reading.mark(at, "PLACE", "context/site")


def _after_the(reading: Reading, at: int) -> bool:
    """Say whether ``the`` stands before initials: more likely a part of the body, ``the MPFL``."""
    return at > 0 and reading.tokens[at - 1].folded == "the"


def _told(reading: Reading, at: int) -> bool:
    """Say whether a word that is a town's name too stands where a town does: ``from Bury``."""
    token = reading.tokens[at]
    if reading.words[at] in {Word.SAFE, None} or token.folded not in words_of("words/places.txt"):
        return False
    capital = token.capital and (reading.shouting or reading.inside(at))
    before = reading.text[max(0, token.start - _REACH) : token.start]
    near = _THERE.search(before) or (token.capital and re.search(r"\bin\s\Z", before, re.I))
    return bool(near) and (capital or reading.words[at] is not Word.CLINICAL_NAME)


def _mark_words(reading: Reading, match: re.Match[str]) -> None:
    """Mark a place of the list: some of these only where a place is spoken of."""
    if re.sub(r"\W+", " ", match[0].replace("'", "")) in _listed()[1] and not placed(
        reading.text, match.start(), match.end()
    ):
        return
    for at, token in enumerate(reading.tokens):
        if match.start() <= token.start < match.end() and token.folded != "the":
            reading.kinds[at] = ("PLACE", "context/site")


def _plain(text: str) -> str:
    """Return a text in lower case of the same length, with one sign for all apostrophes."""
    lower = text.lower() if len(text.lower()) == len(text) else text
    return lower.replace("’", "'").replace("`", "'")


@cache
def _listed() -> tuple[frozenset[str], frozenset[str]]:
    """Return the places of several words, and those that only a context makes places."""
    lines = [line.split("#", 1)[0].strip() for line in text_of("places_of_words.txt").splitlines()]
    unsure = frozenset(line[2:] for line in lines if line.startswith("~ "))
    return frozenset(line.removeprefix("~ ") for line in lines if line), unsure


@cache
def _places_of_words() -> re.Pattern[str]:
    """Return the pattern of all places of the list, the longest first."""
    names = sorted(_listed()[0], key=len, reverse=True)
    forms = (r"[\s\-]{1,3}".join(_possessive(word) for word in name.split()) for name in names)
    return re.compile(rf"\b(?:{'|'.join(forms)})\b")


def _possessive(word: str) -> str:
    """Return the pattern of a word that may be written with an apostrophe before its s."""
    return rf"{re.escape(word[:-1])}'?s" if word.endswith("s") else rf"{re.escape(word)}(?:'s)?"


def placed(text: str, start: int, end: int) -> bool:
    """Say whether what stands from ``start`` to ``end`` is spoken of as a place."""
    before = text[max(0, start - _REACH) : start]
    return _THERE.search(before) is not None or _OF_IT.match(text, end) is not None


def speaks_of_a_place(text: str, start: int, end: int) -> bool:
    """Say whether a find is a place on the map, or no word at all where a place is spoken of."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", text[start:end])]
    if any(word in words_of("words/places.txt") for word in words):
        return True
    kinds = {Word.UNKNOWN, Word.NAME_TOO}
    if not words or not text[start].isupper() or judge(words[0]) not in kinds:
        return False
    return placed(text, start, end)


def hospital_initials() -> frozenset[str]:
    """Return the initials that hospitals are known by although they mean something else too."""
    return words_of("words/hospital_initials.txt")


def _medicine() -> frozenset[str]:
    return vocabulary().medical

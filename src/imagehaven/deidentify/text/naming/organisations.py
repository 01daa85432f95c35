"""Organisations by how they are written: health boards, partnerships of doctors, context.

Beside :mod:`institutions`, which looks for their head nouns: ``NHS Forth Valley``, ``Drs Reid and
Muir``, ``registered with Rowan Tree``, ``Bridge of Weir``, ``Stow-on-the-Wold``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.naming.reading import Reading
from imagehaven.deidentify.text.spans import Found

_CAPITAL = r"(?-i:[A-ZÀ-Þ])[\w'’]*"
_RUN: Final = (
    rf"{_CAPITAL}(?:(?:[ \-]|[ ]?\n)(?![^\W\d_]+ *:)"
    rf"(?:(?:of|the|and|upon|on|&|le|in)[ \-\n])*{_CAPITAL}){{0,5}}"
)
_BOARD = re.compile(
    r"\bNHS[ \n](?!(?:number|no|num|nr|ref|id|patient|net|mail|email|trust|staff|foundation)"
    rf"\b)(?P<all>{_RUN})",
    re.I,
)
_PARTNERS = re.compile(
    r"\b(?:drs|doctors|messrs)\.?[ \n](?P<run>[\w'’\-]+(?:(?:,[ \n]|[ \-])[\w'’\-]+){0,4}"
    r"[ \n](?:and|&)[ \n][\w'’\-]+(?:-[\w'’]+)?)",
    re.I,
)
_BEFORE: Final = (
    r"registered (?:with|at)|resident (?:of|at|in)|resides (?:at|in)|lives (?:at|in)"
    r"|living (?:at|in)|attends|attending|works? (?:at|for|in)|working (?:at|for|in)"
    r"|employed (?:at|by)|carer (?:at|from)|c/o|care of|respite (?:at|in)|placed (?:at|in)"
    r"|(?:manager|staff|nurse|matron|pupil|student|teacher|warden|porter|chef) (?:at|of|from)"
    r"|(?:transferred|discharged|repatriated|moved|admitted) (?:to|from)|a member of|from the"
    r"|(?:imaging|scan|scanned|films?|study|studies|ct|mri?|x-?rays?|performed|seen|reviewed|treated"
    r"|operated on|stented|born) (?:at|from)"
)
_LABEL: Final = (
    r"(?:practice|surgery|school|employer|hospital|clinic|site|organi[sz]ation|provider|sender"
    r"|facility|care home|nursing home|institution|health centre|company|location)\s?:"
)
_PLACED = re.compile(rf"\b(?:{_BEFORE}|{_LABEL})[ \n]{{1,2}}(?:the[ \n])?(?P<run>{_RUN})", re.I)
_LOWER = re.compile(
    r"\b(?:at|from|in|of|to|with)[ \n](?:the[ \n])?(?P<run>(?:(?!(?:an?|her|his|their|the|this|our"
    r"|local|same|another|any|residential|private|new|current|previous|own|my|your|nearby|and|or|to|with|from|at|of|in"
    r"|for|on|care|nursing|nhs|community|primary|secondary)\b)[^\W\d_][\w'’]+[ \n]){1,3}"
    r"(?:care home|(?:nursing|residential) home|medical (?:practice|centre|group)|health centre"
    r"|(?:primary|high|secondary) school|sheltered housing|family practice))\b",
    re.I,
)
_HOSPITAL_OF = re.compile(
    r"\b(?P<all>(?:(?:the|royal|national|new|old)[ \n]){0,2}(?:hospital|infirmary|hospice)[ \n]"
    r"(?:for|of)[ \n](?:(?:the|st\.?|sick|saint|tropical|nervous)[ \n]){0,2}"
    r"(?:children|women|diseases|neurology|(?-i:[A-Z])[\w'’]+)"
    r"(?:[ \n]and[ \n](?:young[ \n]people|neurosurgery|(?-i:[A-Z])[\w'’]+))?)",
    re.I,
)
_LOWER_HOSPITAL = re.compile(
    r"\b(?P<run>(?:[a-z][a-z'’]+ (?:(?:royal|general|district|memorial|community|cottage"
    r"|university|victoria|park) ){0,2}"
    r"|royal (?:[a-z]+ )?)(?:hospital|infirmary|hospice))\b"
)
_JOINED = re.compile(
    r"[ \-\n]upon[ \-\n](?:the[ \-\n])?|[ \n]of[ \n]"
    r"|-\n?(?:under|over|by|le|on|in|next|sub)-\n?(?:(?:the|la)-\n?)?",
    re.I,
)
_PART = re.compile(r"[^\W\d_][\w'’]+\Z")
_NEXT = re.compile(r"[^\W\d_][\w'’]+")


def organisations(reading: Reading) -> Iterator[Found]:
    """Yield organisations and places whose names are told by the words before or between."""
    text = reading.text
    for match in _BOARD.finditer(text):
        if not reading.shouting or _closed(text, match.end()):
            yield Found(match.start(), match.end(), "PLACE", "context/organisation")
    for match in _HOSPITAL_OF.finditer(text):
        if reading.shouting or match["all"][0].isupper():
            yield Found(match.start(), match.end(), "PLACE", "context/organisation")
    for match in _LOWER_HOSPITAL.finditer(text):
        at = _tokens(reading, match.start("run"), match.end("run"))
        if (
            reading.words[at[0]] in {Word.UNKNOWN, Word.NAME_TOO}
            or reading.tokens[at[0]].folded == "royal"
        ):
            yield Found(match.start("run"), match.end("run"), "PLACE", "context/organisation")
    for match in _PARTNERS.finditer(text):
        at = _tokens(reading, match.start("run"), match.end("run"))
        named = [i for i in at if reading.tokens[i].capital or reading.words[i] is Word.UNKNOWN]
        if len(named) >= len(at) - 1 and not any(_is_role(reading, i) for i in at):
            yield Found(match.start(), match.end(), "NAME", "context/organisation")
    for match in _LOWER.finditer(text):
        at = _tokens(reading, match.start("run"), match.end("run"))[:-2]
        if any(reading.tokens[i].folded not in vocabulary().medical for i in at):
            yield Found(match.start("run"), match.end("run"), "PLACE", "context/organisation")
    for match in _PLACED.finditer(text):
        at = _tokens(reading, match.start("run"), match.end("run"))
        if not reading.shouting and _proper(reading, at):
            yield Found(match.start("run"), match.end("run"), "PLACE", "context/organisation")


def places(reading: Reading) -> None:
    """Let a place's name take what belongs to it: ``Berwick-upon-Tweed``, ``East Kilbride``."""
    for match in _JOINED.finditer(reading.text):
        before = _PART.search(reading.text, max(0, match.start() - 30), match.start())
        after = _NEXT.match(reading.text, match.end())
        at = _tokens(reading, before.start(), after.end()) if before and after else []
        if len(at) < 3:
            continue
        of = reading.tokens[at[1]].folded == "of"
        first, last = reading.tokens[at[0]], reading.tokens[at[-1]]
        if of and first.folded not in contexts().place_parts:
            continue
        if not (first.capital and last.capital) or reading.terms & set(at):
            continue
        ends = (at[0], at[-1]) if not of else (at[-1],)
        if any(_is_name(reading, i) for i in ends):
            for i in at:
                reading.kinds[i] = reading.kinds.get(at[0], ("PLACE", "context/place"))
    for place, token in enumerate(reading.tokens[:-1]):
        if token.folded in contexts().compass and token.capital and place not in reading.kinds:
            beside = reading.tokens[place + 1]
            named = _is_name(reading, place + 1) and place + 1 not in reading.terms
            if named and beside.capital and reading.only_space(place) and len(beside.text) > 2:
                reading.kinds[place] = ("PLACE", "context/place")


def _is_name(reading: Reading, at: int) -> bool:
    named = reading.kinds.get(at, ("", ""))[0] in {"NAME", "PLACE"}
    return named or (reading.words[at] is Word.UNKNOWN and len(reading.tokens[at].text) > 2)


def _is_role(reading: Reading, at: int) -> bool:
    word = reading.tokens[at].folded
    plain = word in vocabulary().medical and reading.words[at] is Word.SAFE
    return word != "and" and (word in contexts().stops or plain)


def _tokens(reading: Reading, start: int, end: int) -> list[int]:
    """Return the places of the tokens that lie within two offsets."""
    first = bisect_left(reading.tokens, start, key=lambda token: token.start)
    last = bisect_left(reading.tokens, end + 1, key=lambda token: token.end)
    return list(range(first, last))


def _proper(reading: Reading, at: list[int]) -> bool:
    """Say whether words with capitals name something: two or more, not all of them medicine."""
    own = [i for i in at if reading.tokens[i].capital]
    if any(reading.words[i] is None for i in own) or len(own) < 2 or own[0] in reading.terms:
        return False
    if any(_is_name(reading, i) for i in own):
        return True
    plain = (vocabulary().medical, contexts().departments, contexts().stops)
    return any(not any(reading.tokens[i].folded in words for words in plain) for i in own)


def _closed(text: str, at: int) -> bool:
    rest = text[at : at + 2]
    return not rest.strip(" ") or rest[:1] in ".,;:)\n|" or rest[1:2] in "|\n"

"""People by what they do and what stands beside them: a bleep, a request, a relation, an age.

``Viola (daughter)``, ``Jade's mother``, ``Frank and Sally, her children``,
``Hector to phone``, ``Will / bleep 1234``, ``TRANS: MM``, ``HT/jm``, ``Kieran Crisp,``,
``Max McQuarrie (101)``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.naming.reading import Reading
from imagehaven.deidentify.text.spans import Found, Token

_REACHED = re.compile(r"\b(?:bleep|blp|bp no|pager|page no|ext(?:n|ension)?\b|dect)", re.I)
_BEFORE_BLEEP = re.compile(r"\s?[/,(:;\-–]?\s?\(?(?:on\s)?\Z")
_LABEL = (
    r"(?:trans(?:c|cr|cribed)?|typed|typist|typ|dict(?:ated)?|dictator|rep(?:orted|orter)?|rpt|auth(?:orised)?"
    r"|ver(?:ified|if)?|signed|chk(?:d)?|checked|initials?|init|entered|sec(?:retary)?|rad(?:iographer)?"
    r"|op(?:erator)?"
    r"|tech|seen|read|by|approved|scanned|performed|sonographer|prelim|minutes|arbitration"
    r"|(?:first|second|third|film|1st|2nd) reader|reader|arbiter|chair|scribe|author|amended"
    r"|updated|vetted|protocolled|injected|cannulated|consented|reviewer|assist(?:ant|ed)?|asst"
    r"|filed|printed|keyed|booked|[dt](?=[ \t]?:)"
    r"|our ref|your ref|o/ref|y/ref|reference|ref)"
)
_LABELLED = re.compile(
    rf"\b{_LABEL}\b(?:[ \t]?by)?[ \t]?[:.=]?[ \t]{{0,3}}"
    r"(?P<who>(?:(?-i:[^\W\d_]\.[ \t]?){2,3}|(?-i:[A-ZÀ-Þ]{2,4}\b))"
    r"(?:[ \t]?/[ \t]?[^\W\d_]{2,4}\b)*)(?![\w\-])",
    re.I,
)
_NAMED = re.compile(
    r"\b(?:dict(?:ated)?|typed|reported|transcribed|verified|authorised|signed|checked|dictator|reporter)"
    r"(?:[ ]by)?[ ]?[:.]?[ ]{1,3}(?P<run>[^\W\d_][\w'’\-]+(?:[ ][^\W\d_][\w'’\-]*){1,4})"
    r"(?=[ ]{2}|[ ]?\n|\s*\Z|[ ]?[,:])",
    re.I,
)
_FAMILY = re.compile(
    r"\bthe[ \n](?P<who>[^\W\d_][\w'’\-]+)[ \n](?:family|household|children|twins|siblings)\b", re.I
)
_STRONG_LABEL = re.compile(
    r"trans|typ|dict|ref\b|init|secr|ver|auth|rep|rad|arbit|min|check|chk|sign|entered|approved",
    re.I,
)
_TYPIST = re.compile(r"trans|typ|dict", re.I)
_APART = re.compile(r"[ ]{2}|[ ]*(?:\n|\Z)|[ ]+\d")
_TYPED = re.compile(
    r"(?:^|\n)[ \t]*(?P<who>[A-Z]{2,4}(?:[ \t]?[/:][ \t]?[A-Za-z]{2,4}){1,2}"
    r"|[A-Z](?:\.[ \t]?[A-Z]){1,2}\.?)[ \t]*(?=\n|\Z|[:,][ \t]?\d|[ \t]\d{1,2}[./\- ]|[ \t]20\d\d)"
)
_AGE = re.compile(r"[(,\[][ \t]?(?:aged?[ \t])?(?P<age>9\d|1[0-2]\d)[ \t]?(?=[),\]]|y)")
_ENDS: Final = (",", ".", ";", ")", "\n", "(", " (", "  ", ":", "\r")

_SORTS: Final = frozenset(
    ("his", "her", "their", "the", "a", "elder", "eldest", "older", "younger", "youngest", "late",
     "only", "patients", "two", "three", "four", "adult", "grown", "step", "foster", "main")
)  # fmt: skip
_KIN: Final = frozenset(
    ("children", "kids", "twins", "grandchildren", "widow", "widower", "parents", "poa", "nok",
     "flatmate", "fiancé", "fiancée", "girlfriend", "boyfriend", "stepfather", "ex-wife")
)  # fmt: skip
_OWNED: Final = frozenset({"'s", "’s", "`s", "´s", "'S", "’S"})
_NAME_WORDS: Final = frozenset({Word.NAME_TOO, Word.CLINICAL_NAME, Word.UNKNOWN})


def persons(reading: Reading) -> Iterator[Found]:
    """Mark people by what stands beside them; yield their initials and ages."""
    _reached(reading)
    _asked(reading)
    _surnames(reading)
    _runs(reading)
    yield from _initials(reading)
    yield from _ages(reading)


def _reached(reading: Reading) -> None:
    """Mark the name before a bleep or an extension."""
    for match in _REACHED.finditer(reading.text):
        before = reading.text[max(0, match.start() - 8) : match.start()]
        gap = len(before) - len(_BEFORE_BLEEP.sub("", before))
        for at in _ending(reading, match.start() - gap):
            if _may_be(reading, at) and reading.tokens[at].folded not in contexts().departments:
                reading.mark(at, "NAME", "context/reached")


def _ending(reading: Reading, end: int) -> list[int]:
    """Return the place of the token that ends at an offset, if one does."""
    at = bisect_left(reading.tokens, end, key=lambda token: token.end)
    return [at] if at < len(reading.tokens) and reading.tokens[at].end == end else []


def _may_be(reading: Reading, at: int) -> bool:
    """Say whether a word may be a name that a context calls for."""
    token, word = reading.tokens[at], reading.words[at]
    if at in reading.terms or reading.safe[at] or token.folded in role_words():
        return False
    if word is Word.CLINICAL_NAME:
        return token.capital or token.text.islower()
    return word in {Word.NAME_TOO, Word.UNKNOWN}


def _asked(reading: Reading) -> None:
    """Mark who is asked to do something, or is in a state: ``Guy to phone``, ``that Will was``."""
    for at in range(len(reading.tokens) - 2):
        token, following = reading.tokens[at], reading.tokens[at + 1].folded
        if not reading.only_space(at) and "\n" not in reading.text[token.end : token.end + 2]:
            continue
        if not _may_be(reading, at):
            continue
        asked = (
            following in contexts().auxiliaries
            and reading.tokens[at + 2].folded in contexts().requests
        )
        plain = reading.words[at] is Word.CLINICAL_NAME and not token.capital
        stopped = token.folded in contexts().stops and reading.inside(at) is False
        if asked and not plain and not (stopped and reading.shouting):
            reading.mark(at, "NAME", "context/asked")
        elif following in contexts().states | contexts().person_verbs and at and not plain:
            _in_state(reading, at)


def _in_state(reading: Reading, at: int) -> None:
    """Mark a word before ``was`` where it is no word: inside a sentence, or after ``that``."""
    token = reading.tokens[at]
    told = reading.tokens[at - 1].folded in {"that", "because", "said", "says", "if", "when"}
    if reading.shouting:
        named = told and (reading.words[at] is not Word.CLINICAL_NAME or token.folded == "will")
    else:
        named = token.capital and (reading.inside(at) or told)
    if named:
        reading.mark(at, "NAME", "context/asked")


def _surnames(reading: Reading) -> None:
    """Mark a last part of a name that is a plain word: ``Kieran Crisp,`` or ``Xiu Ng (``."""
    for at in range(1, len(reading.tokens)):
        token, before = reading.tokens[at], reading.tokens[at - 1]
        if at in reading.kinds or reading.kinds.get(at - 1, ("", ""))[0] != "NAME":
            continue
        if not reading.only_space(at - 1) or at in reading.terms or reading.safe[at]:
            continue
        if reading.words[at] is None or token.folded in contexts().stops | role_words():
            continue
        if before.end - before.start < 2 and not before.capital:
            continue
        if _is_last_part(reading, at, token):
            reading.mark(at, "NAME", "context/neighbour")


def _is_last_part(reading: Reading, at: int, token: Token) -> bool:
    if not reading.text[token.end : token.end + 2].startswith(_ENDS) and token.end < len(
        reading.text
    ):
        return False
    short = len(token.text) <= 3 and token.text[1:].islower() and token.capital
    if token.folded in contexts().departments | contexts().person_verbs:
        return False
    plain = token.folded not in vocabulary().medical or reading.words[at] is Word.CLINICAL_NAME
    if token.folded in contexts().no_surnames or (
        token.text.islower() and not reading.tokens[at - 1].text.islower()
    ):
        return False
    if reading.shouting or token.text.islower():
        return plain and _first_of_two(reading, at) and len(token.text) > 2
    return (token.text[1:].islower() and plain) or short


def _first_of_two(reading: Reading, at: int) -> bool:
    """Say whether one part of a name stands before, after a title or a role."""
    start = at - 1
    while start > 0 and reading.kinds.get(start - 1, ("", ""))[0] == "NAME" and at - start < 4:
        start -= 1
    role = reading.tokens[start - 1].folded if start else ""
    lists = contexts()
    titled = role in lists.sure | lists.likely | lists.relations | lists.strong_roles | {"dict"}
    return titled and (role not in lists.sure or at - start > 1 or reading.shouting)


def _runs(reading: Reading) -> None:
    """Mark the whole name after a label, and of a family: ``The Bright family``."""
    for match in _NAMED.finditer(reading.text):
        at = _within(reading, match.start("run"), match.end("run"))
        named = [i for i in at if reading.kinds.get(i, ("", ""))[0] == "NAME"]
        plain = [i for i in at if reading.tokens[i].text.islower()]
        if named and (not plain or len(named) > 1) and not reading.terms & set(at):
            for i in at:
                if reading.tokens[i].folded not in role_words() | contexts().stops:
                    reading.mark(i, "NAME", "context/role")
    for match in _FAMILY.finditer(reading.text):
        for i in _within(reading, match.start("who"), match.end("who")):
            word, token = reading.words[i], reading.tokens[i]
            known = word in {Word.UNKNOWN, Word.NAME_TOO} or (
                token.text.istitle() and i not in reading.terms
            )
            if known and (token.capital or word is Word.UNKNOWN):
                reading.mark(i, "NAME", "context/role")


def _within(reading: Reading, start: int, end: int) -> list[int]:
    """Return the places of the tokens that lie within two offsets."""
    first = bisect_left(reading.tokens, start, key=lambda token: token.start)
    last = bisect_left(reading.tokens, end + 1, key=lambda token: token.end)
    return list(range(first, last))


def _initials(reading: Reading) -> Iterator[Found]:
    """Yield initials after a label, or on a line of their own: ``Ref HT/jm``, ``TRANS MM``."""
    for match in _LABELLED.finditer(reading.text):
        who = match["who"]
        strong = _STRONG_LABEL.match(match[0]) or "/" in who or "." in who or ":" in match[0]
        word = who.lower()
        if strong and (word not in vocabulary().clinical or _STRONG_LABEL.match(match[0])):
            apart = _APART.match(reading.text, match.end()) and _TYPIST.match(match[0])
            if (word not in contexts().stops or apart) and word not in {
                "no",
                "id",
                "chi",
                "nhs",
                "gp",
                "date",
            }:
                yield Found(match.start("who"), match.end("who"), "NAME", "context/initials")
    for match in _TYPED.finditer(reading.text):
        parts = re.split(r"[^A-Za-z]+", match["who"].lower())
        if "".join(parts) != "dob" and (
            not all(part in vocabulary().safe for part in parts if len(part) > 1)
            or "." in match["who"]
        ):
            yield Found(match.start("who"), match.end("who"), "NAME", "context/initials")


def _ages(reading: Reading) -> Iterator[Found]:
    """Yield an age over 89 in brackets or commas after a name: ``Max McQuarrie (101)``."""
    for match in _AGE.finditer(reading.text):
        gap = reading.text[match.start() - 1 : match.start()].isspace()
        for at in _ending(reading, match.start() - gap):
            if reading.kinds.get(at, ("", ""))[0] == "NAME":
                yield Found(match.start("age"), match.end("age"), "AGE", "context/age")


def relatives(reading: Reading) -> None:
    """Mark the name before a relation."""
    for at, token in enumerate(reading.tokens):
        if token.folded not in contexts().relations | _KIN:
            continue
        before = at - 1
        while before > 0 and reading.tokens[before].folded in _SORTS and at - before < 4:
            before -= 1
        if before >= 0 and _is_relative(reading, before, at):
            reading.kinds[before] = ("NAME", "context/relation")
            _and_another(reading, before)


def _is_relative(reading: Reading, name: int, relation: int) -> bool:
    """Say whether the word at ``name`` is whose relation stands at ``relation``."""
    token, after = reading.tokens[name], reading.tokens[name + 1]
    if reading.words[name] not in _NAME_WORDS or not _may_be_kin(reading, name):
        return False
    gap = reading.text[token.end : after.start]
    told = name + 1 < relation
    if token.text[-2:] in _OWNED:
        # Ward's sister is one of the ward; Jade's mother is somebody's.
        return not gap.strip() and token.capital and not told
    if gap.strip() == "," and gap.count("\n") < 2:
        return told
    close = reading.tokens[relation].end
    bracketed = gap.strip() == "(" and reading.text[close : close + 1] in {")", ",", ";"}
    dashed = gap in {" - ", " – ", " / "} and token.capital
    return bracketed or dashed


def _may_be_kin(reading: Reading, at: int) -> bool:
    token = reading.tokens[at]
    plain = token.folded in role_words() | contexts().stops | contexts().departments
    return not (plain or at in reading.terms or reading.safe[at]) and (
        token.capital or reading.words[at] is not Word.CLINICAL_NAME
    )


def _and_another(reading: Reading, at: int) -> None:
    """Mark the name before ``and``: ``Frank and Sally, her children``."""
    if at < 2 or reading.tokens[at - 1].folded not in {"and"} or reading.shouting:
        return
    other = reading.tokens[at - 2]
    gap = reading.text[other.end : reading.tokens[at].start]
    named = reading.words[at - 2] in _NAME_WORDS and _may_be_kin(reading, at - 2)
    if named and other.capital and re.fullmatch(r"\s(?:and|&)\s", gap):
        reading.kinds[at - 2] = ("NAME", "context/relation")

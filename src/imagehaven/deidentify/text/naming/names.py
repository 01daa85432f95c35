"""Names of people by their context, and every word that is not known to be safe.

Deny by default: a word in no list goes. A word that is safe and a name as well goes where a title,
a role, a relation, another name or a capital in the middle of a sentence says that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, vocabulary
from imagehaven.deidentify.text.naming.alone import judge_alone
from imagehaven.deidentify.text.naming.columns import columns, dated_initials
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.naming.institutions import institutions
from imagehaven.deidentify.text.naming.neighbours import initials, spread
from imagehaven.deidentify.text.naming.organisations import organisations, places
from imagehaven.deidentify.text.naming.persons import persons, relatives
from imagehaven.deidentify.text.naming.reading import Reading
from imagehaven.deidentify.text.naming.sites import sites
from imagehaven.deidentify.text.spans import Found, Token

_POSSESSIVES: Final = frozenset({"'s", "’s", "`s", "´s", "'S", "’S"})
_ENDS: Final = frozenset({"", ",", ".", "\n", ";", ")", "(", ":"})
#: What stands behind whom something is told, behind whom somebody calls, and what callers do.
_TOLD: Final = frozenset({"that", "to", "about", "and"})
_CALLED: Final = _TOLD | {"if", "in", "re", "when", "on", "with", "for", "regarding", "today"}
_CALLS: Final = frozenset({"rang", "phoned", "telephoned", "emailed", "texted", "says", "agrees"})
_ROLE_GAP = re.compile(r"(?:'s)?[ \t]{0,2}[:,(\-–]?\s{0,40}")
_SIGN_OFF = re.compile(
    r"(?:[.!?\])][ \t]{1,4}|\n[ \t]*|\bstop\s{1,4})(?!(?:CT|MRI?|US|XR|PET|NAD|CR|OK|AP|PA|END)\b)"
    r"(?P<who>[A-Z]{2,3}(?:\s?/\s?[A-Z]{2,3})?)\.?[ \t]*(?:\n[ \t]*\n|\s*\Z)"
)


def names_in(reading: Reading) -> Iterator[Found]:
    """Yield what must go because it is, or may be, a name of a person or an institution."""
    for at in range(len(reading.tokens)):
        if not reading.safe[at] and at not in reading.terms:
            judge_alone(reading, at)
    _titles(reading)
    _actions(reading)
    relatives(reading)
    _subjects(reading)
    _told(reading)
    _ranks(reading)
    initials(reading)
    columns(reading)
    _sign_offs(reading)
    spread(reading)
    found = len(reading.kinds)
    yield from persons(reading)
    yield from dated_initials(reading)
    if len(reading.kinds) > found:
        spread(reading)
    institutions(reading)
    places(reading)
    sites(reading)
    yield from organisations(reading)
    for at, (kind, detector) in reading.kinds.items():
        token = reading.tokens[at]
        # The s of a possessive stays, but for one inside a name: St Ninian's Nursing Home.
        inside = kind == "PLACE" and reading.kinds.get(at + 1, ("", ""))[0] == "PLACE"
        end = token.end - 2 if token.text[-2:] in _POSSESSIVES and not inside else token.end
        yield Found(token.start, end, kind, detector)


def _titles(reading: Reading) -> None:
    """Mark what stands after a title: ``Dr``, ``Mrs``, ``Sister``."""
    lists = contexts()
    for at, token in enumerate(reading.tokens[:-1]):
        title = token.folded
        if title not in lists.sure and title not in lists.likely:
            continue
        if title in {"mr", "dr"} and token.text.isupper() and _is_modality(reading, at):
            continue
        gap = reading.text[token.end : reading.tokens[at + 1].start]
        if not re.fullmatch(r"\.?[ \t]{0,3}\n?[ \t]{0,3}", gap) or (
            gap[:1] == "." and len(title) > 4
        ):
            continue
        if title == "mx" and reading.tokens[at + 1].text.islower() and not reading.whispering:
            continue  # TNM: Nx Mx transitional
        sure = title in lists.sure
        person = title in {"nurse", "sister", "doctor"} and reading.words[at + 1] is Word.NAME_TOO
        sure = sure or person
        if sure or reading.tokens[at + 1].capital or reading.words[at + 1] is Word.UNKNOWN:
            _follow(reading, at + 1, "context/title", sure=sure)


def _is_modality(reading: Reading, at: int) -> bool:
    """Tell ``MR brain`` and ``DR Chest`` from ``MR BROWN``: what follows is a part of the body."""
    after, word = reading.tokens[at + 1], reading.words[at + 1]
    if word in {Word.SAFE, None} and reading.tokens[at].folded == "mr":
        return True
    if after.folded in contexts().organs:
        return word is not Word.UNKNOWN
    part = word in {Word.SAFE, Word.CLINICAL_NAME} and after.folded in vocabulary().medical
    return part and after.text.islower() and not reading.whispering


def _follow(reading: Reading, at: int, detector: str, *, sure: bool, most: int = 5) -> None:
    """Mark the parts of a name from token ``at`` on."""
    taken, first = 0, at
    while at < len(reading.tokens) and taken < most:
        if at > first and not (reading.gap_ok(at) and not _possessive(reading.tokens[at - 1])):
            break
        particle = reading.tokens[at].folded in contexts().particles and _goes_on(reading, at)
        if not particle and not _next_part(reading, at, taken, sure=sure):
            break
        reading.kinds[at] = ("NAME", detector)
        taken += not particle
        at += 1


def _goes_on(reading: Reading, at: int) -> bool:
    """Say whether a name may go on after a particle such as ``van``."""
    after = at + 1
    return after < len(reading.tokens) and (
        reading.tokens[after].capital or reading.words[after] is Word.UNKNOWN
    )


def _next_part(reading: Reading, at: int, taken: int, *, sure: bool) -> bool:
    """Say whether token ``at`` is the next part of a name of which ``taken`` parts are found."""
    token, word = reading.tokens[at], reading.words[at]
    if not taken:
        lone = len(token.text) == 1 and sure and reading.text[token.end : token.end + 1] == "."
        return lone or reading.name_like(at, sure=sure)
    if token.folded in contexts().person_verbs | contexts().relations:
        return False
    if reading.shouting and sure and word is Word.CLINICAL_NAME:
        # In capitals only an end after it tells MISS LESLIE FIELD from MR BROWN MAY GO.
        return reading.text[token.end : token.end + 1] in _ENDS and not reading.safe[at]
    if sure and reading.tokens[at - 1].text.islower() and token.text.islower():
        ends = reading.text[token.end : token.end + 1] in _ENDS and not reading.safe[at]
        return word in {Word.NAME_TOO, Word.UNKNOWN} or (word is Word.CLINICAL_NAME and ends)
    return reading.name_like(at, sure=False) and (word is not Word.SAFE or token.initial)


def _possessive(token: Token) -> bool:
    return token.text[-2:] in _POSSESSIVES


def _actions(reading: Reading) -> None:
    """Mark names after who did it (``reported by``), or whose relation it is (``daughter``)."""
    lists = contexts()
    for at, token in enumerate(reading.tokens[:-1]):
        relation = token.folded in lists.relations
        if not relation and token.folded not in lists.actions | contexts().strong_roles:
            continue
        gap = reading.text[token.end : reading.tokens[at + 1].start]
        lines = (
            3 if token.folded in {"sincerely", "faithfully", "truly", "wishes", "regards"} else 1
        )
        if gap.count("\n") > lines or not _ROLE_GAP.fullmatch(gap):
            continue
        if gap.endswith("(") and reading.tokens[at + 1].text in {"s", "S"}:
            continue  # forename(s)
        firm = relation or ":" in gap or _is_firm(reading, at)
        run = reading.run(at + 1)
        if not run and firm and ":" in gap and _goes_on(reading, at + 1):
            # Verified by: May Simpson
            named = reading.tokens[at + 1].capital and reading.words[at + 1] is Word.CLINICAL_NAME
            named = named and reading.tokens[at + 1].folded not in role_words()
            after = reading.run(at + 2) if named and reading.only_space(at + 1) else []
            run = [at + 1, *after] if after else []
        if firm and len(lower := reading.any_run(at + 1)) > max(1, len(run)):
            run = lower
        if not run and ((relation and _does(reading, at + 1)) or (firm and _ends(reading, at + 1))):
            run = [at + 1]
        if not run:
            continue
        strong = any(
            reading.words[i] in {Word.UNKNOWN, Word.NAME_TOO} or i in reading.kinds for i in run
        )
        clinical = any(reading.words[i] is Word.CLINICAL_NAME for i in run)
        if reading.shouting or reading.whispering:
            clinical = clinical and (relation or (":" in gap and len(run) > 1))
            strong = strong and (firm or token.folded == "from" or _unlikely_word(reading, run))
        if strong or (clinical and (firm or len(run) > 1)):
            sure = strong and (relation or (firm and token.folded == "of"))
            for i in run:
                reading.kinds[i] = ("NAME", "context/relation" if sure else "context/role")


def _unlikely_word(reading: Reading, run: list[int]) -> bool:
    return any(i in reading.kinds for i in run)


def _ends(reading: Reading, at: int) -> bool:
    """Say whether a word that is a name too is the last before a stop: ``checked with olive.``"""
    end = reading.tokens[at].end
    named = reading.words[at] is Word.NAME_TOO and not reading.safe[at] and at not in reading.terms
    return named and reading.text[end : end + 1] in _ENDS


def _is_firm(reading: Reading, at: int) -> bool:
    """Say whether after a word a name may be expected in any case: ``by``, ``discussed with``."""
    word, before = reading.tokens[at].folded, reading.tokens[at - 1].folded if at else ""
    return (
        word in contexts().strong_roles
        or (word == "with" and before in contexts().meetings)
        or (word == "to" and before in {"belonged", "belongs", "letter", "copy"})
        or (
            word == "of"
            and before in {"care", "behalf", "widow", "widower", "wife", "baby", "request"}
        )
    )


def _does(reading: Reading, at: int) -> bool:
    """Say whether a word that is a name too does what only people do: ``Heather tells``."""
    if at + 1 >= len(reading.tokens) or reading.safe[at] or at in reading.terms:
        return False
    named = reading.words[at] in {Word.NAME_TOO, Word.CLINICAL_NAME}
    plain = reading.tokens[at].folded in contexts().stops
    return (
        named
        and not plain
        and reading.only_space(at)
        and reading.tokens[at + 1].folded in contexts().person_verbs
    )


def _ranks(reading: Reading) -> None:
    """Mark the name before a rank: ``w swan SpR``."""
    for at, token in enumerate(reading.tokens):
        if token.folded not in contexts().ranks:
            continue
        before = at - 1
        while before >= 0 and at - before <= 4 and reading.only_space(before):
            word, part = reading.words[before], reading.tokens[before]
            if len(part.text) > 1 and (word in {None, Word.SAFE} or part.folded in role_words()):
                break
            if len(part.text) > 1 or at - before > 1:
                reading.kinds[before] = ("NAME", "context/role")
            before -= 1


def _told(reading: Reading) -> None:
    """Mark a name in any case of whom something is told or asked: ``I told faith that``."""
    lists = contexts()
    for at, token in enumerate(reading.tokens[:-1]):
        after = reading.tokens[at + 2].folded if at + 2 < len(reading.tokens) else ""
        told = token.folded in lists.tellings and after in _TOLD
        told = told or (token.folded in lists.calls and after in _CALLED)
        thanked = token.folded == "you" and after == "for" and at > 0
        thanked = thanked and reading.tokens[at - 1].folded == "thank"
        related = token.folded in lists.relations and not reading.tokens[at + 1].text.isupper()
        if told or thanked or related or _calls(reading, at):
            word = reading.words[at + 1]
            plain = reading.tokens[at + 1].folded in lists.stops | role_words()
            free = not reading.safe[at + 1] and at + 1 not in reading.terms
            near = reading.only_space(at if told or thanked or related else at + 1)
            if word is Word.NAME_TOO and not plain and free and near:
                reading.kinds[at + 1] = ("NAME", "context/relation")


def _calls(reading: Reading, at: int) -> bool:
    """Say whether behind the end of a sentence somebody calls: ``. GALE RANG``."""
    after = reading.tokens[at + 2].folded if at + 2 < len(reading.tokens) else ""
    return after in _CALLS and not reading.inside(at + 1)


def _subjects(reading: Reading) -> None:
    """Mark a name that begins a sentence in which somebody tells, attends or lives."""
    for at, token in enumerate(reading.tokens):
        if (
            token.capital
            and not reading.shouting
            and at not in reading.kinds
            and _does(reading, at)
        ):
            reading.kinds[at] = ("NAME", "context/role")


def _sign_offs(reading: Reading) -> None:
    """Mark the initials that end a report: ``... no fracture. JS``."""
    for match in _SIGN_OFF.finditer(reading.text):
        headed = reading.text[: match.start()].rstrip().endswith(":")
        if headed and match["who"].lower() in vocabulary().medical:
            continue  # TECHNIQUE: MIP.
        for at, token in enumerate(reading.tokens):
            if match.start("who") <= token.start < match.end("who"):
                reading.kinds.setdefault(at, ("NAME", "context/sign-off"))

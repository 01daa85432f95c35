"""Names of people that are words of medicine: kept where a term stands, not where a person does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from imagehaven.deidentify.text.data_files import declared, words_of
from imagehaven.deidentify.text.detect.vocabulary import Word, judge, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.spans import Token

_GRADE: Final = re.compile(r"\d{1,2}[a-e]?|[ivx]{1,4}[a-c]{0,2}\d?|[b-e]\d?[a-c]?|(?-i:A)\d?", re.I)
_AGE: Final = re.compile(r"[ -]?(?:[mf]\b|y|/)", re.I)
_ROMAN: Final = re.compile(r"(?:II|III|IV|VI{1,3}|IX|I?[IV]{1,2}[ab])")
_PARTICLES: Final = frozenset(
    {"von", "van", "de", "le", "la", "del", "di", "der", "st", "saint", "mac", "mc", "o"}
)
_GRADE_END: Final = re.compile(r"(?![-/:.,]?\w)")
#: Single letters before a name that are no sides, stages or grades.
_INITIALS: Final = frozenset("DEFGHJKMNOPRSVWY")
#: Before these heads, and after these words, a name is that of a place.
_GROUND: Final = frozenset(
    ("area", "areas", "line", "lines", "zone", "point", "circle", "crest", "view", "ring", "ridge",
     "bar", "band", "centre", "class", "link", "office", "road", "street", "school", "bridge")
)  # fmt: skip
_THERE: Final = frozenset(("in", "from", "near", "at", "to", "outside", "around", "via", "within"))
_REACH: Final = 4
_APOSTROPHES: Final = frozenset("'’`´")


@dataclass(frozen=True)
class Eponyms:
    """The lists of ``data/eponyms.yaml``."""

    heads: frozenset[str]
    strict_heads: frozenset[str]
    plain_heads: frozenset[str]
    before: frozenset[str]
    pairs: frozenset[str]
    alone: frozenset[str]
    with_head: frozenset[str]
    graded: frozenset[str]


@cache
def eponyms() -> Eponyms:
    """Return the lists, loaded once."""
    lists = declared("eponyms.yaml")
    return Eponyms(
        frozenset(map(str, lists["heads"])),
        frozenset(map(str, lists["strict_heads"])),
        frozenset(map(str, lists["plain_heads"])),
        frozenset(map(str, lists["before"])),
        frozenset(map(str, lists["pairs"])),
        frozenset(map(str, lists["alone"])),
        frozenset(map(str, lists["with_head"])) | words_of("words/disease_names.txt"),
        frozenset(map(str, lists["graded"])),
    )


def terms(text: str, tokens: list[Token], known: Callable[[Token], bool]) -> set[int]:
    """Return the places in ``tokens`` of names that are part of a medical term.

    ``Baker's cyst``, ``Salter-Harris II``, ``Crohn's``; a known person's name only where a listed
    one stands with its head or its possessive.
    """
    kept: set[int] = set()
    at = 0
    while at < len(tokens):
        if not _named(tokens[at], eponyms(), text):
            at += 1
            continue
        end = _run_end(text, tokens, at)
        if end > at:
            run = tokens[at:end]
            if _is_term(text, tokens, at, end, any(known(token) for token in run)):
                kept.update(range(at, end))
                kept.update(_particles(text, tokens, at))
        at = max(end, at + 1)
    return kept


def _run_end(text: str, tokens: list[Token], at: int) -> int:
    """Return where a run of names, joined by hyphens or spaces, ends."""
    lists = eponyms()
    end = at
    while end < len(tokens) and end - at < _REACH:
        step = 1
        if end > at and tokens[end].folded in {"and", "or"} and end + 1 < len(tokens):
            step = 2
        last = tokens[end + step - 1]
        if end > at and last.folded in lists.heads and not _listed(last, lists):
            break
        if not _named(last, lists, text) or (step == 2 and not _pair(tokens, end, lists)):
            break
        gap = text[tokens[end - 1].end : tokens[end].start] if end > at else "-"
        both = end > at and _listed(tokens[end - 1], lists) and _listed(last, lists)
        # Only a hyphen makes one term of a name that is in no list and its neighbour.
        if gap not in _JOINS or not (both or "-" in gap or step == 2 or len(gap.strip()) == 1):
            break
        end += step
    return end


def _pair(tokens: list[Token], at: int, lists: Eponyms) -> bool:
    """Say whether ``and`` at ``at`` joins two names of one term: ``Berndt and Harty stage``."""
    beyond = tokens[at + 2].folded if at + 2 < len(tokens) else ""
    return _listed(tokens[at + 1], lists) or beyond in lists.strict_heads


def _particles(text: str, tokens: list[Token], at: int) -> list[int]:
    """Return the places of particles before a name: ``von Rosen``, ``Le Fort``."""
    taken: list[int] = []
    while at > 0 and tokens[at - 1].folded in _PARTICLES and len(taken) < 2:
        if text[tokens[at - 1].end : tokens[at].start] not in _JOINS:
            break
        at -= 1
        taken.append(at)
    return taken


_JOINS: Final = frozenset({"-", " ", "–", " - ", "‐", "‑", "/", "\n", "-\n"})


def _named(token: Token, lists: Eponyms, text: str) -> bool:
    if _listed(token, lists):
        return True
    return token.capital and token.text.isalpha() and len(token.text) > 3 and not text.isupper()


def _listed(token: Token, lists: Eponyms) -> bool:
    """Say whether a token is in a list, with or without the s of its possessive."""
    forms = _forms(token)
    return bool(forms & lists.alone) or bool(forms & lists.with_head)


def _forms(token: Token) -> set[str]:
    """Return a word as it stands in the lists: the possessive with its s, and without."""
    possessive = token.text[-2:-1] in _APOSTROPHES and token.text[-1:] in "sS"
    return {token.folded, token.folded + "s"} if possessive else {token.folded}


def _is_term(text: str, tokens: list[Token], at: int, end: int, known: bool) -> bool:
    """Say whether the names ``at`` to ``end`` stand in a term."""
    lists = eponyms()
    run = [token for token in tokens[at:end] if token.folded not in {"and", "or"}]
    listed = sum(_listed(token, lists) for token in run)
    near = _following(text, tokens, end)
    joined = len(run) == 1 or "-" in text[run[0].end : run[-1].start]
    of = at > 1 and tokens[at - 1].folded == "of" and tokens[at - 2].folded in lists.before
    if _titled(text, tokens, at):
        return False
    if listed == len(run):
        alone = all(_forms(token) & lists.alone for token in run)
        pair = "-".join(token.folded for token in run) in lists.pairs
        asked = bool(near) and near[0].folded in contexts().auxiliaries
        weak = (alone or pair) and not known and not asked
        head = any(t.folded in lists.heads for t in near) and not _placed(tokens, at, near)
        graded = bool(near) and _graded(text, run[-1], near[0])
        # Smith 2 may be a person as well: Bosniak 2 and Weber B fracture are not.
        sole = len(run) == 1 and not _forms(run[0]) & (lists.graded | lists.alone)
        # Crowe II is a grade; Murray II, a usual name, or one behind who did it, may be a person.
        done = at > 0 and tokens[at - 1].folded in contexts().strong_roles
        done = done or bool(_forms(run[-1]) & vocabulary().names)
        roman = graded and not done and _ROMAN.fullmatch(near[0].text) is not None
        graded = graded and (not sole or roman or _heads_beyond(text, tokens, end))
        return head or graded or of or (weak and not _after_name(text, tokens, at))
    if known or (len(run) > 2 and not joined) or _after_name(text, tokens, at):
        return of and not known and _beside(text, tokens[at - 1], run[0])
    owned = any(token.text[-2:-1] in _APOSTROPHES for token in run)
    heads = lists.strict_heads if owned else lists.strict_heads | lists.plain_heads
    strict = bool(near) and near[0].folded in heads and near[0].text.islower()
    strict = strict and (joined or len(run) == 2)
    roman = bool(near) and _ROMAN.fullmatch(near[0].text) is not None
    roman = roman and text[run[-1].end : near[0].start] == " " and not text.isupper()
    return strict or roman or (of and _beside(text, tokens[at - 1], run[0]))


def _following(text: str, tokens: list[Token], end: int) -> list[Token]:
    """Return the word after a run of names, and the next where the first has no capital.

    On a new line a word with a capital begins something else.
    """
    near: list[Token] = []
    last = tokens[end - 1]
    for token in tokens[end : end + 2]:
        gap = text[last.end : token.start]
        fresh = "\n" in gap and token.capital and not text.isupper()
        if not _beside(text, last, token) or fresh or (near and not _adjective(near[0])):
            break
        near.append(token)
        last = token
    return near


def _adjective(token: Token) -> bool:
    """Say whether a word may stand between a name and its head: ``Baker's ruptured cyst``."""
    lists = contexts()
    return token.text.islower() and token.folded not in (
        lists.stops | lists.auxiliaries | lists.person_verbs | lists.relations
    )


def _graded(text: str, name: Token, token: Token) -> bool:
    """Say whether a grade stands after a name: ``Salter-Harris II``, ``Walch B2``."""
    return (
        text[name.end : token.start] in {" ", "-", "\n"}
        and _GRADE.fullmatch(token.text) is not None
        and _GRADE_END.match(text, token.end) is not None
        and not _AGE.match(text, token.end)
    )


def _heads_beyond(text: str, tokens: list[Token], end: int) -> bool:
    """Say whether a head stands behind the grade at ``end``: ``Weber B fracture``."""
    if end + 1 >= len(tokens) or not _beside(text, tokens[end], tokens[end + 1]):
        return False
    return tokens[end + 1].folded in eponyms().heads


def _placed(tokens: list[Token], at: int, near: list[Token]) -> bool:
    """Say whether a name is a place by the words around: ``in the Durham area``."""
    before = [token.folded for token in tokens[max(0, at - 2) : at]]
    there = bool(before) and (before[-1] in _THERE or (before[-1] == "the" and before[0] in _THERE))
    return there and near[0].folded in _GROUND


def _titled(text: str, tokens: list[Token], at: int) -> bool:
    """Say whether a title stands before: ``Dr Baker``."""
    if not at or not _beside(text, tokens[at - 1], tokens[at]):
        return False
    before = tokens[at - 1]
    return before.folded in contexts().sure and text[before.end : tokens[at].start] != "\n"


def _after_name(text: str, tokens: list[Token], at: int) -> bool:
    """Say whether a title or a name stands before: ``Dr Smith-Jones``, ``Ivy Crohn``."""
    if not at or not _beside(text, tokens[at - 1], tokens[at]):
        return False
    before = tokens[at - 1]
    if before.folded in _PARTICLES and at > 1:
        return _after_name(text, tokens, at - 1)
    titled = before.folded in contexts().sure | contexts().likely
    kinds = {Word.NAME_TOO, Word.UNKNOWN, Word.CLINICAL_NAME}
    shouted = before.text.isupper() and not (tokens[at].text.isupper() and not text.isupper())
    named = before.capital and judge(before.folded) in kinds and not shouted
    initial = len(before.text) == 1 and before.text in _INITIALS
    return titled or initial or (named and len(before.text) > 1)


def _beside(text: str, one: Token, other: Token) -> bool:
    gap = text[one.end : other.start]
    return len(gap) <= 3 and not gap.strip(" \n-'’")

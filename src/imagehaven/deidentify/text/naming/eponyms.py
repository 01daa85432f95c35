"""Names of people that are words of medicine: kept where a term stands, not where a person does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from imagehaven.deidentify.text.data_files import declared
from imagehaven.deidentify.text.detect.vocabulary import Word, judge
from imagehaven.deidentify.text.naming.contexts import contexts
from imagehaven.deidentify.text.spans import Token

_GRADE: Final = re.compile(r"[1-9]\d?[a-e]?|[ivx]{1,4}[a-c]?|[b-e]|(?-i:A)", re.I)
_GRADE_END: Final = re.compile(r"(?![-/:.,]?\w)")
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
        frozenset(map(str, lists["with_head"])),
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
        if not (_listed(last, lists) if step == 2 else _named(last, lists, text)):
            break
        gap = text[tokens[end - 1].end : tokens[end].start] if end > at else "-"
        both = end > at and _listed(tokens[end - 1], lists) and _listed(last, lists)
        # Only a hyphen makes one term of a name that is in no list and its neighbour.
        if gap not in _JOINS or not (both or "-" in gap or step == 2 or len(gap.strip()) == 1):
            break
        end += step
    return end


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
    run = tokens[at:end]
    run = [token for token in run if token.folded not in {"and", "or"}]
    listed = [token for token in run if _listed(token, lists)]
    after = tokens[end : end + 2]
    near = [t for t in after[:1] if _beside(text, run[-1], t)]
    near += [t for t in after[1:2] if near and _beside(text, near[0], t) and near[0].text.islower()]
    head = any(t.folded in lists.heads for t in near)
    grade = (
        bool(near)
        and text[run[-1].end : near[0].start] in {" ", "-", "\n"}
        and _GRADE.fullmatch(near[0].text) is not None
        and _GRADE_END.match(text, near[0].end) is not None
    )
    joined = len(run) == 1 or "-" in text[run[0].end : run[-1].start]
    of = at > 1 and tokens[at - 1].folded == "of" and tokens[at - 2].folded in lists.before
    if len(listed) == len(run):
        alone = all(_forms(token) & lists.alone for token in run)
        pair = "-".join(token.folded for token in run) in lists.pairs
        weak = (alone or pair) and not known
        return head or grade or of or (weak and not _after_name(text, tokens, at))
    if known or (len(run) > 2 and not joined):
        return False
    owned = any(token.text[-2:-1] in _APOSTROPHES for token in run)
    heads = lists.strict_heads if owned else lists.strict_heads | lists.plain_heads
    strict = bool(near) and near[0].folded in heads and joined and near[0].text.islower()
    strict = strict and not _after_name(text, tokens, at)
    return strict or (of and _beside(text, tokens[at - 1], run[0]))


def _after_name(text: str, tokens: list[Token], at: int) -> bool:
    """Say whether a title or a name stands before: ``Dr Smith-Jones``, ``Ivy Crohn``."""
    if not at or not _beside(text, tokens[at - 1], tokens[at]):
        return False
    before = tokens[at - 1]
    titled = before.folded in contexts().sure | contexts().likely
    kinds = {Word.NAME_TOO, Word.UNKNOWN, Word.CLINICAL_NAME}
    named = before.capital and judge(before.folded) in kinds and not before.text.isupper()
    initial = before.initial and len(before.text) == 1 and text[before.end] == "."
    return titled or initial or (named and len(before.text) > 1)


def _beside(text: str, one: Token, other: Token) -> bool:
    gap = text[one.end : other.start]
    return len(gap) <= 3 and not gap.strip(" \n-'’")

"""Names of institutions: the words with capitals before ``Hospital`` or ``Medical Practice``."""

from __future__ import annotations

from imagehaven.deidentify.text.data_files import words_of
from imagehaven.deidentify.text.detect.vocabulary import Word, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.naming.reading import Reading


def institutions(reading: Reading) -> None:
    """Mark the proper name before ``Hospital``, ``Medical Practice``, ``Infirmary``."""
    for at, token in enumerate(reading.tokens):
        weak = token.folded in contexts().weak_institutions
        if not (weak or token.folded in contexts().institutions) or not token.capital:
            continue
        run = _proper_run(reading, at)
        if run and _is_institution(reading, at, run):
            for i in (*run, at):
                reading.kinds[i] = ("PLACE", "context/institution")
            _town(reading, at + 1)


def _is_institution(reading: Reading, at: int, run: list[int]) -> bool:
    """Say whether the words ``run`` (the nearest first) name the institution at ``at``."""
    token, nearest = reading.tokens[at], reading.tokens[run[0]]
    if token.folded in contexts().weak_institutions:
        return reading.only_space(at - 1) and at not in reading.terms and _is_named(reading, run)
    if token.folded in contexts().sure_institutions:
        return True
    if nearest.folded in contexts().sorts and len(run) > 1:
        return True
    own = token.folded in contexts().own_names and not (
        nearest.folded in vocabulary().medical or nearest.folded in contexts().departments
    )
    if reading.shouting:
        named = [i for i in run if i in reading.kinds or reading.words[i] is Word.NAME_TOO]
        return bool(named) or (own and _apart(reading, at, run))
    return own or any(i in reading.kinds or reading.words[i] is not Word.SAFE for i in run)


def _is_named(reading: Reading, run: list[int]) -> bool:
    """Say whether the word before is found as a name, or is in no list."""
    kind = reading.kinds.get(run[0], ("", ""))
    if reading.tokens[run[0]].folded in words_of("words/places.txt"):
        return True
    sure = kind[0] == "PLACE" or kind[1] == "vocabulary"
    return sure and reading.words[run[0]] is Word.UNKNOWN and run[0] not in reading.terms


def _apart(reading: Reading, at: int, run: list[int]) -> bool:
    """Say whether a name stands by itself, as on a line of an address."""
    first, last = reading.tokens[run[-1]], reading.tokens[at]
    before = reading.text[: first.start].rstrip(" \t")[-1:]
    after = reading.text[last.end : last.end + 1]
    return before in {"", ",", "\n"} and after in {"", ",", "\n", "."}


def _town(reading: Reading, at: int) -> None:
    """Mark the name of a place after an institution's: ``... Infirmary, Wick``."""
    if (
        at < len(reading.tokens)
        and reading.words[at] is Word.NAME_TOO
        and reading.tokens[at].capital
    ):
        gap = reading.text[reading.tokens[at - 1].end : reading.tokens[at].start]
        if not gap.strip(" ,\n") and gap.count("\n") < 2:
            reading.kinds.setdefault(at, ("PLACE", "context/institution"))


def _proper_run(reading: Reading, at: int) -> list[int]:
    """Return the words with capitals before token ``at``, with ``of`` and ``the`` between."""
    run: list[int] = []
    i = at - 1
    while i >= 0 and len(run) < 6:
        token = reading.tokens[i]
        gap = reading.text[token.end : reading.tokens[i + 1].start]
        small = token.folded in {"the", "and", "of"}
        if gap.strip(" .'’&-\n") or gap.count("\n") > 1 or not (token.capital or small):
            break
        if len(gap.strip("\n")) > 2 or ("\n" in gap and not reading.inside(i + 1)):
            break
        small = small or (token.folded == "of" and i > 0 and reading.tokens[i - 1].capital)
        if reading.words[i] is None or (token.folded in contexts().stops and not small):
            break
        if token.folded in role_words() or token.folded in contexts().actions - {
            "and",
            "of",
            "for",
        }:
            break
        run.append(i)
        i -= 1
    while (
        run
        and reading.tokens[run[-1]].folded in {"the", "and", "of"}
        and not (len(run) > 1 and reading.tokens[run[-1]].capital)
    ):
        run.pop()
    return run

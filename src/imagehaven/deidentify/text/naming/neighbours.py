"""Let a name take the words beside it: initials, particles, words that are names too."""

from __future__ import annotations

from imagehaven.deidentify.text.detect.vocabulary import Word
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.naming.reading import Reading


def spread(reading: Reading) -> None:
    """Let a name take the words with capitals and the initials beside it, and so on."""
    _spread_once(reading)
    _pairs(reading)
    _spread_once(reading)


def _spread_once(reading: Reading) -> None:
    for forward in (True, False):
        order = range(len(reading.tokens)) if forward else range(len(reading.tokens) - 1, -1, -1)
        for at in order:
            if reading.kinds.get(at, ("", ""))[0] != "NAME":
                continue
            beside = at + 1 if forward else at - 1
            if (
                not 0 <= beside < len(reading.tokens)
                or beside in reading.kinds
                or beside in reading.terms
            ):
                continue
            if _joins(reading, at, beside):
                reading.kinds[beside] = ("NAME", "context/neighbour")


def _joins(reading: Reading, at: int, beside: int) -> bool:  # noqa: PLR0911 - one case a line
    """Say whether the token beside a name is part of it."""
    token, word = reading.tokens[beside], reading.words[beside]
    if word is None or token.folded in role_words():
        return False
    if reading.text[token.end : token.end + 3].lstrip(" ")[:1] == ":":
        return False  # a label
    if token.folded in {"st", "saint"} and beside < at:
        return token.capital
    if beside < at and _particle(reading, beside):
        return True
    if beside < at and len(token.text) == 1 and token.text.isalpha() and _initial(reading, beside):
        return True
    if not reading.gap_ok(max(at, beside), comma=True):
        return False
    gap = reading.text[reading.tokens[min(at, beside)].end : reading.tokens[max(at, beside)].start]
    hyphen = gap.strip() in {"-", "‐", "‑", "’", "'"}
    if hyphen and token.capital and not reading.shouting:
        return token.folded not in {"like", "type", "shaped", "positive", "negative"}
    if token.folded in contexts().stops and (
        word is Word.SAFE or not token.capital or reading.shouting
    ):
        return False
    if "\n" in gap and not reading.inside(max(at, beside)):
        return False
    if "," in gap or "\n" in gap:
        return word is Word.NAME_TOO and token.capital and not reading.shouting
    if reading.shouting or reading.whispering:
        return word is Word.NAME_TOO
    if token.initial:
        return token.folded not in contexts().not_initials and gap in {" ", ". "}
    return token.capital and word in {Word.NAME_TOO, Word.CLINICAL_NAME}


def _particle(reading: Reading, at: int) -> bool:
    """Say whether a token before a name is part of it: ``Mac an``, ``van der``."""
    token = reading.tokens[at]
    if token.folded in {"an", "na", "de", "la", "le", "a", "al", "el", "den", "der"}:
        return at > 0 and reading.tokens[at - 1].folded in contexts().clans and reading.gap_ok(at)
    return token.folded in contexts().clans


def _initial(reading: Reading, at: int) -> bool:
    """Say whether a single letter before a name is an initial, and not an article."""
    gap = reading.text[reading.tokens[at].end : reading.tokens[at + 1].start]
    letter = reading.tokens[at].text
    return gap in {" ", ". ", ".", "\n"} and (
        letter.isupper()
        or (reading.tokens[at + 1].text.islower() and letter not in "ai")
        or (reading.tokens[at + 1].text.islower() and not reading.inside(at))
    )


def initials(reading: Reading) -> None:
    """Mark an initial and a word that is a name too: ``J Bell``; not a side: ``L Hand``."""
    for at in range(len(reading.tokens) - 1):
        token, word = reading.tokens[at], reading.words[at + 1]
        following = reading.tokens[at + 1]
        if (
            len(token.text) != 1
            or not token.text.isupper()
            or reading.shouting
            or at in reading.kinds
        ):
            continue
        gap = reading.text[token.end : following.start]
        if gap not in {" ", ". ", "."} or at + 1 in reading.kinds or reading.safe[at + 1]:
            continue
        if (
            following.capital
            and len(following.text) > 2
            and following.text[1:].islower()
            and (
                word is Word.NAME_TOO
                or (word is Word.CLINICAL_NAME and token.text not in "LRTCSPAHUI")
                or (word is Word.CLINICAL_NAME and gap != " ")
            )
        ):
            reading.kinds[at] = reading.kinds[at + 1] = ("NAME", "context/neighbour")


def _pairs(reading: Reading) -> None:
    """Mark two words beside each other that both are names: ``Hope Grant``."""
    if reading.shouting or reading.whispering:
        return
    for at in range(len(reading.tokens) - 1):
        pair = (at, at + 1)
        if any(i in reading.kinds or i in reading.terms for i in pair):
            continue
        first, second = reading.words[at], reading.words[at + 1]
        both = (
            first is Word.NAME_TOO
            and second is Word.NAME_TOO
            and reading.gap_ok(at + 1, comma=True)
        )
        both = both or (
            {first, second} == {Word.NAME_TOO, Word.CLINICAL_NAME}
            and reading.only_space(at)
            and not reading.tokens[at].text.isupper()
            and not reading.titled_line(at)
        )
        if both and all(reading.tokens[i].capital and not reading.safe[i] for i in pair):
            for i in pair:
                reading.kinds[i] = ("NAME", "context/neighbour")

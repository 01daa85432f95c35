"""What a scanner misread: digits that it took for letters, and letters that it took for digits.

Both give a text of the same length, so that offsets stay those of the original.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import misread_word
from imagehaven.deidentify.text.spans import Token

_DIGITS: Final = str.maketrans("OolLIiSsBZG|", "001111558261")
_NUMBER = re.compile(
    r"(?<![^\W\d_OolLIiSsBZG])(?=[\w|.\-/]*\d)[\dOolLIiSsBZG|]+(?:[.\-/][\dOolLIiSsBZG|]+)*(?!\w)"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_LOOKS: Final = {
    "m": "(?:m|rn)", "e": "[ecé]", "l": "[lIí1i]", "u": "(?:u|ii|v)", "b": "[bhB8]", "o": "[o0cO]",
    "c": "[ceo]", "i": "[ilí1]", "J": "[JI1]", "O": "[O0]", "S": "[S5]", "g": "[gq9]", "t": "[tf1]",
    "n": "(?:n|ri|r1)",
}  # fmt: skip
_MISREAD_MONTHS: Final = tuple(
    (month, re.compile(rf"(?<![^\W\d_]){''.join(_LOOKS.get(c, c) for c in month)}(?![^\W\d_])"))
    for month in _MONTHS
)
#: A word with numbers before and after it, as a month has them.
_NEAR_MONTH = re.compile(r"\d(?:st|nd|rd|th)?[ \-]{1,2}[^\W_]{3,10}[ \-,]{1,2}[12][09O]")
#: A number has more; what has fewer is a vertebra, a grade, a series: L4/5, S1, B12.
_FEWEST_DIGITS: Final = 3
#: Nor is any of them written so: 3O, 14O, l62, 1S3.
_ROUND = re.compile(r"\d+O|[lo]\d{2,}|\d+[OoSlI]\d+|\d+/l")
_YEAR = re.compile(r"(?:19|20)\d\d|\d{1,2}[.\-/]\d{1,2}|\d{4}")
#: What no English word has: a digit, a double i inside, a q without its u.
_MISREAD = re.compile(r"[^\W\d_]\d|\d[^\W\d_]|[^\Wi]ii[^\Wi]|q(?!u)")


def clear_numbers(text: str) -> str:
    """Return ``text`` with the digits of numbers as they were meant: ``22.06.2O15``."""
    return _NUMBER.sub(_as_number, text)


def _as_number(match: re.Match[str]) -> str:
    found = match[0]
    digits = sum(letter.isdigit() for letter in found)
    clear = found.translate(_DIGITS)
    if clear == found or not digits:
        return found
    if _ROUND.fullmatch(found):
        return clear
    if digits < _FEWEST_DIGITS:
        return found
    return clear if digits > _FEWEST_DIGITS or _YEAR.fullmatch(clear) else found


def misread_months(text: str) -> str:
    """Return ``text`` with months that a scanner misread as they were meant, of the same length.

    ``9 Dccember 1948``; a month that would take another length is filled up or cut at its end.
    """
    if not _NEAR_MONTH.search(text):
        return text
    for month, form in _MISREAD_MONTHS:
        text = form.sub(partial(_fitted, month=month), text)
    return text


def _fitted(match: re.Match[str], month: str) -> str:
    found = match[0]
    if found.lower() == month.lower():
        return found
    return month if len(found) == len(month) else month[:3] + "." + " " * (len(found) - 4)


def clear_words(tokens: list[Token]) -> list[Token]:
    """Return tokens of which those that show a misreading of a safe word are read as that word."""
    return [_as_word(token) if _MISREAD.search(token.folded) else token for token in tokens]


def _as_word(token: Token) -> Token:
    letters = sum(letter.isalpha() for letter in token.folded)
    if letters < len(token.folded) - 2:
        return token
    word = misread_word(token.folded)
    return replace(token, folded=word) if word else token

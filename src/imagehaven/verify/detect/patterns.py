"""The named tests that a rule may put to what its pattern found.

A *check* takes the text that the pattern matched and says whether it stands. A *finder* takes the
whole value and yields places by itself; it is used where no single pattern can say it (dates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Final

from imagehaven.verify.detect.checksums import is_chi, is_nhs_number
from imagehaven.verify.detect.dates import compact_date, written_dates
from imagehaven.verify.detect.text import fold
from imagehaven.verify.known.matcher import common_words

# Royal Mail, Postcode Address File: the areas in use, with the Crown dependencies and BFPO.
_AREAS: Final = (
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL "
    "DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY "
    "L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S "
    "SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR "
    "WS WV YO ZE "
)
POSTCODE_AREAS: Final = frozenset(_AREAS.split())

_LETTERS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@lru_cache(maxsize=2)
def _names(kind: str) -> frozenset[str]:
    text = files(__package__).joinpath("data", f"names_{kind}.txt").read_text("utf-8")
    return frozenset(w for line in text.splitlines() if line[:1] != "#" for w in line.split())


def is_given_name(word: str) -> bool:
    """Tell whether ``word`` is a common given name."""
    return _as_listed(word) in _names("given")


def is_family_name(word: str) -> bool:
    """Tell whether ``word`` is a common family name (either part of a double-barrelled one)."""
    return any(part in _names("family") for part in _as_listed(word).split("-"))


def is_ordinary(word: str) -> bool:
    """Tell whether ``word`` is also an ordinary, medical or technical word."""
    return fold(word) in common_words()


def _as_listed(word: str) -> str:
    return fold(word).replace("’", "'")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _chi(text: str) -> bool:
    return is_chi(_digits(text))


def _nhs(text: str) -> bool:
    digits = _digits(text)
    return is_nhs_number(digits) and not is_chi(digits)


def _postcode(text: str) -> bool:
    area = re.match(r"[A-Z]{1,2}", text.upper())
    return area is not None and area.group() in POSTCODE_AREAS


def _phone(text: str) -> bool:
    digits = _digits(text)
    labelled = text[0].isalpha()
    return (5 if labelled else 9) <= len(digits) <= 15 and len(set(digits)) > 2


def _day_first(text: str) -> bool:
    return compact_date(int(text[:4]), int(text[4:6]), int(text[6:8])) is not None


def _titled_name(text: str) -> bool:
    title, *rest = _LETTERS.findall(text)
    word = rest[-1]
    if is_ordinary(word):
        return False
    # "MR" and "DR" are modalities too: an upper-case title needs a name that is known as one.
    return not title.isupper() or is_given_name(word) or is_family_name(word)


def _caret_name(text: str) -> bool:
    parts = text.split("^")
    known = any(is_given_name(part) or is_family_name(part) for part in parts)
    return known and not any(is_ordinary(part) for part in parts)


def _two_names(text: str) -> bool:
    left, right = (part.strip("_, ") for part in re.split(r", ?|[ _]", text, maxsplit=1))
    pair = (is_given_name(left) and is_family_name(right)) or (
        is_family_name(left) and is_given_name(right)
    )
    return pair and not (is_ordinary(left) and is_ordinary(right))


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "chi": _chi,
    "nhs": _nhs,
    "postcode": _postcode,
    "phone": _phone,
    "day-first": _day_first,
    "titled-name": _titled_name,
    "caret-name": _caret_name,
    "two-names": _two_names,
}


def _find_written_dates(text: str) -> Iterator[tuple[int, int]]:
    for found in written_dates(text):
        written = text[found.start : found.end]
        separated = found.form == "separated" and any(ch in written for ch in "/-.")
        # Two-digit years with dots are version numbers more often than days.
        short = found.form == "short-year" and any(ch in written for ch in "/-")
        if found.form == "named" or separated or short:
            yield found.start, found.end


def _find_compact_dates(text: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(
        r"(?<!\d)(?<!\d\.)(?:19|20[0-4])\d{5,6}(?:([01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)?(?!\d)", text
    ):
        if len(match.group()) in (8, 12, 14) and _day_first(match.group()):
            yield match.span()


FINDERS: Final[dict[str, Callable[[str], Iterator[tuple[int, int]]]]] = {
    "written-date": _find_written_dates,
    "compact-date": _find_compact_dates,
}

"""Coded entries of documents (PS3.3 section 8.8): kept where a terminology has them.

A code of a terminology whose codes have one form is kept in that form. Any other "code" may be
somebody's name or number: it becomes a pseudonym under a scheme of our own, and its meaning is
cleaned like any text.
"""

from __future__ import annotations

import re
from typing import Final

from imagehaven.deidentify.documents.terms import Terms
from imagehaven.deidentify.rulebook.codes import standard_meaning

LOCAL_SCHEME: Final = "99IMAGEHAVEN"
"""The scheme of codes that stand for local ones."""

_FORMS: Final = {
    "SRT": re.compile(r"[A-Z][0-9A-F]?-[0-9A-F]{3,6}"),
    "SNM3": re.compile(r"[A-Z][0-9A-F]?-[0-9A-F]{3,6}"),
    "LN": re.compile(r"\d{1,5}-\d"),
    "DCM": re.compile(r"\d{6}"),
    "BI": re.compile(r"(?:BI|MA|II)\.\d{1,3}[a-z]?"),
    "RADLEX": re.compile(r"RID\d{1,5}"),
    "UMLS": re.compile(r"C\d{7}"),
    "NCIt": re.compile(r"C\d{4,6}"),
    "I10": re.compile(r"[A-Z]\d\d(?:\.\d{1,3})?"),
    "UCUM": re.compile(r"[A-Za-z%/.\[\]{}*^:+\-0-9]{1,16}"),
}
_DIHEDRAL: Final = tuple(
    tuple((a + b) % 5 if a < 5 else 5 + (a - b) % 5 for b in range(5))
    + tuple(5 + (a + b) % 5 if a < 5 else (a - b) % 5 for b in range(5))
    for a in range(10)
)
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def cleaned_code(code: str, scheme: str, meaning: str, terms: Terms) -> tuple[str, str, str]:
    """Return code, scheme and meaning as they may be released."""
    known = standard_meaning(scheme, code)
    if known is not None:
        return code, scheme, known
    cleaned = terms.cleaned(meaning)[:64].strip() or "REMOVED"
    if _has_its_form(code, scheme) and not terms.names(code):
        return code, scheme, cleaned
    pseudonym = terms.pseudonyms.identifier("CodeValue", f"{scheme}:{code}")
    return pseudonym[:16], LOCAL_SCHEME, cleaned


def _has_its_form(code: str, scheme: str) -> bool:
    if scheme == "SCT":
        return 6 <= len(code) <= 18 and code.isdecimal() and _is_verhoeff(code)
    form = _FORMS.get(scheme)
    if form is None or not form.fullmatch(code):
        return False
    # A unit is the one form that spells words.
    return scheme != "UCUM" or not re.search(r"[A-Za-z]{6}", code)


def _is_verhoeff(digits: str) -> bool:
    """Tell whether the last digit is the check digit of SNOMED CT identifiers (Verhoeff 1969)."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _TURN[turned]
        state = _DIHEDRAL[state][turned]
    return state == 0

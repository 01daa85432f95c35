"""Check digits of the two patient numbers of the United Kingdom.

Both are ten digits whose last is a modulus-11 check digit (NHS Data Dictionary, "NHS Number";
Public Health Scotland, "Community Health Index (CHI) Number"). A CHI number starts with the date
of birth as DDMMYY.
"""

from __future__ import annotations

from imagehaven.verify.detect.dates import compact_date


def has_modulus_11(digits: str) -> bool:
    """Tell whether ten digits end in their modulus-11 check digit (weights 10 down to 2)."""
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return False
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    check = (11 - total % 11) % 11
    return check == int(digits[9])


def is_chi(digits: str) -> bool:
    """Tell whether ten digits are a valid CHI number: a day DDMMYY, not all alike, check digit."""
    if not has_modulus_11(digits) or len(set(digits)) == 1:
        return False
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return any(compact_date(century + year, month, day) for century in (1900, 2000))


def is_nhs_number(digits: str) -> bool:
    """Tell whether ten digits are a valid NHS number: the check digit, no single digit repeated."""
    return has_modulus_11(digits) and len(set(digits)) > 1

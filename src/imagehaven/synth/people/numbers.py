"""CHI and NHS numbers: ten digits, the last a modulus-11 check over weights 10 to 2.

A CHI (Community Health Index, Scotland) is the birth date DDMMYY, two digits, a ninth digit that
is even for women and odd for men, and the check. An NHS number here always begins with 999, the
range that is never issued (NHS Data Dictionary, "NHS NUMBER").
"""

from __future__ import annotations

from datetime import date
from random import Random

_WEIGHTS = range(10, 1, -1)


def check_digit(nine: str) -> int | None:
    """Return the check digit of nine digits, or None where the number may not be issued."""
    rest = sum(int(digit) * weight for digit, weight in zip(nine, _WEIGHTS, strict=True)) % 11
    check = (11 - rest) % 11
    return None if check == 10 else check


def _has_check(number: str) -> bool:
    return len(number) == 10 and number.isdecimal() and check_digit(number[:9]) == int(number[9])


def chi_number(born: date, sex: str, rng: Random) -> str:
    """Return a CHI number for a birth date and a sex (``F`` or ``M``)."""
    while True:
        ninth = 2 * rng.randrange(5) + (sex == "M")
        nine = f"{born:%d%m%y}{rng.randrange(100):02d}{ninth}"
        check = check_digit(nine)
        if check is not None:
            return f"{nine}{check}"


def is_chi(number: str) -> bool:
    """Tell whether ten digits are a CHI number: a day, a month and a right check."""
    if not _has_check(number):
        return False
    day, month = int(number[:2]), int(number[2:4])
    return 1 <= day <= 31 and 1 <= month <= 12


def nhs_number(rng: Random) -> str:
    """Return an NHS number from the never-issued range."""
    while True:
        nine = f"999{rng.randrange(10**6):06d}"
        check = check_digit(nine)
        if check is not None:
            return f"{nine}{check}"


def is_nhs(number: str) -> bool:
    """Tell whether ten digits are an NHS number of any range."""
    return _has_check(number)


def postcode(district: str, rng: Random) -> str:
    """Return a full postcode in a district such as ``DD2``; the inward part avoids C I K M O V."""
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return f"{district} {rng.randrange(1, 10)}{rng.choice(letters)}{rng.choice(letters)}"


def phone(rng: Random, *, mobile: bool) -> str:
    """Return a telephone number from the ranges that Ofcom keeps for drama."""
    return f"{'07700 900' if mobile else '01632 960'}{rng.randrange(1000):03d}"

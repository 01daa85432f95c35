"""Identifiers by their looks: the rules of ``data/patterns.yaml``, with their checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from imagehaven.deidentify.text.data_files import declared, words_of
from imagehaven.deidentify.text.spans import Found
from imagehaven.errors import UserError

_FILE: Final = "patterns.yaml"
_UNITS: Final = frozenset(
    (
        "mm",
        "cm",
        "m",
        "ml",
        "l",
        "mg",
        "g",
        "kg",
        "x",
        "by",
        "of",
        "and",
        "to",
        "the",
        "in",
        "at",
        "year",
        "years",
        "yr",
        "old",
        "d",
        "t",
        "with",
    )
)


@dataclass(frozen=True)
class Pattern:
    """One rule: what it looks for, the class of what it finds, and what must hold as well."""

    name: str
    kind: str
    expression: re.Pattern[str]
    group: str | int
    check: Callable[[str], bool] | None


def matches(text: str) -> Iterator[Found]:
    """Yield what the patterns find in ``text``."""
    digits = any(letter.isdigit() for letter in text)
    for pattern in patterns():
        if not digits and pattern.kind not in {"EMAIL", "URL", "AGE"} | _WITHOUT_DIGITS:
            continue
        for match in pattern.expression.finditer(text):
            if pattern.check is None or pattern.check(match[pattern.group]):
                start, end = match.span(pattern.group)
                yield Found(start, end, pattern.kind, f"pattern/{pattern.name}")


_WITHOUT_DIGITS: Final = frozenset({"ADDRESS", "PLACE"})


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return the rules, compiled; :class:`UserError` names the rule at fault."""
    listed = [str(word) for word in declared("contexts.yaml")["streets"]]
    listed += [word.replace(*pair) for word in listed if len(word) > 3 for pair in _MISREAD]
    streets = "|".join(sorted(set(listed), key=len, reverse=True))
    return tuple(_pattern(row, streets) for row in declared(_FILE))


def _pattern(row: dict[str, Any], streets: str) -> Pattern:
    name = row.get("id", "without id")
    unknown = set(row) - {"id", "kind", "pattern", "group", "check"}
    if unknown or "pattern" not in row or "kind" not in row:
        raise UserError(f"{_FILE}: rule {name}: a rule has id, kind, pattern, group and check.")
    check = row.get("check")
    if check is not None and check not in _CHECKS:
        raise UserError(f"{_FILE}: rule {name}: check is one of {', '.join(sorted(_CHECKS))}.")
    try:
        expression = re.compile(row["pattern"].replace("{STREETS}", streets), re.I)
    except re.error as error:
        raise UserError(f"{_FILE}: rule {name}: this is no regular expression.") from error
    group = row.get("group", 0)
    return Pattern(name, row["kind"], expression, group, _CHECKS[check] if check else None)


def is_chi(digits: str) -> bool:
    """Say whether ten digits are a CHI number: a date, and a check digit modulo 11."""
    day, month = int(digits[:2]), int(digits[2:4])
    return 1 <= day <= 31 and 1 <= month <= 12 and _modulus_11(digits)


def is_nhs_number(digits: str) -> bool:
    """Say whether ten digits are an NHS number (check digit modulo 11)."""
    return _modulus_11(digits)


def _modulus_11(digits: str) -> bool:
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    return (11 - total % 11) % 11 == int(digits[9])


def _chi_or_nhs(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return len(digits) == 10 and (is_chi(digits) or is_nhs_number(digits))


def _postcode(text: str) -> bool:
    area = re.match(r"[a-z]+", text.lower())
    return area is not None and area[0] in words_of("postcode_areas.txt")


def _digit(text: str) -> bool:
    return sum(letter.isdigit() for letter in text) >= 2


def _number_of_a_thing(text: str) -> bool:
    """Say whether a run of letters, digits and hyphens has five digits or more, as ids have."""
    digits = sum(letter.isdigit() for letter in text)
    longest = max((len(run) for run in re.findall(r"\d+", text)), default=0)
    letters = any(letter.isalpha() for letter in text)
    return (digits >= 5 and (longest >= 4 or letters)) or (letters and longest >= 5)


def _street(text: str) -> bool:
    """Say whether what stands between number and street is no measurement."""
    words = re.findall(r"[^\W\d_]+", text)
    between = words[:-1]
    if not between or any(word.lower() in _UNITS for word in between):
        return False
    if re.search(r"[^\W\d_]{3}\.\s", text) or len({word[0].isupper() for word in between}) > 1:
        return False  # a sentence ends within: 56 year old joiner. Road
    return all(word[0].isupper() for word in words) or text.lower().endswith(
        ("street", "road", "avenue", "crescent", "terrace", "drive", "lane", "gardens", "wynd")
    )


#: What a scanner makes of the letters of a street.
_MISREAD: Final = (
    ("e", "c"), ("u", "ii"), ("g", "q"), ("l", "1"), ("i", "í"), ("rn", "m"), ("m", "rn"),
    ("h", "b"), ("t", "f"), ("o", "0"), ("s", "5"), ("b", "8"),
)  # fmt: skip
_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "chi-or-nhs": _chi_or_nhs,
    "postcode": _postcode,
    "digit": _digit,
    "number-of-a-thing": _number_of_a_thing,
    "street": _street,
}

"""How dates and numbers are written: the usual ways, the odd ones, and what each is called."""

from __future__ import annotations

from datetime import date
from random import Random

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

HOUSE_DATES = ("slash", "dot", "dash", "long", "short", "ordinal", "military")
"""The ways in which a whole report may write its dates."""
ODD_DATES = (
    "slash2", "dot2", "packed", "iso", "american", "ordinal-of", "no-year", "month-year",
    "weekday", "oracle", "slash-no-year",
)  # fmt: skip
"""Ways that turn up here and there."""


def ordinal(day: int) -> str:
    """Return a day with its ending: 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def date_text(day: date, way: str) -> str:
    """Return a date in a way of HOUSE_DATES or ODD_DATES, in English whatever the locale."""
    month = _MONTHS[day.month - 1]
    weekday = ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun")[day.weekday()] + "day"
    ways = {
        "slash": f"{day:%d/%m/%Y}",
        "dot": f"{day:%d.%m.%Y}",
        "dash": f"{day:%d-%m-%Y}",
        "long": f"{day.day} {month} {day.year}",
        "short": f"{day.day} {month[:3]} {day.year}",
        "ordinal": f"{ordinal(day.day)} {month} {day.year}",
        "military": f"{day.day:02d}-{month[:3].upper()}-{day:%y}",
        "slash2": f"{day.day}/{day.month}/{day:%y}",
        "dot2": f"{day:%d.%m.%y}",
        "packed": f"{day:%Y%m%d}",
        "iso": f"{day:%Y-%m-%d}",
        "american": f"{month} {day.day}, {day.year}",
        "ordinal-of": f"the {ordinal(day.day)} of {month} {day.year}".removeprefix("the "),
        "no-year": f"{ordinal(day.day)} {month}",
        "month-year": f"{month} {day.year}",
        "weekday": f"{weekday} {ordinal(day.day)} {month} {day.year}",
        "oracle": f"{day.day:02d}-{month[:3].upper()}-{day.year}",
        "slash-no-year": f"{day:%d/%m}",
    }
    return ways[way]


def grouped(digits: str, *groups: int, gap: str = " ") -> str:
    """Return digits in groups, with a gap between."""
    parts, place = [], 0
    for size in groups:
        parts.append(digits[place : place + size])
        place += size
    return gap.join(parts)


def ten_digits(digits: str, kind: str, rng: Random, odd: float) -> tuple[str, tuple[str, ...]]:
    """Return a CHI or NHS number as written, oddly grouped with share ``odd``; its hard case."""
    usual = {"chi": ((10,), (6, 4)), "nhs": ((3, 3, 4), (10,))}[kind]
    if rng.random() >= odd:
        return grouped(digits, *rng.choice(usual)), ()
    groups: tuple[tuple[int, ...], str] = rng.choice(
        [((6, 4), "-"), ((2, 2, 2, 4), " "), ((3, 3, 4), "-"), ((3, 3, 4), " "), ((6, 4), "  ")]
    )
    return grouped(digits, *groups[0], gap=groups[1]), ("odd-number",)


def phone_text(rng: Random, *, mobile: bool, odd: float) -> tuple[str, tuple[str, ...]]:
    """Return a telephone number out of the ranges that Ofcom keeps for drama, and its hard case."""
    end = f"{rng.randrange(1000):03d}"
    area, rest = rng.choice(
        [("01632", f"960{end}"), ("0131", f"4960{end}"), ("0141", f"4960{end}")]
    )
    if mobile:
        area, rest = "07700", f"900{end}"
    usual = [f"{area} {rest}", f"{area} {rest[:3]} {rest[3:]}", f"{area}{rest}"]
    if rng.random() >= odd:
        return rng.choice(usual), ()
    strange = [
        f"+44 {area[1:]} {rest}",
        f"+44 (0){area[1:]} {rest}",
        f"({area}) {rest}",
        f"{area}-{rest[:3]}-{rest[3:]}",
        f"0044{area[1:]}{rest}",
        f"{area}.{rest[:3]}.{rest[3:]}",
    ]
    return rng.choice(strange), ("odd-number",)

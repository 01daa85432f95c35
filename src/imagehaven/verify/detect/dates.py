"""Dates as people and machines write them, read back to the days that they may mean.

A written date can mean several days (03/04/64 is 3 April or 4 March, 1964 or 2064); every valid
reading is returned, because the caller asks "could this be the patient's date?".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + ")"
_YEAR = r"(?P<year>(?:19|20)\d\d|\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_BEFORE = r"(?<![\d.])(?<!\d[/-])"
_AFTER = r"(?!\d)(?![/.-]\d)"

_NAMED = (
    re.compile(rf"(?<!\d){_DAY}[\s._/-]*(?:of\s+)?{_MONTH}[\s.,_/-]*'?{_YEAR}(?!\d)", re.I),
    re.compile(
        rf"(?<![a-z]){_MONTH}[\s._/-]*{_DAY}[\s.,_/-]+'?{_YEAR}(?![\d:])",
        re.I,
    ),
    re.compile(
        rf"(?<![a-z]){_MONTH}\s+{_DAY}\s+[\d:]{{5,12}}\s+(?:[a-z]{{3,4}}\s+)?{_YEAR}(?!\d)", re.I
    ),
    re.compile(
        rf"(?<!\d)(?P<year>(?:19|20)\d\d)[\s._/-]*{_MONTH}[\s._/-]*{_DAY}(?!\d)",
        re.I,
    ),
)
_YEAR_FIRST = re.compile(
    rf"{_BEFORE}(?P<year>(?:19|20)\d\d)(?P<sep>[/. _-])(?P<a>\d{{1,2}})(?P=sep)(?P<b>\d{{1,2}})"
    r"(?!\d)(?![/-]\d)(?!\.\d)"
)
_YEAR_LAST = re.compile(
    rf"{_BEFORE}(?P<a>\d{{1,2}})(?P<sep>[/. _-])(?P<b>\d{{1,2}})(?P=sep){_YEAR}{_AFTER}"
)
_DIGITS = re.compile(r"\d{6,}")
#: "1 May 64".
_FEWEST_DIGITS: Final = 3
_LONGEST_KEPT: Final = 256
_COMPACT = frozenset({8, 12, 14})


class WrittenDate(NamedTuple):
    """A written date: its place in the text, its readings as YYYYMMDD, and how it was written.

    ``form`` is ``named``, ``separated``, ``short-year`` (separated, two-digit year), ``compact``
    (eight digits, alone or with a time after them) or ``loose`` (six digits, or eight digits at an
    end of a longer run), from the surest to the least sure.
    """

    start: int
    end: int
    readings: frozenset[str]
    form: str


def written_dates(text: str) -> Iterator[WrittenDate]:
    """Yield every written date of ``text`` that has at least one valid reading."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return
    yield from _kept_dates(text) if len(text) <= _LONGEST_KEPT else _written_dates(text)


@lru_cache(maxsize=16384)
def _kept_dates(text: str) -> tuple[WrittenDate, ...]:
    return tuple(_written_dates(text))


def _written_dates(text: str) -> Iterator[WrittenDate]:
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            month = _MONTHS[match["month"].lower()]
            yield from _written(match, _readings(match["year"], {(month, match["day"])}), "named")
    for pattern in (_YEAR_FIRST, _YEAR_LAST):
        for match in pattern.finditer(text):
            pairs = {(int(match["a"]), match["b"]), (int(match["b"]), match["a"])}
            form = "separated" if len(match["year"]) == 4 else "short-year"
            yield from _written(match, _readings(match["year"], pairs), form)
    for match in _DIGITS.finditer(text):
        yield from _digit_runs(match)


def _written(match: re.Match[str], readings: frozenset[str], form: str) -> Iterator[WrittenDate]:
    if readings:
        yield WrittenDate(match.start(), match.end(), readings, form)


def _digit_runs(match: re.Match[str]) -> Iterator[WrittenDate]:
    run, start = match.group(), match.start()
    if len(run) == 6:
        pairs = _readings(run[4:], {(int(run[2:4]), run[:2]), (int(run[:2]), run[2:4])})
        readings = pairs | _readings(run[:2], {(int(run[2:4]), run[4:])})
        yield from _written(match, readings, "loose")
        return
    form = "compact" if len(run) in _COMPACT else "loose"
    for offset in sorted({0, len(run) - 8}) if len(run) >= 8 else ():
        part = run[offset : offset + 8]
        readings = _readings(part[:4], {(int(part[4:6]), part[6:])})
        if len(run) == 8:
            readings |= _readings(part[4:], {(int(part[2:4]), part[:2])})
        if readings:
            at_start = form if offset == 0 else "loose"
            yield WrittenDate(start + offset, start + offset + 8, readings, at_start)


def _readings(year: str, month_days: set[tuple[int, str]]) -> frozenset[str]:
    """Return the valid days among ``month_days`` in ``year``; two digits mean 19xx and 20xx."""
    years = (int(year),) if len(year) == 4 else (1900 + int(year), 2000 + int(year))
    found = set()
    for full_year in years:
        for month, day in month_days:
            compact = compact_date(full_year, month, int(day))
            if compact:
                found.add(compact)
    return frozenset(found)


@lru_cache(maxsize=8192)
def compact_date(year: int, month: int, day: int) -> str | None:
    """Return the day as YYYYMMDD, or None where no such day exists between 1880 and 2100."""
    if not 1880 <= year <= 2100:
        return None
    try:
        return date(year, month, day).strftime("%Y%m%d")
    except ValueError:
        return None


def dicom_date(value: str) -> str | None:
    """Return the day of a DA or DT value (``YYYYMMDD...`` or the retired ``YYYY.MM.DD``)."""
    digits = value.strip(" \0").replace(".", "", 2)[:8] if value[4:5] == "." else value.strip()[:8]
    if len(digits) != 8 or not digits.isdigit():
        return None
    return compact_date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))

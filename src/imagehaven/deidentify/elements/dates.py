"""Dates move by one patient's shift and keep their precision; times and ages are checked.

VRs as PS3.5 table 6.2-1 defines them, plus the forms of older editions that archives still hold.
A function returns None for what it does not understand: the caller then removes the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

OLDEST_AGE: Final = "090Y"
"""Every age over 89 years becomes this (the Safe Harbor rule of HIPAA, 45 CFR 164.514(b)(2)(i))."""

_DA = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|[.\-/](\d{2})[.\-/](\d{2}))")
_PARTIAL = re.compile(r"(\d{4})(\d{2})?")
_DT = re.compile(r"(\d{4}(?:\d{2}){0,2})((?:\d{2}){0,3}(?:\.\d{1,6})?)([+-]\d{4})?")
_TM = re.compile(r"\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?")
_AS = re.compile(r"(\d{1,3})([DWMY])")
_MIDDLE: Final = 15


def shift_date(text: str, shift: timedelta) -> str | None:
    """Move one DA value; a range ``A-B`` moves both ends, ``YYYY.MM.DD`` becomes ``YYYYMMDD``."""
    text = text.strip(" \0")
    whole = _DA.fullmatch(text)
    if whole:
        year, month, day = whole[1], whole[2] or whole[4], whole[3] or whole[5]
        return _move(int(year), int(month), int(day), shift, "%Y%m%d")
    if _PARTIAL.fullmatch(text):
        return _shift_partial(text, shift)
    ends = text.split("-")
    if len(ends) != 2 or not any(ends):
        return None
    moved = [shift_date(end, shift) if end else "" for end in ends]
    return None if None in moved else "-".join(end or "" for end in moved)


def shift_birth_date(text: str, studied: date | None, shift: timedelta) -> str | None:
    """Move a date of birth; of a person over 89 on the day of the study, it becomes 90 years.

    None without a day of study: nobody could say that the person was younger.
    """
    born = _DA.fullmatch(text.strip(" \0"))
    if born is None or studied is None:
        return None
    birthday = int(born[2] or born[4]), int(born[3] or born[5])
    age = studied.year - int(born[1]) - (birthday > (studied.month, studied.day))
    if age > 89:
        return f"{(studied + shift).year - 90:04d}0101"
    return shift_date(text, shift)


def study_day(texts: Iterable[str]) -> date | None:
    """Return the first of some DA values that is a date."""
    for text in texts:
        found = _DA.fullmatch(text.strip(" \0"))
        if found:
            try:
                return date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5]))
            except ValueError:
                continue
    return None


def shift_datetime(text: str, shift: timedelta) -> str | None:
    """Move one DT value, in its own precision; time of day and UTC offset stay."""
    text = text.strip(" \0")
    found = _DT.fullmatch(text)
    if found is None:
        return None
    day, time, offset = found[1], found[2], found[3] or ""
    if time and len(day) != 8:
        return None
    moved = shift_date(day, shift) if len(day) == 8 else _shift_partial(day, shift)
    return None if moved is None else moved + time + offset


def keep_time(text: str) -> str | None:
    """Return a TM value that is one (ranges too): a time of day survives a shift by whole days."""
    ends = text.strip(" \0").split("-")
    ok = len(ends) <= 2 and any(ends) and all(not end or _TM.fullmatch(end) for end in ends)
    return "-".join(ends) if ok else None


def cap_age(text: str) -> str | None:
    """Return an AS value, ages over 89 years as ``090Y``."""
    found = _AS.fullmatch(text.strip(" \0"))
    if found is None:
        return None
    if found[2] == "Y" and int(found[1]) > 89:
        return OLDEST_AGE
    return f"{int(found[1]):03d}{found[2]}"


def _shift_partial(text: str, shift: timedelta) -> str | None:
    """Move ``YYYY`` or ``YYYYMM`` from its middle, so that the error is at most half of a unit."""
    if len(text) == 6:
        return _move(int(text[:4]), int(text[4:]), _MIDDLE, shift, "%Y%m")
    return _move(int(text), 7, 1, shift, "%Y")


def _move(year: int, month: int, day: int, shift: timedelta, form: str) -> str | None:
    try:
        moved = date(year, month, day) + shift
    except (ValueError, OverflowError):
        return None
    # strftime does not pad a year below 1000 on every platform.
    return f"{moved.year:04d}" + moved.strftime(form.removeprefix("%Y"))

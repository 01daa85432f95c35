"""Written dates: all usual forms, whole or partial, as people write and dictate them.

Times of day stay: a shift by whole days does not change them. A date moves by the patient's days
in its own form; one without a year cannot be moved and is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary|r)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_ONES = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_SPOKEN_DAY = (
    rf"(?:thirty[ -]first|thirtieth|twenty[ -](?:{_ONES})|twentieth|nineteenth|eighteenth"
    rf"|seventeenth|sixteenth|fifteenth|fourteenth|thirteenth|twelfth|eleventh|tenth|{_ONES})"
)
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_ORDINAL = rf"(?:{_DAY}\s?(?:st|nd|rd|th)?|(?P<spoken>{_SPOKEN_DAY}))"
_YEAR = r"(?P<year>(?:19|20)\d\d|['’]?\d\d(?![\d:.,/]\d|\s?(?:%|mm|cm|ml|mg)))"
_WEEKDAY = (
    r"(?:(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?,?\s{1,3}(?:the\s)?)?"
)
_GAP = r"[ \t]{0,3}\n?[ \t]{0,3}"
_SPOKEN_YEAR = (
    r"(?:(?:two thousand(?: and)?|twenty|nineteen)"
    r"(?:[ -](?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|oh))+(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?)"
)
_FORMS: Final = tuple(
    re.compile(form, re.I)
    for form in (
        # 3 March 2019, the 3rd of March, Monday 3rd March '19, third of March two thousand and nine
        rf"\b{_WEEKDAY}{_ORDINAL}{_GAP}(?:of{_GAP})?[-./,]?{_GAP}{_MONTH}"
        rf"(?:{_GAP}[-./,]?{_GAP}(?:(?:in|of){_GAP})?(?:{_YEAR}|{_SPOKEN_YEAR}))?(?![\w])",
        # March 3rd, 2019
        rf"\b{_WEEKDAY}{_MONTH}{_GAP}(?:the{_GAP})?{_ORDINAL}(?!\s?(?:mm|cm|ml|mg|%|years?))\b"
        rf"(?:,?{_GAP}(?P<year>(?:19|20)\d\d))?(?![\w])",
        # March 2019, Mar-19, March of 2019
        rf"\b{_MONTH}{_GAP}(?:of{_GAP})?[-/,]?{_GAP}(?:(?P<year>(?:19|20)\d\d|['’]\d\d)"
        rf"|{_SPOKEN_YEAR})(?![\w])",
        rf"\b{_MONTH}[-/](?P<year>\d\d)(?![\w])",
        # 2019-03-03, 2019/3/3, 2019.03.03, also before a time
        r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?P<gap>[-/.])(?P<number>1[0-2]|0?[1-9])(?P=gap)"
        rf"{_DAY}(?![\d.]\d|\d)",
        # 03/03/2019, 3.3.19, 3-3-19, 3/ 3/2019 at a line end
        rf"(?<![\d./-]){_DAY}\n?(?P<gap>[-/.])\n?(?P<number>1[0-2]|0?[1-9])\n?(?P=gap)\n?"
        r"(?P<year>(?:19|20)\d\d|\d\d)(?!\d|[./]\d)",
        rf"(?<![\d./-])(?P<number>1[0-2]|0?[1-9])(?P<gap>[-/.]){_DAY}(?P=gap)"
        r"(?P<year>(?:19|20)\d\d|\d\d)(?!\d|[./]\d)",
        # 20190303, 20190303T1200
        r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?P<number>1[0-2]|0[1-9])(?P<day>0[1-9]|[12]\d|3[01])"
        r"(?!\d)",
        # 03 03 2019; 03 03 19 only after a word that says so
        rf"(?<![\d./-]){_DAY}\s(?P<number>1[0-2]|0[1-9])\s(?P<year>(?:19|20)\d\d)(?![\d./-])",
        # 03/2019
        r"(?<![\d./-])(?P<number>1[0-2]|0?[1-9])[/.-](?P<year>(?:19|20)\d\d)(?![\d./-])",
    )
)
_SHORT = re.compile(
    r"(?P<before>\b(?:on|dated?|seen|since|from|until|til|before|after|of|due|review|scan|study|film|films|"
    r"ct|mri?|us|x-?ray|xr|prior|previous|compared?|with|and|to|dob|born|d\.o\.b\.?|lmp|edd|performed|taken|exam|"
    r"the|reported|typed|dictated|requested|biopsy|booked|attended|admitted|discharged|updated|amended|vetted|scanned|operation|operated|clinic|appointment|appt|next|last|reviewed|repeat|received|printed|verified|authorised|signed|referral|referred|injury|fall|fell|surgery|procedure|for|at|attendance|visit|contact|rep|rpt|done|ver|typ)[\s:]{1,3})(?P<date>(?:0?[1-9]|[12]\d|3[01])[/.](?:0?[1-9]|1[0-2])"
    r"(?:[/.]\d\d)?)(?![\d/%]|\.\d|\s?(?:mm|cm|ml|mg|kg|cc|g\b|l\b|s\b|sec|ms\b|hz|t\b|x\b|mhz|m\b|m/s|kpa|mmol|cycles|weeks|months|days|hours|minutes|times|strength|power|%))",
    re.I,
)
_DAY_MONTH = re.compile(
    r"(?<![\w./:-])(?P<date>(?:0[1-9]|[12]\d|3[01])/0[1-9]|0[1-9]/1[0-2]|(?:1[3-9]|2\d|3[01])/1[0-2])"
    r"(?![\w/%]|\.\d|\s?(?:mm|cm|ml|mg|kg|strength|power))",
    re.I,
)
_DAY_MONTH_YEAR = re.compile(
    r"\b(?:dob|d\.o\.b\.?|born|date of birth|dated?)\W{0,3}"
    r"(?P<date>\d{1,2}\s\d{1,2}\s\d{2}|\d{6})(?!\d)",
    re.I,
)
_YEAR_ALONE = re.compile(
    r"(?P<before>\b(?:in|since|from|of|year|during|until|before|after|early|late|mid|around|circa|"
    r"to|and|by|summer|winter|spring|autumn|christmas|easter|about|dated?|back|the|previous|prior|ct|mri?|us|scan|film)"
    r"[\s-]{1,2}(?:to\s)?)(?P<year>(?:19[2-9]|20[0-4])\d)(?:['’]?s)?(?![\w.:/]\d|\d|\s?(?:mm|cm|ml|mg|mgy|hu|mls|m/s|g|w|l|ms|iu|units?|ng|pg|u/l|lb|kcal)\b)",
    re.I,
)
_BARE_YEAR = re.compile(
    r"(?<![\w./:-])(?P<year>(?:19[3-9]|20[0-4])\d)(?![\w/:]|\.\d|-\d\d\d|\s?(?:mm|cm|ml|mg|hu|mls|ms|iu|units?)\b)",
    re.I,
)
_ABBREVIATED_YEAR = re.compile(r"(?<!\w)['’](?P<year>\d\d)(?![\w'’])")

_BIRTH: Final = re.compile(r"\b(?:born|b|birth|dob|d\.o\.b)\b")


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date at ``start`` to ``end``, and what to write for it when it moves by some days."""

    start: int
    end: int
    match: re.Match[str]
    group: str | int

    @property
    def year_alone(self) -> bool:
        """Whether it is no more than a year, and not that of a birth."""
        before = self.match.string[max(0, self.start - 16) : self.start].lower()
        return self.group == "year" and not _BIRTH.search(before)

    def moved(self, days: int) -> str | None:
        """Return the date moved, in its own form; None when its parts are not all numbers."""
        return _moved(self.match, self.group, days)


def written_dates(text: str) -> Iterator[WrittenDate]:
    """Yield the dates of ``text``; they may overlap, the longest one is meant."""
    for form in _FORMS:
        for match in form.finditer(text):
            if _is_month_word(match, text):
                yield WrittenDate(match.start(), match.end(), match, 0)
    for form in (_SHORT, _DAY_MONTH, _DAY_MONTH_YEAR):
        for match in form.finditer(text):
            yield WrittenDate(match.start("date"), match.end("date"), match, "date")
    for form in (_YEAR_ALONE, _BARE_YEAR, _ABBREVIATED_YEAR):
        for match in form.finditer(text):
            yield WrittenDate(match.start("year"), match.end("year"), match, "year")


def _is_month_word(match: re.Match[str], text: str) -> bool:
    """Tell ``may 5`` the verb and ``mar`` the word from months: a lone day wants a real month."""
    groups = match.groupdict()
    month = groups.get("month")
    if not month or groups.get("year"):
        return True
    lower = month.lower().rstrip(".")
    if lower in {"may", "march", "mar", "sun", "dec", "second"}:
        return (
            month[0].isupper()
            or groups.get("spoken") is not None
            or " of " in match[0].lower()
            or bool(re.search(r"\d\s?(?:st|nd|rd|th)\b", match[0]))
            or text.isupper()
        )
    return True


def _moved(match: re.Match[str], group: str | int, days: int) -> str | None:
    parts = match.groupdict()
    year, number, day = parts.get("year"), parts.get("number"), parts.get("day")
    month = parts.get("month")
    if year is None or group == "date" or parts.get("spoken"):
        return None
    if month:
        number = str([m[:3] for m in _MONTHS].index(month[:3].lower()) + 1)
    digits = year.strip("'’")
    whole = int(digits) if len(digits) == 4 else _century(int(digits))
    try:
        before = date(whole, int(number or 7), int(day or (15 if number else 1)))
        after = before + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return _written(match, group, after, digits)


def _written(match: re.Match[str], group: str | int, after: date, digits: str) -> str:
    """Return the text of the match with its parts exchanged for those of ``after``."""
    base = match.start(group)
    text = match.group(group)
    changes = [(match.span("year"), f"{after.year:04d}"[-len(digits) :])]
    names = match.groupdict()
    if names.get("day"):
        width = len(names["day"])
        changes.append(
            (match.span("day"), f"{after.day:0{width}d}" if width == 2 else str(after.day))
        )
    if names.get("number"):
        width = len(names["number"])
        changes.append(
            (match.span("number"), f"{after.month:0{width}d}" if width == 2 else str(after.month))
        )
    if names.get("month"):
        changes.append((match.span("month"), _like(names["month"], _MONTHS[after.month - 1])))
    for (start, end), new in sorted(changes, reverse=True):
        kept = "'" if text[start - base : start - base + 1] in "'’" and start != end else ""
        kept = (
            kept
            if text[start - base : end - base].strip("'’") != text[start - base : end - base]
            else ""
        )
        text = text[: start - base] + kept + new + text[end - base :]
    return _mended(text, after)


def _mended(text: str, after: date) -> str:
    """Return the text with the weekday and the ending of the ordinal that fit the new date."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    name = days[after.weekday()]
    text = re.sub(
        r"(?i)^(mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(day)?\b",
        lambda m: _like(m[0], name if m[2] else name[:3]),
        text,
    )
    ending = "th" if 10 < after.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(after.day % 10, "th")
    return re.sub(r"(?i)(?<=\d)(?:st|nd|rd|th)\b", ending, text)


def _like(old: str, new: str) -> str:
    """Return ``new`` as long (whole or three letters) and in the case that ``old`` is in."""
    bare = old.rstrip(".")
    new = new[:3] if len(bare) <= 4 and bare.lower() not in {"june", "july", "may"} else new
    new += "." if old.endswith(".") and len(new) == 3 else ""
    return new.upper() if bare.isupper() else new.capitalize() if bare[0].isupper() else new


def _century(short: int) -> int:
    return 1900 + short if short > 49 else 2000 + short

"""What is asked of a source, taken apart until every answer is whole. Pure.

A range of days is asked day by day. A source that gives up before the end of its list (it says so,
or the count is one at which systems stop) is asked again by halves: of the days, then of the
day's time. What is left over where no half can be made is told as cut, never taken for whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from imagehaven.acquire.retrieve.peer import Found, Study

_DAY: Final = 86400
#: From this many answers on a count may be a limit that somebody set.
_SMALLEST_LIMIT: Final = 100

PENDING, WHOLE, SPLIT, CUT, REFUSED = "pending", "whole", "split", "cut", "refused"
#: Why a part was split: by the time of day, which a study without a time does not match.
BY_TIME: Final = "by-time"


@dataclass(frozen=True)
class Part:
    """One question: days from ``first`` to ``last``, seconds of the day, and a modality or ''.

    A part of a list has its ``line`` instead, and asks for one ``keyword`` that has one ``value``.
    """

    first: date = date.min
    last: date = date.min
    modality: str = ""
    start: int = 0
    end: int = _DAY - 1
    line: int = 0
    keyword: str = ""
    value: str = ""

    @property
    def name(self) -> str:
        """The part in the ledger; a line's value is not in it."""
        if self.line:
            return f"line {self.line}"
        times = "" if self.all_day else f" {_time(self.start)}-{_time(self.end)}"
        return f"{self.first:%Y%m%d}-{self.last:%Y%m%d}{times} {self.modality}".strip()

    @property
    def all_day(self) -> bool:
        """Whether no time of day is asked for."""
        return (self.start, self.end) == (0, _DAY - 1)

    def keys(self) -> dict[str, str]:
        """What matches, by keyword (PS3.4 section C.2.2.2)."""
        if self.line:
            return {self.keyword: self.value}
        one_day = self.first == self.last
        dates = f"{self.first:%Y%m%d}" if one_day else f"{self.first:%Y%m%d}-{self.last:%Y%m%d}"
        keys = {"StudyDate": dates}
        if not self.all_day:
            keys["StudyTime"] = f"{_time(self.start)}-{_time(self.end)}.999999"
        if self.modality:
            keys["ModalitiesInStudy"] = self.modality
        return keys

    def halves(self) -> tuple[Part, ...]:
        """The same question in two parts; none where it cannot be halved."""
        if self.line:
            return ()
        days = (self.last - self.first).days
        if days:
            middle = self.first + timedelta(days=days // 2)
            return replace(self, last=middle), replace(self, first=middle + timedelta(days=1))
        if self.start < self.end:
            second = (self.start + self.end) // 2
            return replace(self, end=second), replace(self, start=second + 1)
        return ()


@dataclass(frozen=True)
class Judged:
    """What became of a part: its state, the studies that belong to it, and what is asked next."""

    state: str
    reason: str
    studies: tuple[Study, ...]
    halves: tuple[Part, ...] = ()


def parts_of(first: date, last: date, modalities: tuple[str, ...]) -> Iterator[Part]:
    """A part for each day and each modality (one for all where none is named), oldest first."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for modality in modalities or ("",):
            yield Part(day, day, modality)


def looks_cut(count: int) -> bool:
    """Whether so many answers may be somebody's limit: a round number, or a power of two."""
    round_number = count % 50 == 0 or count & (count - 1) == 0
    return count >= _SMALLEST_LIMIT and round_number


def judge(part: Part, found: Found, results: int | None) -> Judged:
    """Decide whether an answer is whole; what is not is halved, or told as cut."""
    mine = tuple(study for study in found.studies if _belongs(part, study))
    unheeded = len(mine) < len(found.studies)
    certain = found.cut or (results is not None and len(found.studies) >= results)
    if part.line and not certain:
        return Judged(WHOLE, "" if mine else "not-found", mine)
    if not certain and not looks_cut(len(found.studies)):
        return Judged(WHOLE, "", mine)
    halves = part.halves()
    if unheeded:
        # It answers with what was not asked for: halves would bring the same answer again.
        return Judged(CUT, "range-not-heeded", mine)
    if not halves:
        return Judged(CUT, "list-cut", mine) if certain else Judged(WHOLE, "", mine)
    if not (certain and part.first == part.last and part.all_day):
        return Judged(SPLIT, "", mine, halves)
    # A study without a time matches no range of times. Where the source shows one, there may be
    # more; where it shows none, the part is told as asked by time.
    timeless = not all(study.time for study in mine)
    return Judged(CUT if timeless else SPLIT, "without-time" if timeless else BY_TIME, mine, halves)


def _belongs(part: Part, study: Study) -> bool:
    """Whether the source could list the study here; sources that ignore a key list everything."""
    if part.line:
        told = study.uid if part.keyword == "StudyInstanceUID" else study.accession
        return told == part.value
    if study.day and not f"{part.first:%Y%m%d}" <= study.day <= f"{part.last:%Y%m%d}":
        return False
    if part.modality and study.modalities and part.modality not in study.modalities:
        return False
    time = study.time[:6]
    if part.all_day or len(time) < 6 or not time.isdigit():
        return True
    return _time(part.start) <= time <= _time(part.end)


def _time(second: int) -> str:
    return f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"

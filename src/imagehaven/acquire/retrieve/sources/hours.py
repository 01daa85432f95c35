"""When a source may be asked: windows of local time such as ``Sat,Sun 00:00-24:00``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW: Final = re.compile(r"(?:([A-Za-z,]+) )?(\d\d):(\d\d)-(\d\d):(\d\d)")
_MINUTES: Final = 24 * 60


@dataclass(frozen=True)
class Window:
    """Minutes of the local day from ``start`` up to ``end``; over midnight where end <= start.

    ``days`` are those on which the window begins, Monday is 0.
    """

    days: frozenset[int]
    start: int
    end: int

    @property
    def length(self) -> int:
        """Minutes on the clock from start to end."""
        return (self.end - self.start) % _MINUTES or _MINUTES


def read_window(text: str) -> Window:
    """Read ``HH:MM-HH:MM``, with days before it or without; raises ValueError with what is wrong.

    >>> read_window("Fri 20:00-06:00").length
    600
    """
    found = _WINDOW.fullmatch(text.strip())
    if not found:
        raise ValueError("write hours as 20:00-06:00 or Sat,Sun 00:00-24:00")
    named = found[1].split(",") if found[1] else DAYS
    if any(day not in DAYS for day in named):
        raise ValueError(f"days are {', '.join(DAYS)}")
    start, end = (int(found[n]) * 60 + int(found[n + 1]) for n in (2, 4))
    if start >= _MINUTES or end > _MINUTES or int(found[3]) > 59 or int(found[5]) > 59:
        raise ValueError("hours go from 00:00 to 24:00")
    return Window(frozenset(DAYS.index(day) for day in named), start, end)


def seconds_until_open(windows: Sequence[Window], zone: tzinfo, now: datetime) -> float:
    """Seconds from ``now`` (aware) until a window is open; 0 where one is, or there are none."""
    if not windows:
        return 0.0
    openings = [
        _seconds(now, opened, closed)
        for window in windows
        # Yesterday's may still be open; a window on one day of the week opens within eight days.
        for opened, closed in (
            _instants(window, zone, now, offset)
            for offset in range(-1, 9)
            if (now.astimezone(zone) + timedelta(days=offset)).weekday() in window.days
        )
        if closed > now
    ]
    return min(openings)


def _seconds(now: datetime, opened: datetime, _closed: datetime) -> float:
    return max((opened - now).total_seconds(), 0.0)


def _instants(
    window: Window, zone: tzinfo, now: datetime, offset: int
) -> tuple[datetime, datetime]:
    day = now.astimezone(zone).date() + timedelta(days=offset)
    # Wall clock first, then the zone: a window keeps its hours when summer time begins or ends.
    midnight = datetime.combine(day, time())
    opened = midnight + timedelta(minutes=window.start)
    closed = opened + timedelta(minutes=window.length)
    return opened.replace(tzinfo=zone).astimezone(UTC), closed.replace(tzinfo=zone).astimezone(UTC)

"""Allowed hours are local time, over midnight, on days of the week, and through summer time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagehaven.acquire.retrieve.sources.hours import read_window, seconds_until_open

LONDON = ZoneInfo("Europe/London")


def wait(text: str, local: str) -> float:
    windows = [read_window(one) for one in text.split("; ") if one]
    now = datetime.fromisoformat(local).replace(tzinfo=LONDON).astimezone(UTC)
    return seconds_until_open(windows, LONDON, now)


@pytest.mark.parametrize(
    ("windows", "local", "hours"),
    [
        ("", "2026-11-24T12:00", 0),
        ("20:00-06:00", "2026-11-24T19:00", 1),
        ("20:00-06:00", "2026-11-24T20:00", 0),
        ("20:00-06:00", "2026-11-24T23:59", 0),
        ("20:00-06:00", "2026-11-25T05:59", 0),
        ("20:00-06:00", "2026-11-25T06:00", 14),
        ("09:00-17:00; 20:00-22:00", "2026-11-24T18:00", 2),
        # Friday's night lasts into Saturday morning, and then it is shut for the week.
        ("Fri 20:00-06:00", "2026-11-28T05:00", 0),
        ("Fri 20:00-06:00", "2026-11-28T06:00", 6 * 24 + 14),
        ("Sat,Sun 00:00-24:00", "2026-11-27T12:00", 12),
        ("Sat,Sun 00:00-24:00", "2026-11-29T23:00", 0),
        # The clocks go back on 25 October 2026: the night is an hour longer.
        ("06:00-07:00", "2026-10-24T18:00", 13),
        # And forward on 28 March 2027.
        ("06:00-07:00", "2027-03-27T18:00", 11),
    ],
)
def test_the_source_is_shut_until_its_hours(windows: str, local: str, hours: float) -> None:
    assert wait(windows, local) == hours * 3600


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
)
def test_after_the_wait_it_is_open(moment: datetime, start: int, end: int) -> None:
    times = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (start, end))
    window = read_window(times)
    now = moment.replace(tzinfo=UTC)
    seconds = seconds_until_open([window], LONDON, now)
    assert 0 <= seconds <= 25 * 3600
    assert seconds_until_open([window], LONDON, now + timedelta(seconds=seconds)) == 0


@pytest.mark.parametrize(
    "text", ["20-6", "20:00", "25:00-06:00", "20:61-06:00", "Fry 20:00-06:00", "20:00-24:01", ""]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours|days"):
        read_window(text)

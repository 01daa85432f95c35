"""The gate holds askers back outside the hours, over the rate and in distress, and says why."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagehaven.acquire.retrieve.dimse.explain import not_served, refusals, rejected
from imagehaven.acquire.retrieve.gate import Gate, Stopped
from imagehaven.acquire.retrieve.peer import NotServed, Refused, Unavailable
from imagehaven.acquire.retrieve.sources.reading import parse_sources
from imagehaven.acquire.retrieve.sources.source import Source
from imagehaven.errors import TransientError


def source(limits: str) -> Source:
    text = f"""\
sources:
  main: {{kind: dimse, host: 127.0.0.1, port: 104, title: PACS1, limits: {limits}}}
"""
    return parse_sources(text, Path("pacs.yaml"))["main"]


def gate(limits: str, *, stop_at_a_line: bool = False) -> tuple[Gate, list[str]]:
    lines: list[str] = []
    stop = threading.Event()

    def tell(line: str) -> None:
        lines.append(line)
        if stop_at_a_line:
            stop.set()

    return Gate(source(limits), stop, tell), lines


def test_outside_its_hours_nobody_enters() -> None:
    now = datetime.now(UTC)
    hours = [f"{now + timedelta(hours=wait):%H}:00" for wait in (2, 3)]
    held, lines = gate(f'{{hours: "{hours[0]}-{hours[1]}"}}', stop_at_a_line=True)
    with pytest.raises(Stopped):
        held.enter()
    assert len(lines) == 1
    assert "outside its allowed hours. Going on in 1 h" in lines[0] or "in 2 h" in lines[0]


def test_a_study_under_way_is_ended_after_hours() -> None:
    now = datetime.now(UTC)
    hours = [f"{now + timedelta(hours=wait):%H}:00" for wait in (2, 3)]
    held, lines = gate(f'{{hours: "{hours[0]}-{hours[1]}"}}', stop_at_a_line=True)
    held.enter(under_way=True)
    assert lines == []


def test_within_its_hours_and_rates_everybody_does() -> None:
    held, lines = gate('{hours: "00:00-24:00"}')
    for _ in range(100):
        held.enter(study=True)
    assert lines == []


def test_studies_come_no_faster_than_their_rate() -> None:
    held, _ = gate("{studies_per_second: 20}")
    begun = time.monotonic()
    for _ in range(5):
        held.enter(study=True)
    # The first one is free. A machine can only be slower than that.
    assert time.monotonic() - begun >= 4 / 20 - 0.01


def test_bytes_come_no_faster_than_their_rate_and_are_paid_before_the_next_question() -> None:
    held, _ = gate("{megabytes_per_second: 1}")
    begun = time.monotonic()
    held.came(1_100_000)
    held.owe(100_000)
    held.enter()
    assert time.monotonic() - begun >= 0.2 - 0.01


def test_distress_holds_everybody_and_is_told() -> None:
    held, lines = gate("{pause: {first: 0.2, longest: 0.2}}")
    held.suffered(NotServed("out-of-resources", "main: it is out of resources.", distress=True))
    begun = time.monotonic()
    held.enter()
    assert time.monotonic() - begun >= 0.1 - 0.01
    assert lines == ["main: it is out of resources. Pausing for 0 s."]


def test_what_is_no_distress_holds_nobody() -> None:
    held, lines = gate("{}")
    held.suffered(NotServed("not-there", "main: it does not have this."))
    held.enter()
    assert lines == []


def test_patience_ends() -> None:
    held, _ = gate("{pause: {first: 0.001, longest: 0.001, patience: 0}}")
    held.answered(0.1)
    with pytest.raises(TransientError, match="the worklist is kept"):
        held.suffered(Unavailable("main: no connection."))


def test_a_source_that_never_answered_gets_three_tries_and_a_busy_one_more() -> None:
    held, _ = gate("{pause: {first: 0.001, longest: 0.001}}")
    for _ in range(2):
        held.suffered(Unavailable("main: no connection."))
    with pytest.raises(TransientError):
        held.suffered(Unavailable("main: no connection."))
    held, _ = gate("{pause: {first: 0.001, longest: 0.001}}")
    for _ in range(20):
        held.suffered(Unavailable("main: it is congested.", reached=True))


def test_every_refusal_says_what_it_means_and_what_mends_it() -> None:
    for table in ("rejections", "statuses"):
        for row in refusals(table):
            assert row.means
            assert row.remedy.endswith(".")


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((1, 1, 7), Refused),
        ((1, 1, 3), Refused),
        ((2, 3, 2), Unavailable),
        ((2, 9, 9), Unavailable),
    ],
)
def test_a_rejection_is_for_good_or_for_now(codes: tuple[int, int, int], kind: type) -> None:
    assert type(rejected("main", *codes)) is kind


@pytest.mark.parametrize(
    ("status", "reason", "distress"),
    [
        (0xA700, "out-of-resources", True),
        (0xA702, "out-of-resources", True),
        (0x0122, "class-refused", True),
        (0x0124, "not-authorised", False),
        (0xA900, "not-understood", False),
        (0xC001, "processing-failure", False),
        (0xFE00, "cancelled", False),
        (0xB000, "not-delivered", False),
        (0x9999, "processing-failure", False),
    ],
)
def test_a_status_is_distress_or_a_failure(status: int, reason: str, distress: bool) -> None:
    error = not_served("main", "C-GET", status)
    assert isinstance(error, NotServed)
    assert (error.reason, error.distress) == (reason, distress)
    assert f"{status:04X}" in str(error)


def test_a_destination_that_is_not_known_is_a_setting() -> None:
    assert isinstance(not_served("main", "C-MOVE", 0xA801), Refused)

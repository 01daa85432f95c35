"""Rates hold over any time, and pauses grow, stay bounded and end."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imagehaven.acquire.retrieve.pace import Bucket, Health

amounts = st.lists(st.floats(0, 50), min_size=1, max_size=60)


@given(rate=st.floats(0.1, 100), burst=st.floats(0, 100), takes=amounts)
def test_no_more_comes_than_rate_and_burst_allow(
    rate: float, burst: float, takes: list[float]
) -> None:
    now, came = 1000.0, 0.0
    bucket = Bucket.full(rate, burst, now)
    for amount in takes:
        now += bucket.wait(now)
        bucket = bucket.take(amount, now)
        came += amount
    # Once the last of it is paid for, no more has come than the time and the burst are worth.
    paid = now + bucket.wait(now) - 1000.0
    assert came <= burst + rate * paid + 1e-6 * came + 1e-6


@given(takes=amounts)
def test_who_waits_as_told_is_never_told_to_wait_again(takes: list[float]) -> None:
    now = 0.0
    bucket = Bucket.full(5.0, 10.0, now)
    for amount in takes:
        bucket = bucket.take(amount, now)
        now += bucket.wait(now)
        assert bucket.wait(now) < 1e-9


def test_without_a_rate_nothing_waits() -> None:
    assert Bucket.full(None, 0.0, 0.0).take(1e12, 0.0).wait(0.0) == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket.full(1.0, 1.0, 100.0).take(1.0, 100.0)
    assert bucket.at_time(50.0).balance == 0.0
    assert bucket.at_time(50.0).at == 100.0


@given(
    failures=st.integers(1, 80),
    chance=st.floats(0, 1, exclude_max=True),
    first=st.floats(0.1, 10),
    longest=st.floats(10, 1000),
)
def test_pauses_grow_and_stay_bounded(
    failures: int, chance: float, first: float, longest: float
) -> None:
    health, now, pauses = Health(first, longest), 0.0, []
    for _ in range(failures):
        health = health.suffered(now, chance)
        pauses.append(health.wait(now))
        now += health.wait(now)
    assert all(first / 2 <= pause <= longest + 1e-9 for pause in pauses)
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(pauses))
    assert health.wait(now) < 1e-6


def test_a_named_time_is_kept_to_but_for_a_day() -> None:
    assert Health(1.0, 10.0).suffered(0.0, 0.5, 120.0).wait(0.0) == 120.0
    assert Health(1.0, 10.0).suffered(0.0, 0.5, 86400.0).wait(0.0) == 3600.0


def test_an_answer_ends_the_distress() -> None:
    health = Health(1.0, 10.0).suffered(0.0, 0.5).suffered(0.0, 0.5)
    assert health.answered(0.1, 5.0).distress == 0


def test_answers_that_grow_slow_bring_a_pause_and_quick_ones_none() -> None:
    health = Health(1.0, 10.0)
    for _ in range(20):
        health = health.answered(0.5, 0.0)
    assert health.wait(0.0) == 0.0
    for _ in range(20):
        health = health.answered(5.0, 0.0)
    assert health.wait(0.0) > 0.0
    assert replace(health, until=0.0).answered(0.1, 0.0).distress > 0  # not well at once
    for _ in range(20):
        health = health.answered(0.5, 0.0)
    assert health.distress == 0


def test_a_source_that_was_always_slow_is_left_in_peace() -> None:
    health = Health(1.0, 10.0)
    for _ in range(50):
        health = health.answered(20.0, 0.0)
    assert health.wait(0.0) == 0.0

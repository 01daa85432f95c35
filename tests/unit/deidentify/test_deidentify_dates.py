"""Dates shift in every form that archives hold; what is no date is removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from imagehaven.deidentify.elements import dates

TEN = timedelta(days=-10)


@pytest.mark.parametrize(
    ("value", "shifted"),
    [
        ("20240305", "20240224"),
        ("2024.03.05", "20240224"),
        ("2024-03-05", "20240224"),
        ("20240305 ", "20240224"),
        ("202403", "202403"),
        ("2024", "2024"),
        ("20240305-20240310", "20240224-20240229"),
        ("-20240310", "-20240229"),
        ("10000101", "09991222"),
    ],
)
def test_a_date_moves_and_keeps_its_precision(value: str, shifted: str) -> None:
    assert dates.shift_date(value, TEN) == shifted


@pytest.mark.parametrize("value", ["20240230", "5 March", "", "00000000", "20240305-20240399", "-"])
def test_what_is_no_date_is_not_kept(value: str) -> None:
    assert dates.shift_date(value, TEN) is None


@pytest.mark.parametrize(
    ("value", "shifted"),
    [
        ("20240305101112.123456+0100", "20240224101112.123456+0100"),
        ("20240305101112", "20240224101112"),
        ("20240305", "20240224"),
        ("2024030510-0500", "2024022410-0500"),
        ("202403", "202403"),
    ],
)
def test_a_date_time_keeps_time_and_offset(value: str, shifted: str) -> None:
    assert dates.shift_datetime(value, TEN) == shifted


@pytest.mark.parametrize("value", ["2024030", "yesterday", "20240305 10:11", "20240399101112"])
def test_what_is_no_date_time_is_not_kept(value: str) -> None:
    assert dates.shift_datetime(value, TEN) is None


@pytest.mark.parametrize("value", ["101112", "10", "101112.5", "10:11:12", "0900-1000"])
def test_a_time_of_day_is_kept(value: str) -> None:
    assert dates.keep_time(value) == value


@pytest.mark.parametrize("value", ["noon", "1", "20240305", "-"])
def test_what_is_no_time_is_not_kept(value: str) -> None:
    assert dates.keep_time(value) is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("045Y", "045Y"), ("011M", "011M")],
)
def test_ages_over_89_become_90(value: str, kept: str) -> None:
    assert dates.cap_age(value) == kept


@pytest.mark.parametrize("value", ["about 40", "Y", "0455Y", "45"])
def test_what_is_no_age_is_not_kept(value: str) -> None:
    assert dates.cap_age(value) is None

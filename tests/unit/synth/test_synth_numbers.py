"""CHI and NHS numbers."""

from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.synth import is_chi, is_nhs
from imagehaven.synth.people import chi_number, nhs_number

BIRTHS = st.dates(date(1920, 1, 1), date(2024, 6, 30))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(born=BIRTHS, sex=st.sampled_from("FM"), seed=st.integers(0, 2**32))
def test_a_chi_number_tells_birth_date_and_sex_and_has_its_check_digit(born, sex, seed):
    number = chi_number(born, sex, Random(seed))
    assert number[:6] == f"{born:%d%m%y}"
    assert int(number[8]) % 2 == (1 if sex == "M" else 0)
    assert is_chi(number)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32), place=st.integers(0, 9), change=st.integers(1, 9))
def test_one_wrong_digit_makes_a_number_invalid(seed, place, change):
    number = nhs_number(Random(seed))
    wrong = str((int(number[place]) + change) % 10)
    assert is_nhs(number)
    assert not is_nhs(number[:place] + wrong + number[place + 1 :])


def test_known_numbers_are_judged_as_published():
    # 943 476 5919 is the worked example of the NHS Data Dictionary.
    assert is_nhs("9434765919")
    assert not is_nhs("9434765918")
    assert not is_chi("9434765919"), "94 is no day"
    assert not is_nhs("123456789")


def test_an_nhs_number_comes_from_the_range_that_is_never_issued():
    assert nhs_number(Random(4)).startswith("999")

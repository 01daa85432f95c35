"""Patient numbers: found exactly where the check digit is right, however they are spaced."""

from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagehaven.verify import default_rules
from imagehaven.verify.known.matcher import Context

WEIGHTS = range(10, 1, -1)
SEPARATORS = st.sampled_from(["", " ", "-"])


def check_digit(nine: str) -> int:
    """The modulus-11 check digit of nine digits, worked out here on its own; 10 means none."""
    return (11 - sum(int(d) * w for d, w in zip(nine, WEIGHTS, strict=True)) % 11) % 11


def classes(text, context=Context.TEXT):
    return {m.rule.value_class for m in default_rules().find(text, context) if m.rule.checksum}


@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
@example("9434765919")
@example("0000000000")
@settings(max_examples=300, deadline=None, derandomize=True)
def test_ten_digits_are_an_nhs_number_exactly_when_the_check_digit_is_right(digits):
    right = check_digit(digits[:9]) == int(digits[9]) and len(set(digits)) > 1
    # One that starts with a day is told as a CHI number, which has the same check digit.
    assert bool(classes(digits) & {"nhs", "chi"}) is right


@given(
    st.dates(date(1900, 1, 1), date(2026, 12, 31)),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    SEPARATORS,
    SEPARATORS,
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_chi_number_is_found_with_every_spacing_and_no_other_last_digit(day, rest, outer, inner):
    nine = day.strftime("%d%m%y") + rest
    right = check_digit(nine)
    if right == 10 or len(set(nine)) == 1:
        return
    for last in range(10):
        parts = nine[:2], nine[2:4], nine[4:6]
        written = inner.join(parts) + outer + nine[6:] + str(last)
        if inner and not outer:
            continue  # "01 01 901232" is nobody's way of writing
        assert ("chi" in classes(f"no {written}.")) is (last == right)


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.sampled_from(["1{}", "{}1", "3.{}", "{}.5"]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_ten_digits_inside_a_longer_number_are_no_patient_number(digits, around):
    number = around.format(digits)
    assert classes(number) == set()
    assert classes(number, Context.NUMBER) == set()

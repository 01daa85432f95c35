"""Bounds on residual rates: against published values, against exact sums, and by their meaning."""

from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagehaven.haven.keys import Keyring
from imagehaven.verify.sampling.bounds import (
    binomial_at_most,
    clopper_pearson_upper,
    hypergeometric_upper,
    sample_size,
    stratified_upper,
)
from imagehaven.verify.sampling.choose import Stratum, Unit, choose
from imagehaven.verify.sampling.plan import upper_rate


@pytest.mark.parametrize(
    ("found", "looked_at", "upper"),
    # One-sided 95 % limits, as printed in tables of the binomial distribution.
    [(0, 10, 0.2589), (1, 10, 0.3942), (2, 20, 0.2826), (0, 100, 0.0295)],
)
def test_the_bound_of_an_endless_population_is_clopper_and_pearsons(found, looked_at, upper):
    assert clopper_pearson_upper(found, looked_at, 0.95) == pytest.approx(upper, abs=1e-4)


def test_the_rule_of_three():
    assert clopper_pearson_upper(0, 3000, 0.95) < 0.001 < clopper_pearson_upper(0, 2990, 0.95)
    assert clopper_pearson_upper(7, 7, 0.95) == 1.0


def exact_at_most(found, looked_at, population, bad):
    ways = sum(
        comb(bad, k) * comb(population - bad, looked_at - k)
        for k in range(min(found, bad, looked_at) + 1)
        if looked_at - k <= population - bad
    )
    return Fraction(ways, comb(population, looked_at))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.data())
def test_the_bound_of_a_finite_population_is_the_exact_one(data):
    population = data.draw(st.integers(1, 60))
    looked_at = data.draw(st.integers(1, population))
    found = data.draw(st.integers(0, looked_at))
    upper = hypergeometric_upper(found, looked_at, population, 0.95)
    possible = range(found, population - looked_at + found + 1)
    likely = [
        b for b in possible if exact_at_most(found, looked_at, population, b) > Fraction(1, 20)
    ]
    assert upper == max(likely)


@pytest.mark.parametrize("sizes", [(20, 20), (30, 6, 4), (5, 25)])
@pytest.mark.parametrize("found", [0, 1])
def test_the_bound_of_strata_holds_however_the_bad_ones_lie(sizes, found):
    """Worst case by hand: every way to lay one more bad item than allowed is unlikely."""
    shares = [max(1, -(-size * 2 // 5)) for size in sizes]
    share = min(taken / size for taken, size in zip(shares, sizes, strict=True))
    bad = stratified_upper(found, share, sum(sizes), 0.95) + 1
    worst = 0.0
    for laid in product(*(range(min(size, bad) + 1) for size in sizes)):
        if sum(laid) != bad:
            continue
        chances = [Fraction(1)] + [Fraction(0)] * found
        for size, taken, here in zip(sizes, shares, laid, strict=True):
            each = [
                Fraction(
                    comb(here, k)
                    * (comb(size - here, taken - k) if taken - k <= size - here else 0),
                    comb(size, taken),
                )
                if k <= min(here, taken)
                else Fraction(0)
                for k in range(found + 1)
            ]
            chances = [
                sum((chances[i] * each[k - i] for i in range(k + 1)), Fraction(0))
                for k in range(found + 1)
            ]
        worst = max(worst, float(sum(chances)))
    assert 0 < worst <= 0.05


@pytest.mark.parametrize(("population", "bound"), [(100_000, 0.001), (3000, 0.001), (500, 0.01)])
def test_a_sample_that_finds_nothing_rules_the_bound_out(population, bound):
    size = sample_size(population, bound, 0.95)
    assert size <= population
    half = population // 2
    parts = [Stratum("a", half, -(-size * half // population))]
    parts.append(Stratum("b", population - half, -(-size * (population - half) // population)))
    assert upper_rate(0, parts, 0.95) <= bound
    assert upper_rate(1, parts, 0.95) > upper_rate(0, parts, 0.95)


def test_a_sample_of_everything_leaves_what_was_found():
    assert upper_rate(0, [Stratum("a", 7, 7)], 0.95) == 0
    assert upper_rate(2, [Stratum("a", 5, 5), Stratum("b", 5, 5)], 0.95) == 0.2
    assert stratified_upper(0, 1.0, 50, 0.95) == 0


def test_nothing_is_proved_before_every_stratum_was_seen():
    assert upper_rate(0, [Stratum("a", 100, 50), Stratum("b", 3, 0)], 0.95) is None


def test_a_bound_that_no_rate_can_pass_needs_no_sample():
    assert sample_size(10, 0.9999, 0.95) >= 1
    assert binomial_at_most(3, 3, 0.9) == 1.0
    assert binomial_at_most(0, 3, 1.0) == 0.0


def units(count, stratum):
    return [Unit(f"images/{stratum}/{n}.dcm", 0, stratum) for n in range(count)]


def test_the_choice_is_keyed_stable_and_of_every_stratum():
    everything = units(1000, "CT") + units(10, "MR")
    keyring = Keyring(b"k" * 32)
    chosen = choose(everything, 100, keyring, "sample/r")
    assert chosen == choose(everything[::-1], 100, keyring, "sample/r")
    assert [sum(u.stratum == name for u in chosen) for name in ("CT", "MR")] == [100, 1]
    assert set(chosen) <= set(choose(everything, 200, keyring, "sample/r"))
    assert set(chosen) != set(choose(everything, 100, Keyring(b"q" * 32), "sample/r"))

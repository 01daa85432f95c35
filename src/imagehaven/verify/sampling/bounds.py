"""Exact upper bounds on a rate, from a sample that people looked at.

- Clopper and Pearson (Biometrika 1934, 26:404): the largest rate under which finding so few would
  still not be surprising, for an endless population. With none found it is the "rule of three":
  about 3/n at 95 %.
- Hypergeometric: the same for a population of known size, of which the sample is a part.
- Stratified: every stratum is sampled on its own, in proportion. How many of D bad items are in
  the sample is a sum of D independent trials (Vatutin and Mikhailov 1982) whose chances are at
  least the smallest stratum's share f, so by Hoeffding (Ann. Math. Stat. 1956, 27:713) finding
  k or fewer is no likelier than in D trials of chance f, as long as k <= D f - 1.

No library is needed: the sums are taken in logarithms.
"""

from __future__ import annotations

import math

_STEPS = 100


def clopper_pearson_upper(found: int, looked_at: int, confidence: float) -> float:
    """Return the upper bound on the rate after ``found`` of ``looked_at`` draws.

    >>> round(clopper_pearson_upper(0, 3000, 0.95), 6)
    0.000998
    """
    if found >= looked_at:
        return 1.0
    low, high = found / looked_at, 1.0
    for _ in range(_STEPS):
        rate = (low + high) / 2
        if binomial_at_most(found, looked_at, rate) > 1 - confidence:
            low = rate
        else:
            high = rate
    return high


def hypergeometric_upper(found: int, looked_at: int, population: int, confidence: float) -> int:
    """Return the most bad items that a population may hold after ``found`` of ``looked_at``.

    The sample is drawn without putting back, so looking at all of them leaves no doubt.
    """
    low, high = found, population - looked_at + found
    while low < high:
        bad = (low + high + 1) // 2
        if _hypergeometric_at_most(found, looked_at, population, bad) > 1 - confidence:
            low = bad
        else:
            high = bad - 1
    return low


def stratified_upper(found: int, share: float, population: int, confidence: float) -> int:
    """Return the most bad items of a population of which every stratum gave at least ``share``."""
    if share >= 1:
        return found
    low, high = found, population
    while low < high:
        bad = (low + high + 1) // 2
        likely = binomial_at_most(found, bad, share) > 1 - confidence
        if likely or found > bad * share - 1:
            low = bad
        else:
            high = bad - 1
    return low


def sample_size(population: int, bound: float, confidence: float) -> int:
    """Return how many to look at so that finding none rules out the rate ``bound``.

    It is what the stratified bound needs, and never more than the whole population.
    """
    too_many: int = math.floor(population * bound) + 1
    if too_many > population:
        return 0
    share: float = 1 - (1 - confidence) ** (1 / too_many)
    # The Hoeffding bound also needs an expectation of one bad item in the sample.
    return min(population, math.ceil(population * max(share, 1 / too_many)))


def binomial_at_most(found: int, trials: int, chance: float) -> float:
    """Return the probability of at most ``found`` successes in ``trials``."""
    if found >= trials or chance <= 0:
        return 1.0
    if chance >= 1:
        return 0.0
    logs = [
        _log_choose(trials, k) + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(found + 1)
    ]
    return _sum(logs)


def _hypergeometric_at_most(found: int, looked_at: int, population: int, bad: int) -> float:
    least = max(0, looked_at - (population - bad))
    if found < least:
        return 0.0
    logs = [
        _log_choose(bad, k)
        + _log_choose(population - bad, looked_at - k)
        - _log_choose(population, looked_at)
        for k in range(least, min(found, bad, looked_at) + 1)
    ]
    return _sum(logs)


def _log_choose(of: int, take: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(take + 1) - math.lgamma(of - take + 1)


def _sum(logs: list[float]) -> float:
    largest = max(logs)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(one - largest) for one in logs))

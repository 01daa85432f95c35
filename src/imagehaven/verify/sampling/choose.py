"""Which files or frames of a release people look at: stratified, and always the same ones.

Within a stratum the order is that of a keyed hash, so nobody can foresee or steer the choice, and
asking for a stricter bound later adds files to those that were chosen before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from imagehaven.haven.keys import Keyring


@dataclass(frozen=True)
class Unit:
    """What one look is at: a released file, or one of its frames (from 1; 0 for the whole file)."""

    path: str
    frame: int
    stratum: str


@dataclass(frozen=True)
class Stratum:
    """A stratum's name, how many units it has, and how many of them are looked at."""

    name: str
    population: int
    chosen: int

    @property
    def share(self) -> float:
        """The part of the stratum that people look at."""
        return self.chosen / self.population


def choose(units: Iterable[Unit], size: int, keyring: Keyring, purpose: str) -> list[Unit]:
    """Choose ``size`` units or a few more, of every stratum at least its share, in keyed order.

    Shares are rounded up, so that no stratum is looked at less than the whole.
    """
    strata: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        strata[unit.stratum].append(unit)
    population = sum(map(len, strata.values()))
    found: list[Unit] = []
    for name in sorted(strata):
        held = strata[name]
        ordered = sorted(
            held, key=lambda unit: keyring.lookup(purpose, f"{unit.path} {unit.frame}")
        )
        found += ordered[: math.ceil(len(held) * size / population)]
    return found

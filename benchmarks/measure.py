"""Times named cases in turn (A B C, A B C, …), so that a drifting machine is fair to each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of each repetition of one case."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def alternate(cases: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Run every case once to warm up, then all of them in turn ``repeats`` times."""
    for case in cases.values():
        case()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            seconds[name].append(time.perf_counter() - begun)
    return {name: Timing(name, values) for name, values in seconds.items()}


def ratio(ours: Timing, peer: Timing) -> float:
    """How many times faster we are: the median of the ratios, repetition by repetition."""
    pairs = zip(ours.seconds, peer.seconds, strict=True)
    return statistics.median(other / own for own, other in pairs)


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, for the terminal and for the docs alike."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

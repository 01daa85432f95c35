"""What came of one check, and of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.deid.midi.corpus.key import Case, Check


@dataclass(frozen=True)
class Run:
    """What somebody made of the corpus.

    ``released`` maps an original SOP Instance UID to the released file. ``refused`` says why an
    instance was not released: withheld, unreadable, or the tool failed.
    """

    name: str
    released: Mapping[str, Path]
    refused: Mapping[str, str]
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """One check of one released instance: whether it passed, and what stands there now."""

    case: Case
    check: Check
    passed: bool
    now: str = ""


@dataclass
class Score:
    """All checks of one run on released instances, and those of instances that were not."""

    run: Run
    judged: list[Judged] = field(default_factory=list)
    strict: list[Judged] = field(default_factory=list)
    refused: list[Judged] = field(default_factory=list)
    survivors: list[tuple[Case, str]] = field(default_factory=list)
    blanked: float = 0.0
    """Mean share of pixels outside the boxes that were changed, over pictures with burned text."""

    @property
    def share(self) -> float:
        """Correct over required actions, released instances only."""
        return _share(self.judged)

    @property
    def share_of_all(self) -> float:
        """The same with every action on an instance that was not released as a failure."""
        return _share([*self.judged, *self.refused])

    @property
    def strict_share(self) -> float:
        """The share of the stricter checks that passed."""
        return _share(self.strict)


def _share(judged: list[Judged]) -> float:
    return sum(one.passed for one in judged) / len(judged) if judged else 0.0

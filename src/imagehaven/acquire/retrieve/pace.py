"""How fast a source may be asked, and how long it is left alone when it suffers.

Pure: each call takes the clock's reading and returns a new state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Bucket:
    """A token bucket: ``rate`` tokens come in a second, at most ``burst`` are kept.

    What is taken may be more than there is (an object's size is known once it has come): the
    balance then goes below zero, and the next one waits until it is paid. A rate of None has no
    limit.
    """

    rate: float | None
    burst: float
    balance: float
    at: float

    @classmethod
    def full(cls, rate: float | None, burst: float, now: float) -> Bucket:
        """A bucket that nothing was taken from."""
        return cls(rate, burst, burst, now)

    def at_time(self, now: float) -> Bucket:
        """The bucket as it is ``now``; a clock that went back adds nothing."""
        gained = max(now - self.at, 0.0) * (self.rate or 0.0)
        return replace(self, balance=min(self.balance + gained, self.burst), at=max(now, self.at))

    def take(self, amount: float, now: float) -> Bucket:
        """Take ``amount`` tokens, whether they are there or not."""
        if self.rate is None:
            return self
        current = self.at_time(now)
        return replace(current, balance=current.balance - amount)

    def wait(self, now: float) -> float:
        """Seconds from ``now`` until the balance is not below zero."""
        if self.rate is None:
            return 0.0
        return max(-self.at_time(now).balance, 0.0) / self.rate


#: Answers that are taken as how quick a source is when it is well.
_FIRST: Final = 8
#: How much of each new answer goes into the running mean.
_NEW: Final = 0.3
#: A source whose answers take this many times as long as they did suffers, once they take
#: longer than ``_SLOW`` seconds.
_GROWN: Final = 4.0
_SLOW: Final = 2.0


@dataclass(frozen=True)
class Health:
    """How a source is: its answers' times, and how often in a row it showed distress."""

    first: float = 2.0
    longest: float = 300.0
    answers: int = 0
    usual: float = 0.0
    recent: float = 0.0
    distress: int = 0
    until: float = 0.0

    def answered(self, seconds: float, now: float, chance: float = 0.5) -> Health:
        """An answer came after ``seconds``; a pause follows where answers have grown slow."""
        count = self.answers + 1
        recent = seconds if not self.answers else (1 - _NEW) * self.recent + _NEW * seconds
        usual = self.usual + (seconds - self.usual) / count if count <= _FIRST else self.usual
        heard = replace(self, answers=count, usual=usual, recent=recent)
        if count > _FIRST and recent > max(_GROWN * usual, _SLOW):
            return heard._paused(now, chance, None)
        return replace(heard, distress=0)

    def suffered(self, now: float, chance: float, retry_after: float | None = None) -> Health:
        """The source refused, broke off or asked for time (``retry_after``)."""
        return self._paused(now, chance, retry_after)

    def wait(self, now: float) -> float:
        """Seconds from ``now`` until it may be asked again."""
        return max(self.until - now, 0.0)

    def _paused(self, now: float, chance: float, retry_after: float | None) -> Health:
        # Doubled each time; half of it by chance, so that many retrievers do not come at once.
        pause = min(self.first * 2.0 ** min(self.distress, 32), self.longest)
        pause *= 0.5 + chance / 2
        # A source that names its time knows best, but a day's pause would be a mistake of its.
        if retry_after is not None:
            pause = max(pause, min(retry_after, 3600.0))
        return replace(self, distress=self.distress + 1, until=max(self.until, now + pause))

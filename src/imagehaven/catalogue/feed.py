"""The live feed: watched places on one side, load runs on the other.

Every batch is a load run of its own, found again by the batch's key: a watch that was killed gives
out the same batch again, and its run goes on where it stopped.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from imagehaven.acquire.ending import on_signal
from imagehaven.acquire.walk import walk_files
from imagehaven.acquire.watch import Entry, Feed, Unreachable, WatchOptions, foresee, place_of
from imagehaven.acquire.watch.place import SPOOL
from imagehaven.catalogue.loading.plan import items_of, plan_items
from imagehaven.catalogue.loading.run import IngestReport, worked
from imagehaven.engine import quiet
from imagehaven.errors import TransientError
from imagehaven.haven import Haven
from imagehaven.ledger.runs import Run

#: Told of each event of a watch, as plain values.
Tell = Callable[[dict[str, Any]], None]

_COUNTED: Final = ("found", "catalogued", "duplicate", "conflicting", "quarantined", "unchanged")
#: Left by the next look, as a rule: no news.
_SOON: Final = frozenset({"settling"})


def unheard(_event: dict[str, Any]) -> None:
    """The progress of a caller that wants none."""


@dataclass
class Watched:
    """What a watch came to. ``left`` is what lay in the places at the last look, by reason."""

    places: list[str]
    looks: int = 0
    batches: int = 0
    found: int = 0
    catalogued: int = 0
    duplicate: int = 0
    conflicting: int = 0
    quarantined: int = 0
    unchanged: int = 0
    left: dict[str, dict[str, int]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: IngestReport) -> None:
        """Add one batch."""
        self.batches += 1
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(report, name))

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class WatchPlan:
    """What a watch would take now from each place, and what it would leave, with the reason."""

    places: list[dict[str, Any]]
    unreachable: dict[str, str]

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return dict(self.__dict__)


def foreseen(haven: Haven, options: WatchOptions) -> WatchPlan:
    """Look at each place once, and change nothing; raises UserError as :func:`watched` does."""
    found: list[dict[str, Any]] = []
    lost: dict[str, str] = {}
    for name in _places(haven, options):
        place = place_of(haven, name)
        try:
            found.append(foresee(place, haven.folder / "watch").summary())
        except Unreachable as error:
            lost[name] = str(error)
    return WatchPlan(found, lost)


def watched(haven: Haven, options: WatchOptions, tell: Tell) -> Watched:
    """Watch until SIGTERM or Ctrl-C, or for one look with ``options.once``."""
    stop = threading.Event()
    begun = time.monotonic()
    with ExitStack() as stack:
        names = _places(haven, options)
        total = Watched(names)
        rounds = []
        for name in names:
            feed = Feed(place_of(haven, name), haven.folder / "watch", options.settle)
            stack.enter_context(feed)
            rounds.append(_Round(haven, feed, options=options, total=total, stop=stop, tell=tell))
        stack.enter_context(on_signal(stop.set))
        tell({"event": "watching", "places": names, "every": options.every})
        if options.once:
            _once(rounds, stop, options.settle)
        else:
            while not stop.wait(max(0.0, min(one.due for one in rounds) - time.monotonic())):
                for one in rounds:
                    one.visit_if_due()
    total.seconds = round(time.monotonic() - begun, 3)
    return total


def _places(haven: Haven, options: WatchOptions) -> list[str]:
    return list(dict.fromkeys(options.places)) or [str(haven.folder / SPOOL)]


def _once(rounds: Sequence[_Round], stop: threading.Event, settle: float) -> None:
    for one in rounds:
        one.visit()
    waiting = [one for one in rounds if one.settling]
    if waiting and not stop.wait(settle):
        for one in waiting:
            one.visit()


class _Round:
    """Visits one place: looks, takes what is complete, and comes back later if it is lost."""

    def __init__(
        self,
        haven: Haven,
        feed: Feed,
        *,
        options: WatchOptions,
        total: Watched,
        stop: threading.Event,
        tell: Tell,
    ) -> None:
        self.due = 0.0
        self.settling = False
        self._haven = haven
        self._feed = feed
        self._options = options
        self._total = total
        self._stop = stop
        self._tell = tell
        self._name = feed.place.name
        self._pause = options.every
        self._left: Counter[str] = Counter()

    def visit_if_due(self) -> None:
        """Visit, when it is time."""
        if not self._stop.is_set() and time.monotonic() >= self.due:
            self.visit()

    def visit(self) -> None:
        """Look, take every batch that is complete, and say when to come again."""
        try:
            self._take_all()
        except Unreachable as error:
            self._later("unreachable", str(error))
        except TransientError as error:
            self._later("postponed", str(error))
        else:
            if self._total.unreachable.pop(self._name, None) is not None:
                self._tell({"event": "reachable", "place": self._name})
            self._pause = self._options.every
        self.due = time.monotonic() + self._pause
        if self._name in self._total.unreachable:
            self._pause = min(self._pause * 2, self._options.longest_pause)

    def _later(self, event: str, why: str) -> None:
        self._total.unreachable[self._name] = why
        told = {"event": event, "place": self._name, "why": why}
        if not self._options.once:
            told["again_in"] = f"{self._pause:g} s"
        self._tell(told)

    def _take_all(self) -> None:
        unfinished = self._feed.begun()
        if unfinished:
            self._take(unfinished)
        more = True
        while more and not self._stop.is_set():
            look = self._feed.look()
            self._total.looks += 1
            more = look.more and bool(look.complete)
            most = self._options.batch
            for start in range(0, len(look.complete), most):
                if self._stop.is_set():
                    return
                self._take(look.complete[start : start + most])
            self._say_what_is_left(look.left)

    def _take(self, batch: Sequence[Entry]) -> None:
        begun = time.monotonic()
        place = str(self._feed.place.root)
        with self._feed.taking(batch) as (key, files):
            if not files:
                return

            def plan(run: Run) -> None:
                after = self._haven.ledger.runs.planned_to(run.run_id)
                plan_items(self._haven, run, items_of(walk_files(files, after), after), quiet)

            report = worked(
                self._haven,
                "ingest",
                {"paths": [place], "batch": key},
                plan,
                live=True,
                engine=self._options.engine,
                workers=self._options.workers,
                progress=quiet,
            )
        self._total.add(report)
        counts = {name: getattr(report, name) for name in _COUNTED}
        told = {"place": self._name, "files": len(files), **counts}
        self._haven.ledger.audit.append(
            "watch-batch", {"place": self._name}, outcome="done", detail=report.summary()
        )
        seconds = round(time.monotonic() - begun, 3)
        self._tell({"event": "batch", **told, "load_run": report.load_run, "seconds": seconds})

    def _say_what_is_left(self, left: Counter[str]) -> None:
        self.settling = left["settling"] > 0
        self._total.left[self._name] = dict(sorted(left.items()))
        lasting = Counter({reason: n for reason, n in left.items() if reason not in _SOON})
        if lasting != self._left:
            self._tell({"event": "left", "place": self._name, **dict(sorted(lasting.items()))})
            self._left = lasting

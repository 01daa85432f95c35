"""The verbs of the retriever: retrieve, and say how far it got."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from imagehaven.acquire.retrieve.asking import BY_TIME, CUT, Judged, Part
from imagehaven.acquire.retrieve.worklist import (
    ARRIVED,
    PLANNED,
    STATES,
    Work,
    Worklist,
)
from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.haven import Haven

if TYPE_CHECKING:
    from imagehaven.acquire.retrieve.peer import Study
    from imagehaven.acquire.retrieve.request import Request
    from imagehaven.acquire.retrieve.running import Job
    from imagehaven.acquire.retrieve.sources.source import Source

_LOOK: Final = 1.0
#: Seconds of questions that a kill costs at most.
_STORE_EVERY: Final = 0.5


def _no_bar(_stage: str, _done: int, _total: int | None) -> None:
    """The progress of a caller who watches none."""


def _no_line(_line: str) -> None:
    """The lines of a caller who reads none."""


@dataclass(frozen=True)
class Watching:
    """Who hears how it goes: ``bar`` gets stage, done and total, ``line`` a sentence."""

    bar: Callable[[str, int, int | None], None] = _no_bar
    line: Callable[[str], None] = _no_line


@dataclass(frozen=True)
class Retrieved:
    """What became of a retrieval. ``studies`` counts them by state; see the guide for ``cut``."""

    retrieval: int
    source: str
    spool: str
    resumed: bool
    studies: dict[str, int]
    instances: dict[str, int]
    questions: int
    by_time: int
    cut: int
    not_found: int
    refused: int
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether every study arrived, and nothing is known to be left out."""
        lost = sum(count for state, count in self.studies.items() if state != ARRIVED)
        return not (lost or self.cut or self.not_found or self.refused)

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return {**asdict(self), "whole": self.whole}


@dataclass
class Expected:
    """What a source says it has of a request; ``days`` counts by day, '' for studies without one.

    A count is None where the source did not tell it for every study.
    """

    source: str
    studies: int = 0
    series: int | None = 0
    instances: int | None = 0
    questions: int = 0
    by_time: int = 0
    cut: int = 0
    not_found: int = 0
    refused: int = 0
    days: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return asdict(self)


@dataclass(frozen=True)
class Status:
    """The worklist: every retrieval; for one of them its studies, questions and missing ones."""

    retrievals: list[dict[str, Any]]
    studies: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    missing: list[dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return asdict(self)


def chosen(haven: Haven, name: str) -> tuple[Source, ...]:
    """The declared source and its secondary; raises UserError with the valid choices."""
    from imagehaven.acquire.retrieve.sources.reading import read_sources

    sources = read_sources(haven.folder)
    if name not in sources:
        raise UserError(
            f"pacs.yaml declares no source {name!r}. Valid choices: {', '.join(sources)}."
        )
    first = sources[name]
    return (first,) if first.secondary is None else (first, sources[first.secondary])


def check_source(haven: Haven, name: str) -> None:
    """Raise UserError unless the haven declares a source of that name, and nothing is wrong."""
    chosen(haven, name)


@action(
    "retrieve",
    permission="data-manager",
    event="retrieve",
    mask={"request": lambda request: {"source": request.source, **request.asked}},
)
def retrieve_dicom(
    haven: Haven,
    request: Request,
    *,
    priority: int = 0,
    progress: Watching = Watching(),
) -> Retrieved:
    """Plan a request into the worklist, and fetch until each of its studies is settled.

    The same request again, after a kill, goes on. Studies of other requests to the same source
    that have a higher ``priority`` come first. Objects go to HAVEN/retrieved/SOURCE unless
    pacs.yaml says otherwise.

    Raises UserError where the source will not speak to us, TransientError where it stays away.
    """
    from imagehaven.acquire.retrieve.holding import Holdings
    from imagehaven.acquire.retrieve.running import Job

    begun = time.monotonic()
    sources = chosen(haven, request.source)
    worklist = Worklist(haven.ledger)
    number, resumed = worklist.start(request, priority)
    own = haven.folder / "retrieved" / request.source
    folder = sources[0].spool or own
    _plan(sources[0], worklist, number, request, progress)
    # The receiver's spool of this haven counts as here, whoever sent what lies in it.
    holdings = Holdings(haven.ledger, [folder, haven.folder / "spool"])
    _fetch(Job(sources, worklist, holdings, folder, own / "retriever.lock"), number, progress)
    totals = worklist.totals(number)
    seconds = round(time.monotonic() - begun, 3)
    return Retrieved(number, request.source, str(folder), resumed, **totals, seconds=seconds)


def check_retrieval(haven: Haven, request: Request, *, progress: Watching = Watching()) -> Expected:
    """Ask the source what it has of a request, by day; nothing is fetched or stored.

    Studies of which it does not tell the counts are listed one by one.
    """
    from imagehaven.acquire.retrieve.gate import Gate
    from imagehaven.acquire.retrieve.planning import answers, counted
    from imagehaven.acquire.retrieve.running import peer_of

    source = chosen(haven, request.source)[0]
    told = Expected(request.source, refused=len(request.refused))
    studies: dict[str, Study] = {}
    peer = peer_of(source)
    try:
        gate = Gate(source, threading.Event(), progress.line)
        for _, judged in answers(source, peer, gate, list(request.parts), progress.bar):
            told.questions += 1
            told.by_time += judged.reason == BY_TIME
            told.cut += judged.state == CUT
            told.not_found += judged.reason == "not-found"
            studies.update({study.uid: study for study in judged.studies})
        for done, study in enumerate(list(studies.values()), 1):
            studies[study.uid] = counted(peer, gate, study)
            progress.bar("studies", done, len(studies))
    finally:
        peer.close()
    told.days = _by_day(list(studies.values()))
    told.studies = len(studies)
    told.series = _sum([study.series for study in studies.values()])
    told.instances = _sum([study.instances for study in studies.values()])
    return told


@action("retrieve-status", permission="data-manager", event=None)
def retrieve_status(haven: Haven, number: int | None = None, *, state: str | None = None) -> Status:
    """The worklist: every retrieval, or one with its studies (those in ``state``, if given).

    Raises UserError for a number or a state that there is not.
    """
    if state is not None and state not in STATES:
        raise UserError(f"{state!r} is no state of a study. Valid choices: {', '.join(STATES)}.")
    worklist = Worklist(haven.ledger)
    retrievals = worklist.retrievals(number)
    if number is None:
        return Status(retrievals, [], [], [])
    if not retrievals:
        raise UserError(f"There is no retrieval {number}; `imagehaven retrieve-status` lists them.")
    return Status(
        retrievals,
        worklist.studies(number, state),
        worklist.questions(number),
        worklist.missing(number),
    )


def _plan(
    source: Source, worklist: Worklist, number: int, request: Request, progress: Watching
) -> None:
    from imagehaven.acquire.retrieve.gate import Gate
    from imagehaven.acquire.retrieve.planning import answers
    from imagehaven.acquire.retrieve.running import peer_of

    parts = worklist.pending(number, request)
    told: list[tuple[Part, Judged]] = []
    if parts:
        peer = peer_of(source)
        try:
            gate = Gate(source, threading.Event(), progress.line)
            stored = time.monotonic()
            for answer in answers(source, peer, gate, parts, progress.bar):
                told.append(answer)
                # Some at a time: each transaction waits for the disk.
                if time.monotonic() - stored > _STORE_EVERY:
                    worklist.judged(number, told)
                    told, stored = [], time.monotonic()
        finally:
            peer.close()
            worklist.judged(number, told)
    worklist.planned(number)


def _fetch(job: Job, number: int, progress: Watching) -> None:
    from imagehaven.acquire.retrieve.running import turn, work_off

    name, worklist = job.sources[0].name, job.worklist
    done, total = worklist.progress(number)
    lock = threading.Lock()
    told = False

    def settled(work: Work) -> None:
        nonlocal done
        if work.retrieval == number:
            with lock:
                done += 1
                progress.bar("studies", done, total)

    while True:
        worklist.close_finished(name)
        if worklist.states(number)[PLANNED] == 0:
            return
        with turn(job.lock) as mine:
            if mine:
                work_off(job, progress.line, settled)
                continue
        if not told:
            progress.line(f"{name}: another process retrieves from it, and takes this up too.")
            told = True
        time.sleep(_LOOK)
        done, total = worklist.progress(number)
        progress.bar("studies", done, total)


def _by_day(studies: Sequence[Study]) -> list[dict[str, Any]]:
    counts = Counter(study.day[:8] for study in studies)
    return [
        {
            "day": f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day,
            "studies": count,
            "series": _sum([study.series for study in studies if study.day[:8] == day]),
            "instances": _sum([study.instances for study in studies if study.day[:8] == day]),
        }
        for day, count in sorted(counts.items())
    ]


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if any(count is None for count in counts) else sum(filter(None, counts))

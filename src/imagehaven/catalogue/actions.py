"""The catalogue's verbs: ingest, quarantine list, quarantine retry, query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from imagehaven.acquire import walk
from imagehaven.acquire.watch import WatchOptions
from imagehaven.actions import action
from imagehaven.catalogue.feed import Watched, WatchPlan, foreseen, unheard, watched
from imagehaven.catalogue.loading.plan import items_of, plan_items, plan_paths
from imagehaven.catalogue.loading.retry import Quarantined, quarantined_now, retry_items
from imagehaven.catalogue.loading.run import IngestReport, worked
from imagehaven.catalogue.query import FORMATS, without_values
from imagehaven.catalogue.reasons import reasons
from imagehaven.catalogue.tables import prepare
from imagehaven.engine import Progress, quiet
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger.runs import Run

#: A live load goes before bulk ones.
Priority = Literal["bulk", "live"]


@dataclass(frozen=True)
class IngestPlan:
    """What an ingest would read, without reading it."""

    found: int
    containers: int
    bytes: int
    problems_by_reason: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """The plan as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class QuarantineList:
    """What could not be read so far."""

    objects: list[Quarantined]

    def summary(self) -> dict[str, Any]:
        """How many there are of each reason, and what mends it."""
        counts = Counter(thing.reason for thing in self.objects)
        return {
            "quarantined": len(self.objects),
            "quarantined_by_reason": dict(sorted(counts.items())),
            "remedies": {name: reasons()[name].remedy for name in sorted(counts)},
        }


@action("ingest", permission="data-manager", event="ingest")
def ingest(
    haven: Haven,
    paths: Sequence[Path],
    *,
    engine: str = "pool",
    workers: int = 0,
    priority: Priority = "bulk",
    check: bool = False,
    progress: Progress = quiet,
) -> IngestReport | IngestPlan:
    """Catalogue every DICOM object in folders, archives and DICOMDIRs.

    A ``live`` ingest goes first: bulk ones begin no commit until it has ended.
    The same call again goes on where a killed one stopped, and finds everything unchanged where
    none was. With ``check`` nothing is read or stored: an :class:`IngestPlan` says what would be.
    Raises UserError for a path that is not there, TransientError when a store is out of reach.
    """
    if priority not in get_args(Priority):
        raise UserError(
            f"There is no priority {priority!r}. Valid choices: {', '.join(get_args(Priority))}."
        )
    places = [Path(path) for path in paths]
    if not places:
        raise UserError("No path was given. Give folders, archives, DICOMDIRs or DICOM files.")
    if check:
        return _foreseen(places)
    arguments = {"paths": sorted(str(place.resolve()) for place in places)}

    def plan(run: Run) -> None:
        plan_paths(haven, run, places, progress)

    return worked(
        haven,
        "ingest",
        arguments,
        plan,
        live=priority == "live",
        engine=engine,
        workers=workers,
        progress=progress,
    )


@action("watch", permission="data-manager", event="watch")
def watch(
    haven: Haven,
    options: WatchOptions,
    *,
    check: bool = False,
    progress: Callable[[dict[str, Any]], None] = unheard,
) -> Watched | WatchPlan:
    """Catalogue what comes to folders, spools and object-store prefixes, until told to stop.

    Each place is looked at again and again, and what is complete is ingested as the live feed, in
    batches; SIGTERM and Ctrl-C end it after the batch at hand. ``progress`` hears of each batch and
    of each place that is lost or found again. With ``check`` nothing is read or stored. Raises
    UserError for a place that cannot be watched, TransientError where another process watches it.
    """
    if check:
        return foreseen(haven, options)
    return watched(haven, options, progress)


@action("quarantine retry", permission="data-manager", event="quarantine-retry")
def retry(
    haven: Haven,
    *,
    reason: str | None = None,
    engine: str = "pool",
    workers: int = 0,
    check: bool = False,
    progress: Progress = quiet,
) -> IngestReport | QuarantineList:
    """Read again what is quarantined, all of it or what has one ``reason``.

    What reads well now leaves the quarantine. With ``check`` only says what would be read. Raises
    UserError for a ``reason`` that no object can have.
    """
    if check:
        return quarantined(haven, reason=reason)
    _known(reason)
    prepare(haven)

    def plan(run: Run) -> None:
        after = haven.ledger.runs.planned_to(run.run_id)
        plan_items(haven, run, retry_items(haven, reason, after), progress)

    arguments = {"reason": reason}
    return worked(
        haven, "retry", arguments, plan, engine=engine, workers=workers, progress=progress
    )


@action("quarantine list", permission="data-manager", event=None)
def quarantined(haven: Haven, *, reason: str | None = None) -> QuarantineList:
    """What could not be read, with file, reason and attempts.

    Raises UserError for a ``reason`` that no object can have.
    """
    _known(reason)
    prepare(haven)
    return QuarantineList(list(quarantined_now(haven, reason)))


@action("query", permission="data-manager", event="query", mask={"sql": without_values})
def query(
    haven: Haven,
    sql: str,
    *,
    format: Literal["table", "csv", "json", "parquet"] = "table",  # noqa: A002
) -> str | bytes:
    """Answer one SQL query on the catalogue: text, or bytes for ``parquet``.

    Raises UserError with DuckDB's explanation when the query does not make sense.
    """
    if format not in FORMATS:
        raise UserError(f"There is no format {format!r}. Valid choices: {', '.join(FORMATS)}.")
    return FORMATS[format](haven.sql(sql))


def _known(reason: str | None) -> None:
    if reason is not None and reason not in reasons():
        raise UserError(
            f"There is no reason {reason!r} for quarantine. Valid choices: {', '.join(reasons())}."
        )


def _foreseen(paths: list[Path]) -> IngestPlan:
    reasons, found, containers, size = Counter[str](), 0, 0, 0
    for item in items_of(walk(paths)):
        found += 1
        containers += item.get("containers", 0)
        size += max(0, item.get("size", 0))
        if "reason" in item:
            reasons[item["reason"]] += 1
    return IngestPlan(found, containers, size, dict(sorted(reasons.items())))

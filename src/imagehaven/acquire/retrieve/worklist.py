"""The ledger's side of a retrieval: requests, their parts, and the state of every study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from imagehaven.acquire.retrieve.asking import BY_TIME, CUT, PENDING, REFUSED, SPLIT, Judged, Part
from imagehaven.acquire.retrieve.peer import Study
from imagehaven.ledger import Ledger, schema
from imagehaven.ledger.clock import now
from imagehaven.ledger.runs import run_key

if TYPE_CHECKING:
    from imagehaven.acquire.retrieve.request import Request

PLANNING, RUNNING, DONE = "planning", "running", "done"
PLANNED, ARRIVED, PARTLY, MISSING, FAILED = "planned", "arrived", "partly", "missing", "failed"
#: Every state of a study, in the order that people read them.
STATES: Final = (PLANNED, ARRIVED, PARTLY, MISSING, FAILED)

_retrieval, _part = schema.retrieval, schema.retrieval_part
_study, _missing = schema.retrieval_study, schema.retrieval_missing


@dataclass(frozen=True)
class Work:
    """A study to be brought home: which request wants it, and what was said of it."""

    retrieval: int
    uid: str
    instances: int | None


@dataclass(frozen=True)
class Outcome:
    """What became of a study: its state and reason, counts, and each missing instance's reason."""

    state: str
    reason: str = ""
    attempts: int = 0
    listed: int = 0
    held: int = 0
    fetched: int = 0
    from_source: str = ""
    missing: tuple[tuple[str, str], ...] = ()


class Worklist:
    """Reads and moves the states of retrievals."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def start(self, request: Request, priority: int) -> tuple[int, bool]:
        """The unfinished retrieval of this request, or a new one; whether it goes on.

        A retrieval that goes on takes the priority given now.
        """
        key = run_key({"source": request.source, **request.asked})
        with self._ledger.begin() as connection:
            found = connection.execute(
                select(_retrieval.c.retrieval_id)
                .where(_retrieval.c.key == key, _retrieval.c.state != DONE)
                .order_by(_retrieval.c.retrieval_id.desc())
            ).scalar()
            if found is not None:
                one = _retrieval.c.retrieval_id == found
                connection.execute(update(_retrieval).where(one).values(priority=priority))
                return int(found), True
            added = connection.execute(
                insert(_retrieval).values(
                    source=request.source,
                    key=key,
                    asked=request.asked,
                    priority=priority,
                    state=PLANNING,
                    actor=self._ledger.actor,
                    created_at=now(),
                )
            )
            number = int((added.inserted_primary_key or (0,))[0])
            parts = [_part_row(number, part.name, PENDING) for part in request.parts]
            parts += [
                _part_row(number, f"line {line}", REFUSED, reason="no-such-number")
                for line in request.refused
            ]
            connection.execute(insert(_part), parts)
        return number, False

    def pending(self, number: int, request: Request) -> list[Part]:
        """The questions that have no answer yet. A killed planning may have left halves of some."""
        with self._ledger.begin() as connection:
            rows = connection.execute(
                select(_part.c.part, _part.c.state).where(_part.c.retrieval_id == number)
            ).all()
        states = {str(row.part): str(row.state) for row in rows}
        return [found for part in request.parts for found in _pending(part, states)]

    def judged(self, number: int, answers: Sequence[tuple[Part, Judged]]) -> None:
        """Store what questions were answered with, in one transaction."""
        if not answers:
            return
        studies = [study for _, told in answers for study in told.studies]
        halves = [half.name for _, told in answers for half in told.halves]
        answered = [
            {"name": part.name, "state": told.state, "studies": len(told.studies),
             "reason": told.reason}
            for part, told in answers
        ]  # fmt: skip
        with self._ledger.begin() as connection:
            _add_studies(connection, number, studies)
            # A half may be answered in the same go as the whole that it was made of.
            if halves:
                rows = [_part_row(number, name, PENDING) for name in halves]
                connection.execute(insert(_part), rows)
            connection.execute(
                update(_part)
                .where(_part.c.retrieval_id == number, _part.c.part == bindparam("name"))
                .values(
                    state=bindparam("state"),
                    studies=bindparam("studies"),
                    reason=bindparam("reason"),
                ),
                answered,
            )

    def planned(self, number: int) -> None:
        """Say that every question has its answer, so that the studies may be fetched."""
        with self._ledger.begin() as connection:
            connection.execute(
                update(_retrieval)
                .where(_retrieval.c.retrieval_id == number, _retrieval.c.state == PLANNING)
                .values(state=RUNNING)
            )

    def next(self, source: str, leased: Iterable[str], count: int) -> list[Work]:
        """The next studies of a source: highest priority first, then the oldest request.

        Studies whose UID is ``leased`` are under way, for this request or another.
        """
        away = set(leased)
        work: list[Work] = []
        with self._ledger.begin() as connection:
            running = connection.execute(
                select(_retrieval.c.retrieval_id)
                .where(_retrieval.c.source == source, _retrieval.c.state == RUNNING)
                .order_by(_retrieval.c.priority.desc(), _retrieval.c.retrieval_id)
            ).scalars()
            for number in running.all():
                rows = connection.execute(
                    select(_study.c.StudyInstanceUID, _study.c.instances)
                    .where(_study.c.retrieval_id == number, _study.c.state == PLANNED)
                    .order_by(_study.c.day)
                    .limit(count + len(away))
                )
                found = (Work(int(number), str(row[0]), row[1]) for row in rows)
                work += [one for one in found if one.uid not in away]
                if len(work) >= count:
                    break
        return work[:count]

    def settle(self, work: Work, outcome: Outcome) -> None:
        """Store what became of a study, with its missing instances, in one transaction."""
        mine = (
            _study.c.retrieval_id == work.retrieval,
            _study.c.StudyInstanceUID == work.uid,
        )
        with self._ledger.begin() as connection:
            connection.execute(
                delete(_missing).where(
                    _missing.c.retrieval_id == work.retrieval,
                    _missing.c.StudyInstanceUID == work.uid,
                )
            )
            connection.execute(
                update(_study)
                .where(*mine)
                .values(
                    state=outcome.state,
                    reason=outcome.reason,
                    attempts=_study.c.attempts + outcome.attempts,
                    listed=outcome.listed,
                    held=outcome.held,
                    fetched=outcome.fetched,
                    missing=len(outcome.missing),
                    from_source=outcome.from_source,
                    at=now(),
                )
            )
            rows = [
                {
                    "retrieval_id": work.retrieval,
                    "StudyInstanceUID": work.uid,
                    "SOPInstanceUID": uid,
                    "reason": reason,
                }
                for uid, reason in outcome.missing
            ]
            if rows:
                connection.execute(insert(_missing), rows)

    def close_finished(self, source: str) -> None:
        """Close every retrieval of a source of which no study is planned any more."""
        left = (
            select(_study.c.retrieval_id)
            .where(_study.c.retrieval_id == _retrieval.c.retrieval_id, _study.c.state == PLANNED)
            .exists()
        )
        with self._ledger.begin() as connection:
            connection.execute(
                update(_retrieval)
                .where(_retrieval.c.source == source, _retrieval.c.state == RUNNING, ~left)
                .values(state=DONE, finished_at=now())
            )

    def progress(self, number: int) -> tuple[int, int]:
        """Studies that are settled, and studies in all."""
        counts = self.states(number)
        return sum(counts.values()) - counts[PLANNED], sum(counts.values())

    def states(self, number: int) -> dict[str, int]:
        """How many studies of a retrieval are in each state."""
        with self._ledger.begin() as connection:
            rows = connection.execute(
                select(_study.c.state, func.count())
                .where(_study.c.retrieval_id == number)
                .group_by(_study.c.state)
            ).all()
        found = {str(row[0]): int(row[1]) for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def retrievals(self, number: int | None = None) -> list[dict[str, Any]]:
        """Every retrieval, or one, oldest first, with its counts."""
        query = select(_retrieval).order_by(_retrieval.c.retrieval_id)
        if number is not None:
            query = query.where(_retrieval.c.retrieval_id == number)
        with self._ledger.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row, **self.totals(row["retrieval_id"])} for row in rows]

    def totals(self, number: int) -> dict[str, Any]:
        """Counts of a retrieval: studies by state, instances, and questions that were not whole."""
        sums = [func.coalesce(func.sum(_study.c[name]), 0).label(name) for name in
                ("listed", "held", "fetched", "missing")]  # fmt: skip
        with self._ledger.begin() as connection:
            instances = connection.execute(
                select(*sums).where(_study.c.retrieval_id == number)
            ).one()
            parts = connection.execute(
                select(_part.c.state, _part.c.reason, func.count())
                .where(_part.c.retrieval_id == number)
                .group_by(_part.c.state, _part.c.reason)
            ).all()
        counts = {(str(row[0]), str(row[1])): int(row[2]) for row in parts}
        return {
            "studies": self.states(number),
            "instances": {name: int(value) for name, value in instances._mapping.items()},
            "questions": sum(counts.values()),
            "cut": sum(count for (state, _), count in counts.items() if state == CUT),
            "not_found": sum(count for (_, why), count in counts.items() if why == "not-found"),
            "by_time": sum(count for (_, why), count in counts.items() if why == BY_TIME),
            "refused": sum(count for (state, _), count in counts.items() if state == REFUSED),
        }

    def questions(self, number: int) -> list[dict[str, Any]]:
        """The questions that were not answered whole, or found nothing, by their names."""
        wanted = (_part.c.retrieval_id == number, _part.c.reason != "")
        columns = (_part.c.part, _part.c.state, _part.c.reason, _part.c.studies)
        return self._rows(select(*columns).where(*wanted).order_by(_part.c.part))

    def studies(self, number: int, state: str | None = None) -> list[dict[str, Any]]:
        """The studies of a retrieval with their states, by day."""
        query = select(_study).where(_study.c.retrieval_id == number)
        if state is not None:
            query = query.where(_study.c.state == state)
        return self._rows(query.order_by(_study.c.day, _study.c.StudyInstanceUID))

    def missing(self, number: int) -> list[dict[str, Any]]:
        """The missing instances of a retrieval."""
        query = select(_missing).where(_missing.c.retrieval_id == number)
        return self._rows(query.order_by(_missing.c.StudyInstanceUID, _missing.c.SOPInstanceUID))

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        with self._ledger.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _pending(part: Part, states: dict[str, str]) -> list[Part]:
    """The pending ones among a part and what it was taken apart into."""
    state = states.get(part.name)
    if state == PENDING:
        return [part]
    if state not in (SPLIT, CUT):
        return []
    return [found for half in part.halves() for found in _pending(half, states)]


def _part_row(number: int, name: str, state: str, reason: str = "") -> dict[str, Any]:
    return {"retrieval_id": number, "part": name, "state": state, "studies": 0, "reason": reason}


def _add_studies(connection: Connection, number: int, studies: Sequence[Study]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [
        {
            "retrieval_id": number,
            "StudyInstanceUID": study.uid,
            "day": study.day[:8],
            "modalities": "\\".join(study.modalities)[:128],
            "series": study.series,
            "instances": study.instances,
            "state": PLANNED,
            "reason": "",
            "attempts": 0,
            "listed": 0,
            "held": 0,
            "fetched": 0,
            "missing": 0,
            "from_source": "",
            "at": now(),
        }
        for study in {study.uid: study for study in studies}.values()
    ]
    if rows:
        # A study that two questions find (of two modalities, of two halves) is one study.
        connection.execute(dialect.insert(_study).on_conflict_do_nothing(), rows)

"""The CSV reports of a release, in the kinds that SMI's packager writes, and two more.

They go out with the images, so they hold pseudonyms, counts, keywords and rule names only. Of the
people who opted out, and of instances under dispute, they hold counts and nothing else.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imagehaven.release.folder import layout
from imagehaven.release.records import Count
from imagehaven.release.states import MEANINGS, Result, State, Totals

#: The states that hold a researcher's object back by a rule or decision, not by a fault.
REJECTED: Final = (State.WITHHELD, State.OPTED_OUT, State.CONFLICTING)
FAULTS: Final = (State.MISSING, State.ERROR, State.CRASHED)
#: The states whose objects are listed one by one, by pseudonym.
LISTED: Final = (*FAULTS, State.FAILED_VERIFICATION)


@dataclass(frozen=True)
class Listed:
    """One object in a report: ``instance`` is its pseudonymous SOPInstanceUID."""

    instance: str
    result: Result


def write_csv(path: Path, heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write one CSV file: UTF-8, a heading line, lines ending in LF on every machine."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)


def write_reports(
    folder: Path,
    counts: Sequence[Count],
    listed: Sequence[Listed],
    totals: Totals,
    attrition: Sequence[Sequence[Any]],
) -> None:
    """Write every report into ``reports``. ``attrition`` comes with its heading first."""
    place = folder / layout.REPORTS
    place.mkdir(exist_ok=True)
    write_csv(
        place / "rejections.csv",
        ("state", "reason", "modality", "count"),
        [(c.state, c.reason, c.modality, c.count) for c in counts if c.state in REJECTED],
    )
    _write_listed(place / "processing_errors.csv", listed, FAULTS)
    _write_listed(place / "verification_failures.csv", listed, (State.FAILED_VERIFICATION,))
    write_csv(
        place / "verification_rules.csv",
        ("rule", "instances"),
        sorted(_by_rule(listed).items()),
    )
    write_csv(place / "reconciliation.csv", ("state", "count", "meaning"), _lines(counts, totals))
    if attrition:
        write_csv(place / "attrition.csv", attrition[0], attrition[1:])


def by_state(counts: Iterable[Count]) -> dict[str, int]:
    """How many objects ended in each state; every state is there, also with none."""
    found: Counter[str] = Counter({str(state): 0 for state in State})
    for count in counts:
        found[str(count.state)] += count.count
    return dict(found)


def by_reason(counts: Iterable[Count]) -> dict[str, int]:
    """How many objects were not released, by ``state: reason``."""
    found: Counter[str] = Counter()
    for count in counts:
        if count.state != State.RELEASED:
            found[f"{count.state}: {count.reason}" if count.reason else str(count.state)] += (
                count.count
            )
    return dict(sorted(found.items()))


def attrition_rows(
    attrition: Sequence[dict[str, Any]], telling: Any = None
) -> list[tuple[Any, ...]]:
    """The cohort's attrition table with its heading.

    A step's label repeats the definition's own words; where ``telling(label)`` says that these
    look like an identifier, the label is left out.
    """
    if not attrition:
        return []
    heading = list(attrition[0])
    return [tuple(heading)] + [
        tuple(
            "(left out: it may name a person)"
            if isinstance(step.get(key), str) and telling and telling(step[key])
            else step.get(key)
            for key in heading
        )
        for step in attrition
    ]


def _lines(counts: Sequence[Count], totals: Totals) -> list[tuple[str, int, str]]:
    states = by_state(counts)
    return [
        ("requested", totals.requested, "objects in the cohort version"),
        *((state, states[str(state)], MEANINGS[state]) for state in State),
        ("without a state", totals.without_state, "requested and unaccounted for"),
        ("not requested", totals.not_requested, "accounted for and never requested"),
    ]


def _write_listed(path: Path, listed: Sequence[Listed], states: Sequence[State]) -> None:
    rows = sorted(
        (item.instance, item.result.modality, str(item.result.state), item.result.reason)
        for item in listed
        if item.result.state in states
    )
    write_csv(path, ("instance", "modality", "state", "reason"), rows)


def _by_rule(listed: Sequence[Listed]) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in listed:
        if item.result.state == State.FAILED_VERIFICATION:
            found.update(set(item.result.detail.split(" ")))
    return found

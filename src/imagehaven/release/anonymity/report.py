"""Says in a release's reports how its k-anonymity was reached, without naming a rare value."""

from __future__ import annotations

from imagehaven.deidentify import ladder_of
from imagehaven.haven import Haven
from imagehaven.release.anonymity import classes, plan
from imagehaven.release.folder import layout
from imagehaven.release.folder.reports import write_csv
from imagehaven.release.records import Record


def write(haven: Haven, record: Record) -> None:
    """Write ``k_anonymity.csv`` and ``class_sizes.csv`` into the reports, where k was asked for."""
    terms, place = record.terms, record.destination / layout.REPORTS
    if not terms.k:
        return
    steps = plan.steps(haven, terms)
    write_csv(
        place / "k_anonymity.csv",
        ("k", "quasi_identifier", "step", "values"),
        [(terms.k, keyword, step, _meaning(keyword, step)) for keyword, step in steps.items()],
    )
    write_csv(
        place / "class_sizes.csv",
        ("least_patients", "most_patients", "classes", "patients"),
        [
            (size.least, size.most, size.classes, size.patients)
            for size in classes.sizes(record.destination, terms.quasi_identifiers)
        ],
    )


def _meaning(keyword: str, step: int) -> str:
    ladder = ladder_of(keyword)
    if step == 0:
        return "as in the originals"
    if step == ladder.last:
        return "empty"
    return f"middle of a band of {ladder.widths[step - 1]:g}"

"""Why an object is in quarantine, and what a data manager can do about it: ``reasons.csv``."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Reason:
    """One reason: what it means, and what mends it."""

    reason: str
    meaning: str
    remedy: str


@functools.cache
def reasons() -> dict[str, Reason]:
    """Every reason for quarantine by its name, in the order of the documentation."""
    place = files("imagehaven.catalogue") / "reasons.csv"
    rows = csv.DictReader(place.read_text(encoding="utf-8").splitlines())
    return {row["reason"]: Reason(**row) for row in rows}

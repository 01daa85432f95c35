"""The whole hospital: every patient in turn, the tables beside them and the answer key."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imagehaven.errors import UserError
from imagehaven.synth.answer_key import FileRow, Planted, Safe, cells, columns, csv_rows
from imagehaven.synth.filing.shelves import put
from imagehaven.synth.patient import Outcome, foretell_patient, write_patient
from imagehaven.synth.people.estate import estate_rows
from imagehaven.synth.records.genotypes import map_text
from imagehaven.synth.records.health import COLUMNS, IDENTIFYING

Progress = Callable[[int, int], None]
"""Told (done, of how many) as the work goes on."""

_MARKER = "synthetic.json"


@dataclass(frozen=True)
class SynthSummary:
    """What a synthetic hospital holds.

    ``files`` counts what ingest should find below `dicom/`: every object, archive members singly.
    ``modalities`` counts catalogued instances, ``quarantined`` the unreadable by reason.
    """

    patients: int
    studies: int
    series: int
    files: int
    catalogued: int
    duplicate: int
    conflicting: int
    quarantined: dict[str, int]
    modalities: dict[str, int]
    archives: int
    identifiers: int
    identifiers_by_kind: dict[str, int]
    reports: int
    samples: int

    def summary(self) -> dict[str, Any]:
        """Return the counts for the audit trail and for `expected.json`."""
        return asdict(self)


class _Count:
    """The running totals; the rows themselves go to disk patient by patient."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.modalities: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.plain: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        self.plain.update(
            patients=1,
            studies=len(outcome.plan.studies),
            reports=len(outcome.plan.studies),
            series=sum(len(study.series) for study in outcome.plan.studies),
            samples=bool(outcome.plan.sample),
            archives=sum(study.shelf in {"zip", "tar"} for study in outcome.plan.studies),
        )
        for row in outcome.files:
            self.states[row.state] += 1
            if row.state == "quarantined":
                self.reasons[row.reason] += 1
            elif row.state == "catalogued":
                self.modalities[row.modality] += 1
        self.kinds.update(row.kind for row in outcome.planted)

    def summary(self) -> SynthSummary:
        return SynthSummary(
            patients=self.plain["patients"],
            studies=self.plain["studies"],
            series=self.plain["series"],
            files=self.states.total(),
            catalogued=self.states["catalogued"],
            duplicate=self.states["duplicate"],
            conflicting=self.states["conflicting"],
            quarantined=dict(sorted(self.reasons.items())),
            modalities=dict(sorted(self.modalities.items())),
            archives=self.plain["archives"],
            identifiers=self.kinds.total(),
            identifiers_by_kind=dict(sorted(self.kinds.items())),
            reports=self.plain["reports"],
            samples=self.plain["samples"],
        )


def check_folder(directory: Path, wish: dict[str, Any]) -> None:
    """Raise UserError unless the folder is new, empty, or was begun with the same wish."""
    marker = directory / _MARKER
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file; name a folder for the synthetic hospital")
    if directory.is_dir() and any(directory.iterdir()):
        same = marker.is_file() and json.loads(marker.read_text(encoding="utf-8")) == wish
        if not same:
            raise UserError(
                f"{directory} is not empty and was not made with these options; "
                "name a new folder, or empty this one"
            )


def prepare(directory: Path, wish: dict[str, Any]) -> None:
    """Make the folder ready; a run that was killed may be repeated with the same wish.

    Raises UserError where the folder holds something else.
    """
    check_folder(directory, wish)
    directory.mkdir(parents=True, exist_ok=True)
    marker = directory / _MARKER
    marker.write_text(json.dumps(wish, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def foretell_hospital(*, patients: int, seed: int) -> SynthSummary:
    """Return what `write_hospital` would make, its identifiers uncounted."""
    count = _Count()
    for n in range(patients):
        count.add(foretell_patient(seed, n))
    return count.summary()


def write_hospital(
    directory: Path, *, patients: int, seed: int, progress: Progress | None = None
) -> SynthSummary:
    """Write `dicom/`, `health/`, `reports/`, `genomes/` and `answer_key/` for some patients."""
    count = _Count()
    with ExitStack() as stack:

        def rows(name: str, titles: list[str]) -> Any:
            return stack.enter_context(csv_rows(directory / name, titles))

        identifiers = rows("answer_key/identifiers.csv", columns(Planted))
        safe = rows("answer_key/safe.csv", columns(Safe))
        files = rows("answer_key/files.csv", columns(FileRow))
        people = rows("answer_key/patients.csv", ["patient_key", "chi", "nhs", "pathway"])
        health = {name: rows(f"health/{name}.csv", list(COLUMNS[name])) for name in COLUMNS}
        (directory / "genomes").mkdir(exist_ok=True)
        ped = stack.enter_context((directory / "genomes/panel.ped").open("w", encoding="utf-8"))
        for n in range(patients):
            outcome = write_patient(directory, seed, n)
            count.add(outcome)
            person = outcome.plan.person
            people.writerow([person.key, person.chi, person.nhs, outcome.plan.pathway["name"]])
            identifiers.writerows(map(cells, outcome.planted))
            safe.writerows(map(cells, outcome.safe))
            files.writerows(map(cells, outcome.files))
            for name, made in outcome.health.items():
                health[name].writerows(made)
            if outcome.ped:
                ped.write(outcome.ped + "\n")
            if progress is not None:
                progress(n + 1, patients)
    summary = count.summary()
    _write_fixed(directory, seed, summary)
    return summary


def _write_fixed(directory: Path, seed: int, summary: SynthSummary) -> None:
    put(directory, "genomes/panel.map", map_text().encode())
    with csv_rows(directory / "answer_key/columns.csv", ["table", "column", "kind"]) as rows:
        rows.writerows(IDENTIFYING)
    estate = estate_rows(seed)
    with csv_rows(directory / "answer_key/scanners.csv", estate[0]) as rows:
        rows.writerows(row.values() for row in estate)
    # Last, so that its presence says that the hospital is whole.
    text = json.dumps(summary.summary(), indent=1, sort_keys=True)
    put(directory, "answer_key/expected.json", (text + "\n").encode())

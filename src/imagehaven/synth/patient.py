"""Writing one patient: images, odd files, reports and genotypes, and their part of the key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagehaven.synth.answer_key import FileRow, Mark, Planted, Safe, planted
from imagehaven.synth.filing import TROUBLES, Made, encode, make_trouble, put, store
from imagehaven.synth.images import Instance, Shoot, build
from imagehaven.synth.plan import PatientPlan, StudyPlan, plan_patient
from imagehaven.synth.planting import (
    burn_in,
    draw_overlay,
    mark_standard,
    plant_around,
    plant_leaks,
)
from imagehaven.synth.records.genotypes import ped_line, vcf
from imagehaven.synth.records.health import Row, health_rows
from imagehaven.synth.records.reports import safe_words, written_report


@dataclass
class Outcome:
    """What was written for one patient: rows for the answer key and for the health tables."""

    plan: PatientPlan
    files: list[FileRow] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    safe: list[Safe] = field(default_factory=list)
    health: dict[str, list[Row]] = field(default_factory=dict)
    ped: str = ""


def trouble_of(n: int) -> str:
    """Return the odd file that patient ``n`` brings, a name of TROUBLES, or '' for none.

    Each kind comes once among the first patients, then they take turns among every fourth.
    """
    kinds = list(TROUBLES)
    if n < len(kinds):
        return kinds[n]
    return kinds[n // 4 % len(kinds)] if n % 4 == 0 else ""


def foretell_patient(seed: int, n: int) -> Outcome:
    """Return what `write_patient` would count, without a byte made: states and modalities."""
    plan = plan_patient(seed, n)
    key = plan.person.key
    rows = [
        FileRow("", "", "", key, series.modality, "catalogued")
        for study in plan.studies
        for series in study.series
        for _ in range(series.protocol["count"])
    ]
    rows += [
        FileRow("", "", "", key, "", "quarantined", "media-directory")
        for study in plan.studies
        if study.shelf == "media"
    ]
    states = {"duplicate": "duplicate", "conflict": "conflicting"}
    if kind := trouble_of(n):
        state = states.get(kind, "quarantined")
        rows.append(FileRow("", "", "", key, "", state, TROUBLES[kind]))
    return Outcome(plan, files=rows)


def write_patient(directory: Path, seed: int, n: int) -> Outcome:
    """Write everything of patient ``n`` below ``directory`` and return the rows about it.

    Needs nothing of any other patient, so that patients can be written in any order or process.
    """
    plan = plan_patient(seed, n)
    outcome = Outcome(plan, health=health_rows(plan))
    for study in plan.studies:
        made = make_study(plan, study)
        stored = store(directory, plan, study, made)
        for one, place in zip(made, stored, strict=True):
            _enter(
                outcome, one.instance, place.file, one.content, "catalogued", path_marks=place.marks
            )
        if study.shelf == "media":
            folder = stored[0].file.split("/DICOM/")[0]
            content = (directory / folder / "DICOMDIR").read_bytes()
            _enter_odd(outcome, f"{folder}/DICOMDIR", content, "quarantined", "media-directory")
        _write_report(directory, outcome, study)
        if study.number == 0 and trouble_of(n):
            _write_trouble(directory, outcome, study, made)
    if plan.sample:
        put(directory, f"genomes/vcf/{plan.sample}.vcf", vcf(plan).encode())
        outcome.ped = ped_line(plan)
    return outcome


def make_study(plan: PatientPlan, study: StudyPlan) -> list[Made]:
    """Return a study's finished files; each series can point at those before it."""
    made: list[Made] = []
    for series in study.series:
        # Discs are written in one transfer syntax, as the general purpose CD profile wants.
        plain = study.shelf == "media"
        series = replace(series, syntax="explicit") if plain else series  # noqa: PLW2901
        shoot = Shoot(plan, study, series, tuple(one.instance for one in made))
        for number, instance in enumerate(build(shoot), start=1):
            plant_leaks(shoot, instance)
            burn_in(shoot, instance)
            draw_overlay(shoot, instance)
            plant_around(shoot, instance)
            mark_standard(shoot, instance)
            content = encode(instance, series.syntax, study.hospital.aet)
            member = f"{series.number:02d}_{series.modality}/{number:04d}.dcm"
            made.append(Made(member, content, instance))
    return made


def _enter(
    outcome: Outcome,
    instance: Instance,
    file: str,
    content: bytes,
    state: str,
    *,
    path_marks: tuple[Mark, ...] = (),
) -> None:
    """Enter an instance that can be read into the key."""
    key, uid = outcome.plan.person.key, str(instance.dataset.SOPInstanceUID)
    sha = hashlib.sha256(content).hexdigest()
    outcome.files.append(FileRow(file, sha, uid, key, str(instance.dataset.Modality), state))
    outcome.planted += planted(key, uid, file, [*instance.marks, *path_marks])
    outcome.safe += [Safe(uid, file, *row) for row in dict.fromkeys(instance.safe)]


def _enter_odd(outcome: Outcome, file: str, content: bytes, state: str, reason: str) -> None:
    """Enter a file that cannot be read as an instance."""
    sha = hashlib.sha256(content).hexdigest()
    outcome.files.append(FileRow(file, sha, "", outcome.plan.person.key, "", state, reason))


def _write_report(directory: Path, outcome: Outcome, study: StudyPlan) -> None:
    plan = outcome.plan
    report = written_report(plan, study)
    file = f"reports/{study.when:%Y}/{plan.person.key}_{study.number}.txt"
    put(directory, file, report.text.encode("utf-8"))
    outcome.planted += planted(plan.person.key, "", file, report.marks)
    outcome.safe += [
        Safe("", file, "text", word, "a name in medicine, nobody's own")
        for word in dict.fromkeys([*safe_words(plan), *report.safe])
    ]


def _write_trouble(directory: Path, outcome: Outcome, study: StudyPlan, made: list[Made]) -> None:
    """Write the odd file that is this patient's turn."""
    index = outcome.plan.person.index
    kind = trouble_of(index)
    folder = f"dicom/{study.hospital.key}/incoming/{outcome.plan.person.key}"
    first = made[0]
    if kind == "duplicate":
        put(directory, f"{folder}/copy.dcm", first.content)
        _enter(outcome, first.instance, f"{folder}/copy.dcm", first.content, "duplicate")
    elif kind == "conflict":
        changed = replace(first.instance, frames=None)
        changed.dataset.PatientWeight = "99.5"
        content = encode(changed, study.series[0].syntax, study.hospital.aet)
        put(directory, f"{folder}/again.dcm", content)
        _enter(outcome, changed, f"{folder}/again.dcm", content, "conflicting")
    else:
        uid = f"{study.uid}.99.{index}"
        trouble = make_trouble(kind, first.content, uid)
        put(directory, f"{folder}/{trouble.name}", trouble.content)
        _enter_odd(
            outcome, f"{folder}/{trouble.name}", trouble.content, trouble.state, trouble.reason
        )

"""Radiology reports as text: a letter head, findings and a conclusion, full of people."""

from __future__ import annotations

from functools import cache

from imagehaven.synth.answer_key import Mark
from imagehaven.synth.plan import PatientPlan, StudyPlan
from imagehaven.synth.reports.house import HouseReport, house_report
from imagehaven.synth.telling import Telling
from imagehaven.synth.vocabulary import require

_HEAD = """\
{institution}
Radiology report {accession}

Patient: {listed}
CHI: {chi_spaced}   Date of birth: {born_slash}
Address: {address}, {town} {postcode}
Telephone: {phone}
Referred by: {referrer}
Examination: {study}, {exam_long}

Findings:
"""
_FOOT = """\

Reported by {doctor_full} on {exam_slash}. Enquiries {ward_phone}.
"""


@cache
def _texts() -> dict[str, dict[str, str]]:
    needed = ["pathway", "findings", "conclusion", "safe"]
    return {entry["pathway"]: entry for entry in require("report_texts.yaml", needed)}


def report_parts(plan: PatientPlan) -> list[tuple[str, str, str]]:
    """Return (code, meaning, template) of the report's sections: findings and conclusion."""
    texts = _texts()[plan.pathway["name"]]
    return [
        ("59776-5", "Findings", texts["findings"]),
        ("19005-8", "Impression", texts["conclusion"]),
    ]


def safe_words(plan: PatientPlan) -> list[str]:
    """Return the words of this patient's reports that look like names and are none."""
    return list(_texts()[plan.pathway["name"]]["safe"])


def written_report(plan: PatientPlan, study: StudyPlan) -> HouseReport:
    """Return the report that lies in the hospital as a text file, in the hospital's own style."""
    texts = _texts()[plan.pathway["name"]]
    return house_report(plan, study, texts["findings"], texts["conclusion"])


def report_text(
    plan: PatientPlan, study: StudyPlan, location: str = "", *, ascii_only: bool = False
) -> tuple[str, list[Mark]]:
    """Return a report and its marks, at ``location`` or else at the line they stand in."""
    texts = _texts()[plan.pathway["name"]]
    template = f"{_HEAD}{texts['findings']}\n\nConclusion:\n{texts['conclusion']}\n{_FOOT}"
    telling = Telling(plan, study, study.series[0], "" if ascii_only else "ISO_IR 192")
    lines, marks = [], []
    for number, line in enumerate(template.splitlines(), start=1):
        text, told = telling.render(line, location or f"line {number}")
        lines.append(text)
        marks += told
    return "\n".join(lines) + "\n", marks

"""The text report of a study of the synthetic hospital, in its hospital's own style."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagehaven.synth.answer_key import Mark
from imagehaven.synth.chance import chance
from imagehaven.synth.people import Name
from imagehaven.synth.plan import PatientPlan, StudyPlan
from imagehaven.synth.reports.annotated import IDENTIFIER_KINDS, Annotated, Draft
from imagehaven.synth.reports.facts import Facts, days_around, email_of, make_facts
from imagehaven.synth.reports.grammar import Grammar
from imagehaven.synth.reports.people import Who, lookalikes
from imagehaven.synth.reports.voice import ReportVoice
from imagehaven.synth.reports.wordlists import entries, houses
from imagehaven.synth.reports.writing import HOUSE_DATES

_TOKEN = re.compile(r"\{(\w+)\}")

#: What the answer key calls each class of identifier, where the two differ.
_KEY_KINDS = {
    "name-patient": "name", "name-relative": "name", "name-staff": "staff-name", "place": "address",
    "hospital": "institution", "organisation": "institution", "id": "number",
    "staff-number": "number", "url": "accession", "age": "age-over-89",
}  # fmt: skip


@dataclass(frozen=True)
class HouseReport:
    """A report's text, the marks of its identifiers by line, and its words that must survive."""

    text: str
    marks: tuple[Mark, ...]
    safe: tuple[str, ...]


def house_report(
    plan: PatientPlan, study: StudyPlan, findings: str, conclusion: str
) -> HouseReport:
    """Return the report of a study; the two templates are those of `report_texts.yaml`."""
    place = f"{plan.person.key}/{study.number}"
    own = chance(plan.seed, "house-report", place)
    known = houses()
    style = next(
        entry
        for entry in entries("styles", "train")
        if entry["style"] == known["styles"][study.hospital.key]
    )
    rules: dict[str, Sequence[str]] = {k: v for k, v in style.items() if isinstance(v, list)}
    rules |= {
        "exam": [study.description],
        "history": [f"[f:{str(plan.pathway['name']).replace('-', ' ').capitalize()}] pathway."],
        "technique": ["Standard protocol."],
        "findings": [_translated(findings, known["tokens"])],
        "impression": [_translated(conclusion, known["tokens"])],
        "lookalike": list(lookalikes("train").values()),
    }
    facts = _facts(plan, study)
    draft = Draft()
    voice = ReportVoice(facts, own.choice(HOUSE_DATES), own)
    Grammar(rules, voice, own).write(own.choice(style["report"]), draft)
    return _finished(draft.done())


def _translated(template: str, tokens: dict[str, str]) -> str:
    return _TOKEN.sub(lambda match: "{" + tokens.get(match[1], match[1]) + "}", template)


def _finished(report: Annotated) -> HouseReport:
    def value(start: int, end: int) -> str:
        return report.text[start:end]

    marks = tuple(
        Mark(
            f"line {report.text.count(chr(10), 0, span.start) + 1}",
            _KEY_KINDS.get(span.kind, span.kind),
            value(span.start, span.end),
        )
        for span in report.of(IDENTIFIER_KINDS)
    )
    safe = dict.fromkeys(value(s.start, s.end) for s in report.of(("eponym", "word")))
    return HouseReport(report.text, marks, tuple(safe))


def _facts(plan: PatientPlan, study: StudyPlan) -> Facts:
    """Return the facts of a study, with made-up people where the plan has none."""
    person, exam = plan.person, study.when.date()
    made = make_facts(plan.seed, "train", person.index * 8 + study.number, over_89=False)
    name = person.name
    cast = made.cast | {
        "patient": Who(
            role="patient",
            sex=person.sex,
            title=name.title or ("Ms" if person.sex == "F" else "Mr"),
            given=name.given,
            middle=name.middle,
            family=name.family,
            former=person.former_name or name.family,
            nick="",
            given_class="plain",
            family_class="plain",
        ),
        "reporter": _staff(made.cast["reporter"], study.radiologist),
        "referrer": _staff(made.cast["referrer"], study.referrer),
        "radiographer": _staff(made.cast["radiographer"], study.operator),
    }
    address, hospital = person.address, study.hospital
    home = {"address": address.line, "town": address.town, "postcode": address.postcode}
    numbers = {"chi": person.chi, "accession": study.accession, "uid": study.uid}
    return replace(
        made,
        cast=cast,
        place=made.place | home | {"hospital": hospital.name},
        days=days_around(exam, person.born, chance(plan.seed, "report-days", person.key, exam)),
        numbers=made.numbers | numbers | ({"nhs": person.nhs} if person.nhs else {}),
        phones={
            "phone": (person.phone, ()),
            "mobile": (person.mobile, ()),
            "wardphone": (hospital.phone, ()),
        },
        emails={
            "email": person.email,
            "staffemail": email_of(cast["reporter"], made.place["domain"]),
        },
    )


def _staff(who: Who, name: Name) -> Who:
    """Return a member of staff under the name that the plan has."""
    plain = {"given_class": "plain", "family_class": "plain", "nick": ""}
    return replace(who, given=name.given, family=name.family, middle=name.middle, **plain)

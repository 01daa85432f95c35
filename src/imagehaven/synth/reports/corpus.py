"""The corpus: one report by number, and many of them as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imagehaven.errors import TerminalError, UserError
from imagehaven.synth.chance import chance
from imagehaven.synth.reports.annotated import CLINICAL_KINDS, IDENTIFIER_KINDS, Draft, Span
from imagehaven.synth.reports.artefacts import befallen
from imagehaven.synth.reports.facts import KNOWN_STAFF, Facts, make_facts
from imagehaven.synth.reports.grammar import Grammar
from imagehaven.synth.reports.people import lookalikes
from imagehaven.synth.reports.voice import ReportVoice
from imagehaven.synth.reports.wordlists import SPLITS, entries, shares
from imagehaven.synth.reports.writing import HOUSE_DATES

_EXAM_RULES = ("exam", "history", "technique", "findings", "impression")


@dataclass(frozen=True)
class Report:
    """One report. Offsets of spans count characters of ``text``.

    ``known`` is what the record system holds: `patient` (given, middle, family, former, born,
    address, postcode, town, chi, nhs, phones, emails), `staff` (names as ``Given Family``),
    `institutions` and `identifiers`. Relatives and most of the staff of a report are not in it.
    """

    key: str
    split: str
    style: str
    modality: str
    text: str
    identifiers: tuple[Span, ...]
    clinical: tuple[Span, ...]
    known: dict[str, Any]

    def json_line(self) -> str:
        """Return the report as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def age_range(entry: dict[str, Any], otherwise: str) -> tuple[int, int]:
    """Return the ages in years of the patients of a style or an examination."""
    low, high = entry.get("ages", otherwise).split("-")
    return int(low), int(high)


def fits(exam: dict[str, Any], style: dict[str, Any], facts: Facts) -> bool:
    """Tell whether a unit that writes in a style makes an examination, of such a patient."""
    unit = style.get("unit", "")
    sex = facts.cast["patient"].sex
    low, high = age_range(exam, "16-120")
    of_unit = not unit or unit in exam.get("units", [])
    return of_unit and exam.get("sex", sex) == sex and low <= facts.age <= high


def _fitting(
    bank: tuple[dict[str, Any], ...], style: dict[str, Any], facts: Facts
) -> list[dict[str, Any]]:
    fitting = [exam for exam in bank if fits(exam, style, facts)]
    if len(fitting) < 3:
        raise TerminalError(
            f"synth/reports: style {style['style']!r} needs three examinations or more that suit "
            f"its unit, sex and ages; there are {len(fitting)} in exams_*.yaml"
        )
    return fitting


def _rules(style: dict[str, Any], exams: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the rules of a style and of its exams: `findings`, `findings2`, `findings3`."""
    rules = {key: value for key, value in style.items() if isinstance(value, list)}
    for place, exam in enumerate(exams):
        for key in _EXAM_RULES:
            value = exam[key]
            rules[f"{key}{place + 1 if place else ''}"] = (
                [value] if isinstance(value, str) else value
            )
    return rules


def _lookalikes(facts: Facts, split: str) -> list[str]:
    """Return sentences with the patient's name as a plain word, or else with anybody's."""
    sentences, patient = lookalikes(split), facts.cast["patient"]
    own = [sentences[name] for name in (patient.family, patient.given) if name in sentences]
    return own or list(sentences.values())


def make_report(seed: int, number: int, split: str) -> Report:
    """Return report ``number`` of a split, the same for the same arguments.

    Raises UserError where the split is none of SPLITS.
    """
    if split not in SPLITS:
        raise UserError(f"no split {split!r} of reports; there are {', '.join(SPLITS)}")
    rng = chance(seed, "report", split, number)
    styles, bank = entries("styles", split), entries("exams", split)
    style = styles[number % len(styles)]
    facts = make_facts(
        seed,
        split,
        number,
        over_89=rng.random() < 0.12 and "ages" not in style,
        ages=age_range(style, "18-88"),
        sex=style.get("sex", ""),
    )
    exams = rng.sample(_fitting(bank, style, facts), 3)
    own = chance(seed, "report-voice", split, number)
    voice = ReportVoice(facts, own.choice(HOUSE_DATES), own)
    draft = Draft()
    rules = _rules(style, exams) | {"lookalike": _lookalikes(facts, split)}
    Grammar(rules, voice, rng).write(rng.choice(style["report"]), draft)
    drawn = shares()["reports"] | {k: float(v) for k, v in style.get("shares", {}).items()}
    report = befallen(draft.done(), drawn, rng)
    return Report(
        key=f"{split}-{seed}-{number:06d}",
        split=split,
        style=style["style"],
        modality=exams[0]["modality"],
        text=report.text,
        identifiers=report.of(IDENTIFIER_KINDS),
        clinical=report.of(tuple(CLINICAL_KINDS.values())),
        known=_known(facts),
    )


def _known(facts: Facts) -> dict[str, Any]:
    patient, numbers, place = facts.cast["patient"], facts.numbers, facts.place
    return {
        "patient": {
            "given": patient.given,
            "middle": patient.middle,
            "family": patient.family,
            "former": patient.former,
            "born": facts.days["born"].isoformat(),
            "address": place["address"],
            "postcode": place["postcode"],
            "town": place["town"],
            "chi": numbers["chi"],
            "nhs": numbers["nhs"],
            "phones": [facts.phones["phone"][0], facts.phones["mobile"][0]],
            "emails": [facts.emails["email"]],
        },
        "staff": [
            f"{who.given} {who.family}" for who in (facts.cast[role] for role in KNOWN_STAFF)
        ],
        "institutions": [place["hospital"]],
        "identifiers": [numbers["accession"], numbers["hospno"], numbers["uid"]],
    }


def write_reports(
    folder: Path,
    *,
    count: int,
    seed: int = 1,
    split: str = "train",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write ``count`` reports of a split to `folder/reports_SPLIT.jsonl` and return that file.

    One line for each report, as `Report` is: key, split, style, modality, text, identifiers and
    clinical terms as (start, end, kind, hard), known. Raises UserError where the split is unknown
    or the count is not positive.
    """
    if count < 1:
        raise UserError("a corpus has one report or more")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"reports_{split}.jsonl"
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for number in range(count):
            stream.write(make_report(seed, number, split).json_line() + "\n")
            if progress:
                progress(number + 1, count)
    return path

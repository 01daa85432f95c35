"""Reports of a held split: styles, examinations, places and names that no detector was made with.

``text_held.yaml`` was written after the code that it measures, in the grammar of
`imagehaven.synth.reports`; numbers, days and what befalls a report are the synthetic hospital's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from imagehaven.synth.chance import chance
from imagehaven.synth.people.numbers import postcode
from imagehaven.synth.reports import CLINICAL_KINDS, IDENTIFIER_KINDS, Report
from imagehaven.synth.reports.annotated import Draft
from imagehaven.synth.reports.artefacts import befallen
from imagehaven.synth.reports.facts import KNOWN_STAFF, Facts, make_facts
from imagehaven.synth.reports.grammar import Grammar
from imagehaven.synth.reports.people import Who
from imagehaven.synth.reports.voice import ReportVoice
from imagehaven.synth.reports.wordlists import shares
from imagehaven.synth.reports.writing import HOUSE_DATES

HELD = "held"
#: The split whose numbers and days are taken; its names and places are all exchanged.
_UNDER = "validation"
_DISTRICTS = ("AB45", "KW5", "DD9", "TD6", "PH16")


@cache
def _words() -> dict[str, Any]:
    path = Path(__file__).with_name("text_held.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def held_report(seed: int, number: int) -> Report:
    """Return report ``number`` of the held split, the same for the same arguments."""
    rng = chance(seed, "report", HELD, number)
    style = _words()["styles"][number % len(_words()["styles"])]
    facts = _facts(seed, number, rng)
    exam = rng.choice(_words()["exams"])
    rules = {key: value for key, value in (exam | style).items() if isinstance(value, list)}
    rules["exam"] = [exam["exam"]]
    draft = Draft()
    voice = ReportVoice(facts, rng.choice(HOUSE_DATES), rng)
    Grammar(rules, voice, rng).write(rng.choice(style["report"]), draft)
    drawn = shares()["reports"] | style.get("shares", {})
    report = befallen(draft.done(), drawn, rng)
    return Report(
        key=f"{HELD}-{seed}-{number:06d}",
        split=HELD,
        style=style["style"],
        modality=exam["modality"],
        text=report.text,
        identifiers=report.of(IDENTIFIER_KINDS),
        clinical=report.of(tuple(CLINICAL_KINDS.values())),
        known=_known(facts),
    )


def _facts(seed: int, number: int, rng: Random) -> Facts:
    """Return facts with the names and places of this split."""
    made = make_facts(seed, _UNDER, number, over_89=rng.random() < 0.12)
    cast = {role: _named(who, rng) for role, who in made.cast.items()}
    if rng.random() < 0.6:
        cast["relative"] = replace(cast["relative"], family=cast["patient"].family)
    words = _words()["places"]
    town, other = rng.sample(words["towns"], 2)
    hospital, second = rng.sample(words["hospitals"], 2)
    place = {
        "town": town,
        "othertown": other,
        "postcode": postcode(rng.choice(_DISTRICTS), rng),
        "address": f"{rng.randrange(1, 190)} {rng.choice(words['streets'])}",
        "hospital": hospital,
        "otherhospital": second,
        "practice": rng.choice(words["practices"]),
        "board": rng.choice(words["boards"]),
        "home": rng.choice(words["homes"]),
    }
    return replace(made, cast=cast, place=made.place | place)


def _named(who: Who, rng: Random) -> Who:
    """Return somebody under a name of this split."""
    names = _words()["names"]
    given, middle = rng.sample(names["female" if who.sex == "F" else "male"], 2)
    family, former = rng.sample(names["family"], 2)
    return replace(
        who,
        given=given,
        middle=middle if who.middle else "",
        family=family,
        former=former,
        nick="",
        given_class="plain",
        family_class="plain",
    )


def _known(facts: Facts) -> dict[str, Any]:
    """Return what the record system holds, as `Report.known` does."""
    patient, numbers, place = facts.cast["patient"], facts.numbers, facts.place
    own = {key: getattr(patient, key) for key in ("given", "middle", "family", "former")}
    home = {key: place[key] for key in ("address", "postcode", "town")}
    return {
        "patient": {
            **own,
            **home,
            "born": facts.days["born"].isoformat(),
            "chi": numbers["chi"],
            "nhs": numbers["nhs"],
            "phones": [facts.phones["phone"][0], facts.phones["mobile"][0]],
            "emails": [facts.emails["email"]],
        },
        "staff": [f"{facts.cast[r].given} {facts.cast[r].family}" for r in KNOWN_STAFF],
        "institutions": [place["hospital"]],
        "identifiers": [numbers["accession"], numbers["hospno"], numbers["uid"]],
    }

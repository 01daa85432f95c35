"""Words that tell who somebody is: the tokens that leak sites and reports are written with.

A template such as ``"{study} {family_upper} {chi_spaced}"`` renders to a text and to the marks
of the identifiers in it, so that text and answer key cannot drift apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from imagehaven.errors import TerminalError
from imagehaven.synth.answer_key import Mark
from imagehaven.synth.people import Name
from imagehaven.synth.people.population import fold
from imagehaven.synth.plan import PatientPlan, SeriesPlan, StudyPlan

_TOKEN = re.compile(r"\{(\w+)\}")
_MONTHS = "January February March April May June July August September October November December"

#: Python's codecs for the character sets that the population uses; others write ASCII only.
CODECS = {
    "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859-2", "ISO_IR 126": "iso8859-7",
    "ISO_IR 127": "iso8859-6", "ISO_IR 144": "iso8859-5", "ISO_IR 148": "iso8859-9",
    "ISO_IR 192": "utf-8", "GB18030": "gb18030",
}  # fmt: skip

Told = tuple[tuple[str, str], ...]
"""The (kind, value) pairs of the identifiers in a piece of text."""


def long_date(day: date) -> str:
    """Return a date as a letter writes it, in English whatever the locale."""
    return f"{day.day} {_MONTHS.split()[day.month - 1]} {day.year}"


def spaced(number: str, *groups: int) -> str:
    """Return a number in groups of digits."""
    parts, place = [], 0
    for size in groups:
        parts.append(number[place : place + size])
        place += size
    return " ".join(parts)


@dataclass(frozen=True)
class Telling:
    """The tokens for one series of one patient in one character set."""

    plan: PatientPlan
    study: StudyPlan
    series: SeriesPlan
    charset: str

    def fit(self, text: str) -> str:
        """Return text that the character set can hold: as it is, or without its accents."""
        try:
            text.encode(CODECS.get(self.charset, "ascii"))
        except UnicodeEncodeError:
            return fold(text)
        return text

    @cached_property
    def name(self) -> Name:
        """Return the patient's name as far as free text in this character set can write it."""
        name = self.plan.person.name
        family, given = self.fit(name.family), self.fit(name.given)
        return Name(family or "Unknown", given or "Unknown", self.fit(name.middle), name.title)

    @cached_property
    def tokens(self) -> dict[str, tuple[str, Told]]:
        """Return each token's text and the identifiers in it."""
        person, study, name = self.plan.person, self.study, self.name
        day = study.when.date()

        def one(kind: str, value: str) -> tuple[str, Told]:
            return value, ((kind, value),)

        nhs = person.nhs or person.chi
        nhs_kind = "nhs" if person.nhs else "chi"
        address = self.fit(person.address.line)
        age = person.age(day)
        title = "Ms" if person.sex == "F" else "Mr"
        aged = f"{age} year old"
        doctor, referrer = f"Dr {study.radiologist.family}", f"Dr {study.referrer.family}"
        return {
            "study": (study.description, ()),
            "series": (str(self.series.protocol["description"]), ()),
            "family": one("name", name.family),
            "family_upper": one("name", name.family.upper()),
            "spoken": one("name", f"{name.given} {name.family}"),
            "listed": one("name", f"{name.family.upper()}, {name.given}"),
            "lower": one("name", f"{name.family} {name.given}".lower()),
            "titled": one("name", f"{name.title or title} {name.family}"),
            "underscored": one("name", f"{name.family}_{name.given}".upper().replace(" ", "_")),
            "initials": one("name", f"{name.given[0]}. {name.family}"),
            "former": one("name", self.fit(person.former_name) or name.family),
            "caret": one("name", f"{name.given}^{name.family}"),
            "caret_right": one("name", f"{name.family}^{name.given}"),
            "chi": one("chi", person.chi),
            "chi_spaced": one("chi", spaced(person.chi, 6, 4)),
            "chi_wide": one("chi", spaced(person.chi, 2, 2, 2, 4)),
            "chi_dashed": one("chi", spaced(person.chi, 6, 4).replace(" ", "-")),
            "nhs_spaced": one(nhs_kind, spaced(nhs, 3, 3, 4)),
            "born_slash": one("date", f"{person.born:%d/%m/%Y}"),
            "born_dot": one("date", f"{person.born:%d.%m.%y}"),
            "born_long": one("date", long_date(person.born)),
            "born_packed": one("date", f"{person.born:%Y%m%d}"),
            "exam_slash": one("date", f"{day:%d/%m/%Y}"),
            "exam_long": one("date", long_date(day)),
            "exam_iso": one("date", f"{day:%Y-%m-%d}"),
            "age": (aged, (("age-over-89", aged),) if age > 89 else ()),
            "address": one("address", address),
            "town": (self.fit(person.address.town), ()),
            "postcode": one("postcode", person.address.postcode),
            "phone": one("phone", person.phone),
            "mobile": one("phone", person.mobile),
            "email": one("email", person.email),
            "doctor": one("staff-name", doctor),
            "doctor_full": one("staff-name", study.radiologist.spoken()),
            "referrer": one("staff-name", referrer),
            "operator": one("staff-name", study.operator.spoken()),
            "ward_phone": one("phone", study.hospital.phone),
            "institution": one("institution", study.hospital.name),
            "aet": one("aet", study.hospital.aet),
            "station": one("institution", self.series.scanner.station),
            "serial": one("device-serial", self.series.scanner.serial),
            "accession": one("accession", study.accession),
            "study_uid": one("uid", study.uid),
        }

    def render(self, template: str, location: str) -> tuple[str, list[Mark]]:
        """Return a template's text and the marks of its identifiers at ``location``.

        Raises TerminalError when a template names a token that does not exist.
        """
        marks: list[Mark] = []

        def put(match: re.Match[str]) -> str:
            if match[1] not in self.tokens:
                known = ", ".join(sorted(self.tokens))
                raise TerminalError(f"synth: no token {match[1]!r}; there are {known}")
            text, told = self.tokens[match[1]]
            marks.extend(Mark(location, kind, value) for kind, value in told)
            return text

        return _TOKEN.sub(put, template), marks

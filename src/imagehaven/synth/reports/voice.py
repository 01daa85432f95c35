"""What a report can say of its people, days, numbers and places."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from imagehaven.synth.reports.annotated import Piece
from imagehaven.synth.reports.facts import Facts
from imagehaven.synth.reports.people import name_text
from imagehaven.synth.reports.wordlists import shares
from imagehaven.synth.reports.writing import ODD_DATES, date_text, ten_digits

#: The class of a thing by the token that asks for it, where the two differ.
_KINDS = {
    "town": "place", "othertown": "place", "otherhospital": "hospital", "practice": "organisation",
    "board": "organisation", "home": "organisation", "hospno": "id", "specimen": "id",
    "serial": "id", "bleep": "phone", "gmc": "staff-number", "hcpc": "staff-number",
    "staffemail": "email", "mobile": "phone", "wardphone": "phone", "extension": "phone",
}  # fmt: skip


#: What depends on the sex of the patient, by the form asked for: for F, for M.
_BY_SEX = {
    "": ("F", "M"), "he": ("she", "he"), "He": ("She", "He"), "his": ("her", "his"),
    "His": ("Her", "His"), "him": ("her", "him"), "gentleman": ("lady", "gentleman"),
    "man": ("woman", "man"), "male": ("female", "male"), "boy": ("girl", "boy"),
}  # fmt: skip


@dataclass
class ReportVoice:
    """The voice of one report (`Voice` of the grammar); most of its dates are in one way."""

    facts: Facts
    house_date: str
    rng: Random

    def say(self, token: str) -> list[Piece]:
        """Return the pieces of a token; KeyError where there is none of that name."""
        subject, _, form = token.partition(":")
        if subject in self.facts.cast:
            before, text, hard = name_text(self.facts.cast[subject], form, self.rng)
            return [Piece(before), Piece(text, self.facts.cast[subject].kind, hard)]
        if subject == "sex":
            return [Piece(_BY_SEX[form][self.facts.cast["patient"].sex == "M"])]
        if subject in {"kin", "kin2", "Kin"}:
            word = self.facts.kin("relative2" if subject == "kin2" else "relative")
            return [Piece(word.capitalize() if subject == "Kin" else word)]
        if subject == "date":
            return [self._date(form)]
        if subject == "age":
            return self._age(form)
        return [self._thing(subject)]

    def _date(self, key: str) -> Piece:
        day, way = self.facts.days[key], self.house_date
        if self.rng.random() >= shares()["forms"]["odd-date"]:
            return Piece(date_text(day, way), "date")
        ways = [odd for odd in ODD_DATES if key != "born" or "no-year" not in odd]
        way = self.rng.choice(ways)
        return Piece(date_text(day, way), "date", (f"date-{way}",))

    def _age(self, form: str) -> list[Piece]:
        age = self.facts.age
        texts = {
            "long": f"{age} year old",
            "dash": f"{age}-year-old",
            "short": f"{age}{self.facts.cast['patient'].sex}",
            "yo": f"{age}yo",
            "yrs": f"{age} yrs",
            "plain": str(age),
        }
        # "a:long" and "a:dash" have the article before them.
        article, form = form[:2] == "a:", form.removeprefix("a:")
        before = ("an " if age in {8, 11, 18} or 80 <= age < 90 else "a ") if article else ""
        return [Piece(before), Piece(texts[form], "age" if age > 89 else "number")]

    def _thing(self, subject: str) -> Piece:
        kind, facts = _KINDS.get(subject, subject), self.facts
        if subject in {"chi", "nhs"}:
            odd = shares()["forms"]["odd-number"]
            text, hard = ten_digits(facts.numbers[subject], subject, self.rng, odd)
            return Piece(text, subject, hard)
        if subject in facts.phones:
            text, hard = facts.phones[subject]
            return Piece(text, kind, hard)
        if subject == "url":
            accession = facts.numbers["accession"].replace(" ", "")
            return Piece(f"https://pacs.{facts.place['domain']}/view?acc={accession}", kind)
        for things in (facts.emails, facts.place, facts.numbers):
            if subject in things:
                return Piece(things[subject], kind)
        raise KeyError(subject)

"""People: names as Scotland has them, some from elsewhere, with birth dates, numbers and homes."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from imagehaven.synth.chance import chance
from imagehaven.synth.people.numbers import chi_number, nhs_number, phone, postcode
from imagehaven.synth.vocabulary import table, words

LATIN = "ISO_IR 100"
NOW = date(2024, 6, 30)
"""The day on which the synthetic archive was taken; nothing in it looks at the clock."""

_TITLES = {"F": ("Mrs", "Miss", "Ms", "Dr"), "M": ("Mr", "Mr", "Mr", "Dr")}


def fold(text: str) -> str:
    """Return text in ASCII, as a keyboard without accents writes it (Mòrag becomes Morag)."""
    plain = unicodedata.normalize("NFKD", text.replace("Ł", "L").replace("ł", "l"))
    return plain.encode("ascii", "ignore").decode()


@dataclass(frozen=True)
class Name:
    """A person's name; ``ideographic`` and ``phonetic`` are whole PN component groups or empty."""

    family: str
    given: str
    middle: str = ""
    title: str = ""
    ideographic: str = ""
    phonetic: str = ""

    def person_name(self) -> str:
        """Return the name as a PN value (PS3.5 6.2.1)."""
        parts = "^".join((self.family, self.given, self.middle, self.title)).rstrip("^")
        groups = (parts, self.ideographic, self.phonetic)
        return "=".join(groups).rstrip("=")

    def spoken(self) -> str:
        """Return the name as a letter writes it."""
        return f"{self.given} {self.family}"

    def folded(self) -> Name:
        """Return the name in ASCII without further component groups."""
        return Name(fold(self.family), fold(self.given), fold(self.middle), self.title)


@dataclass(frozen=True)
class Address:
    """A home: ``line`` is number and street."""

    line: str
    town: str
    postcode: str

    def whole(self) -> str:
        """Return the address on one line."""
        return f"{self.line}, {self.town}, {self.postcode}"


@dataclass(frozen=True)
class Person:
    """A patient; ``charset`` is (0008,0005), ``nhs`` is empty but for visitors from England.

    ``former_name`` is empty or an earlier family name. ``died`` is None while alive.
    """

    key: str
    index: int
    name: Name
    former_name: str
    sex: str
    born: date
    chi: str
    nhs: str
    address: Address
    phone: str
    mobile: str
    email: str
    charset: str
    died: date | None

    def age(self, on: date) -> int:
        """Return the age in whole years on a day."""
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))


def _name(seed: int, index: int, sex: str) -> tuple[Name, str]:
    rng = chance(seed, "name", index)
    if index % 8 == 5:
        abroad = [row for row in table("names_abroad.csv") if row["sex"] == sex]
        row = abroad[(index // 8) % len(abroad)]
        family = row["family_script"] or row["family"]
        given = row["given_script"] or row["given"]
        if row["charset"] == "ISO_IR 192" and row["family_script"]:
            family, given = row["family"], row["given"]
            return Name(
                family, given, ideographic=f"{row['family_script']}^{row['given_script']}"
            ), row["charset"]
        name = Name(family, given, ideographic=row["ideographic"], phonetic=row["phonetic"])
        return name, row["charset"]
    given_names = [row["name"] for row in table("given_names.csv") if row["sex"] == sex]
    given, middle = rng.sample(given_names, 2)
    family = rng.choice(words("surnames.csv", "name"))
    name = Name(family, given, middle if rng.random() < 0.5 else "", rng.choice(_TITLES[sex]))
    return name, ("ISO_IR 192" if index % 5 == 2 else LATIN)


def _address(seed: int, index: int, *, visitor: bool) -> Address:
    rng = chance(seed, "address", index)
    town = rng.choice(table("visitors_towns.csv" if visitor else "towns.csv"))
    flat = f"Flat {rng.choice('123')}/{rng.choice('123')}, " if rng.random() < 0.25 else ""
    line = f"{flat}{rng.randrange(1, 180)} {rng.choice(words('streets.csv', 'street'))}"
    return Address(line, town["town"], postcode(town["district"], rng))


def make_person(seed: int, index: int, *, sex: str, age: tuple[int, int], died: bool) -> Person:
    """Return patient number ``index``: a person of an age (whole years, both ends in) at `NOW`.

    The same seed, index and wishes always give the same person.
    """
    rng = chance(seed, "person", index)
    name, charset = _name(seed, index, sex)
    years = rng.randint(*age)
    born = date(NOW.year - years, 1, 1) + timedelta(days=rng.randrange(178))
    born = (
        born
        if rng.random() < 0.5
        else date(NOW.year - years - 1, 7, 1) + timedelta(days=rng.randrange(180))
    )
    visitor = index % 7 == 3
    plain = name.folded() if name.folded().family else Name(f"family{index}", "x")
    family = fold(plain.family).replace("'", "").lower()
    return Person(
        key=f"P{index:06d}",
        index=index,
        name=name,
        former_name=rng.choice(words("surnames.csv", "name")) if sex == "F" and years > 40 else "",
        sex=sex,
        born=born,
        chi=chi_number(born, sex, rng),
        nhs=nhs_number(rng) if visitor else "",
        address=_address(seed, index, visitor=visitor),
        phone=phone(rng, mobile=False),
        mobile=phone(rng, mobile=True),
        email=f"{fold(plain.given).lower().replace(' ', '')}.{family}@example.scot",
        charset=charset,
        died=NOW - timedelta(days=rng.randrange(5, 90)) if died else None,
    )

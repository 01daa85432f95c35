"""What is true of one report: its people, places, days and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from imagehaven.synth.chance import chance
from imagehaven.synth.people.numbers import chi_number, nhs_number, postcode
from imagehaven.synth.reports.people import Who, fold, kin_word, make_person
from imagehaven.synth.reports.wordlists import places, shares
from imagehaven.synth.reports.writing import phone_text

#: Each role in a report: whose kind of name it is, and the job that gives the title.
ROLES = {
    "patient": ("patient", ""), "relative": ("relative", ""), "relative2": ("relative", ""),
    "reporter": ("staff", "doctor"), "second": ("staff", "doctor"), "gp": ("staff", "doctor"),
    "referrer": ("staff", "doctor"), "consultant": ("staff", "surgeon"),
    "pathologist": ("staff", "doctor"), "oncologist": ("staff", "doctor"),
    "nurse": ("staff", "nurse"), "radiographer": ("staff", "radiographer"),
    "secretary": ("staff", "radiographer"),
}  # fmt: skip
KNOWN_STAFF = ("reporter", "referrer", "radiographer")
"""The staff whose names stand in the record system, as they stand in a DICOM header."""

_TITLED = 16
"""From which age in years a patient is called Mr, Miss, Mrs or Ms."""

_ROOT = "1.2.826.0.1.3680043.10"

#: Days before (or after, below zero) the examination.
_DAYS = {
    "exam": (0, 0), "prior": (20, 700), "prior2": (701, 2400), "op": (10, 400), "biopsy": (3, 40),
    "referral": (1, 60), "reported": (-3, 0), "amended": (-30, -4), "next": (-400, -40),
    "onset": (1, 15), "meeting": (-20, -2),
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """The people by role, and the places, days and numbers by name.

    ``phones`` holds each number as written and the hard case that it is.
    """

    cast: dict[str, Who]
    place: dict[str, str]
    days: dict[str, date]
    numbers: dict[str, str]
    phones: dict[str, tuple[str, tuple[str, ...]]]
    emails: dict[str, str]

    @property
    def age(self) -> int:
        """Return the patient's age in whole years on the day of the examination."""
        born, exam = self.days["born"], self.days["exam"]
        return exam.year - born.year - ((exam.month, exam.day) < (born.month, born.day))

    def kin(self, role: str) -> str:
        """Return what a relative by role is to the patient."""
        return kin_word(self.cast[role], self.cast["patient"], self.age)


def make_facts(
    seed: int,
    split: str,
    number: int,
    *,
    over_89: bool,
    ages: tuple[int, int] = (18, 88),
    sex: str = "",
) -> Facts:
    """Return the facts of a report, the same whenever asked.

    The patient's age in years lies within ``ages`` or, with ``over_89``, from 90 to 103; the sex
    (F or M) is drawn where it is empty.
    """

    def own(purpose: str) -> Random:
        return chance(seed, "report", split, number, purpose)

    rng = own("days")
    exam = date(2015, 1, 1) + timedelta(days=rng.randrange(3400))
    age = rng.randint(90, 103) if over_89 else rng.randint(*ages)
    born = exam - timedelta(days=age * 365 + age // 4 + rng.randrange(2, 360))
    cast, place = _cast(seed, split, number, own, sex=sex, age=age), _place(split, own("place"))
    odd = shares()["forms"]["odd-number"]
    return Facts(
        cast=cast,
        place=place,
        days=days_around(exam, born, rng),
        numbers=_numbers(exam, born, cast["patient"].sex, own("numbers"))
        | _own_numbers(split, exam, own("own-numbers")),
        phones={
            key: phone_text(own(key), mobile=key == "mobile", odd=odd)
            for key in ("phone", "mobile", "wardphone")
        },
        emails={
            "email": email_of(cast["patient"], place["domain"]),
            "staffemail": email_of(cast["reporter"], place["domain"]),
        },
    )


def days_around(exam: date, born: date, rng: Random) -> dict[str, date]:
    """Return the days of a report by name."""
    days = {key: exam - timedelta(days=rng.randint(*span)) for key, span in _DAYS.items()}
    return days | {"born": born}


def email_of(who: Who, domain: str) -> str:
    """Return somebody's e-mail address."""
    parts = (
        fold(name).lower().replace(" ", "").replace("'", "") for name in (who.given, who.family)
    )
    return f"{'.'.join(parts)}@{domain}"


def _cast(
    seed: int, split: str, number: int, own: Callable[[str], Random], *, sex: str, age: int
) -> dict[str, Who]:
    """Return everybody; the first relative has the patient's family name more often than not."""
    people = {}
    for role, (kind, job) in ROLES.items():
        # Staff come back in other reports, as they do in life.
        purpose = number if kind != "staff" else own("staff").randrange(40)
        wanted = sex if role == "patient" else ""
        people[role] = make_person(seed, split, (role, purpose), kind, job=job, sex=wanted)
    if age < _TITLED:
        people["patient"] = replace(people["patient"], title="")
    if own("relative").random() < 0.6:
        patient = people["patient"]
        people["relative"] = replace(
            people["relative"], family=patient.family, family_class=patient.family_class
        )
    return people


def _place(split: str, rng: Random) -> dict[str, str]:
    """Return the home, the hospital and the rest of the places, as written."""
    words = places(split)
    town, other = rng.choice(words["towns"]), rng.choice(words["towns"])
    house = f"{rng.randrange(1, 190)}{rng.choice(['', '', '', 'A'])}"
    flat = rng.choice(["", "", "", "Flat 2/1, ", "Flat 3, ", "Old Manse, "])
    return {
        "town": town["town"],
        "othertown": other["town"],
        "postcode": postcode(town["district"], rng),
        "address": f"{flat}{house} {rng.choice(words['streets'])}",
        "hospital": rng.choice(words["hospitals"]),
        "otherhospital": rng.choice(words["hospitals"]),
        "practice": rng.choice(words["practices"]),
        "board": rng.choice(words["boards"]),
        "home": rng.choice(words["homes"]),
        "domain": rng.choice(words["domains"]),
    }


def _own_numbers(split: str, exam: date, rng: Random) -> dict[str, str]:
    """Return numbers in the patterns of a split's own hospitals (`numbers` of places_SPLIT.yaml).

    In a pattern # is a digit, YY and YYYY are the year of the examination.
    """
    patterns: dict[str, list[str]] = places(split).get("numbers", {})
    numbers = {}
    for key, choices in patterns.items():
        pattern = rng.choice(choices).replace("YYYY", f"{exam:%Y}").replace("YY", f"{exam:%y}")
        numbers[key] = "".join(str(rng.randrange(10)) if c == "#" else c for c in pattern)
    return numbers


def _numbers(exam: date, born: date, sex: str, rng: Random) -> dict[str, str]:
    """Return the numbers that the record system holds, ungrouped."""
    accessions = [
        f"E{rng.randrange(10**7, 10**8)}",
        f"RAD-{exam:%y}-{rng.randrange(10**6):07d}",
        f"{rng.choice('ABNRX')}{rng.choice('ABHJ')}{exam:%y}{rng.randrange(10**6):06d}",
        f"{exam:%Y}{rng.randrange(10**7):08d}",
    ]
    hospital_numbers = [f"H{rng.randrange(10**6, 10**7)}", f"{rng.randrange(10**5, 10**6)}K"]
    return {
        "chi": chi_number(born, sex, rng),
        "nhs": nhs_number(rng),
        "accession": rng.choice(accessions),
        "hospno": rng.choice(hospital_numbers),
        "specimen": f"{rng.choice(['S', 'H', 'UB'])}{exam:%y}/{rng.randrange(10**4, 10**5)}",
        "serial": f"SN{rng.randrange(10**5, 10**6)}",
        "gmc": str(rng.randrange(4 * 10**6, 8 * 10**6)),
        "hcpc": f"RA{rng.randrange(30000, 99999)}",
        "bleep": str(rng.randrange(1100, 9899)),
        "uid": f"{_ROOT}.{rng.randrange(100, 999)}.{exam:%Y%m%d}.{rng.randrange(10**8)}",
        "extension": str(rng.randrange(20000, 79999)),
    }  # fmt: skip

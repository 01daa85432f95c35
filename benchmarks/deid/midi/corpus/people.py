"""Made-up people with valid numbers: CHI (Scotland) and NHS (England) with their check digits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Person:
    """One made-up patient; ``tokens`` are the texts that plants are written with."""

    number: int
    tokens: dict[str, str]
    kinds: dict[str, str]
    born: date
    examined: date


_KINDS = {
    "family": "name", "given": "name", "caret": "name", "spoken": "name", "comma": "name",
    "upper": "name", "initials": "name", "chi": "chi", "chi_spaced": "chi", "chi_dashed": "chi",
    "nhs": "nhs", "nhs_spaced": "nhs", "mrn": "record-number", "address": "address",
    "town": "address", "postcode": "address", "phone": "phone", "mobile": "phone",
    "email": "email", "born": "date", "born_slash": "date", "born_words": "date",
    "exam": "date", "exam_slash": "date", "exam_iso": "date", "hospital": "institution",
    "ward": "institution", "station": "station", "aet": "station", "serial": "device-serial",
    "doctor": "staff-name", "doctor_caret": "staff-name", "operator": "staff-name",
    "accession": "accession", "order": "accession", "mac": "device-serial",
}  # fmt: skip


@lru_cache(maxsize=1)
def _names() -> dict[str, list[str]]:
    text = Path(__file__).with_name("people.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def person(number: int, seed: int) -> Person:
    """The person of this number: the same for the same seed."""
    chance = random.Random(f"{seed}/person/{number}")
    names = _names()
    family, given = chance.choice(names["family"]), chance.choice(names["given"])
    doctor, operator = chance.choice(names["family"]), chance.choice(names["family"])
    title = chance.choice(names["given"])
    born = date(1931, 1, 1) + timedelta(days=chance.randrange(27000))
    exam = date(2009, 1, 1) + timedelta(days=chance.randrange(5000))
    chi, nhs = _chi(born, chance), _nhs(chance)
    hospital = chance.choice(names["hospital"])
    mac = "".join(chance.choice("0123456789abcdef") for _ in range(12))
    tokens = {
        "family": family, "given": given, "caret": f"{family}^{given}",
        "spoken": f"{given} {family}", "comma": f"{family}, {given}", "upper": family.upper(),
        "chi": chi, "chi_spaced": f"{chi[:6]} {chi[6:]}", "chi_dashed": f"{chi[:6]}-{chi[6:]}",
        "nhs": nhs, "nhs_spaced": f"{nhs[:3]} {nhs[3:6]} {nhs[6:]}",
        "mrn": f"H{chance.randrange(10**6, 10**7)}", "initials": f"{given[0]}{family[0]}",
        "address": f"{chance.randrange(2, 190)} {chance.choice(names['street'])}",
        "town": chance.choice(names["town"]),
        "postcode": f"PH{chance.randrange(1, 50)} {chance.randrange(1, 10)}QX",
        "phone": f"01632 960{chance.randrange(100, 1000)}",
        "mobile": f"07700 900{chance.randrange(100, 1000)}",
        "email": f"{given}.{family}@example.org".lower().replace(" ", "").replace("'", ""),
        "born": f"{born:%Y%m%d}", "born_slash": f"{born:%d/%m/%Y}",
        "born_words": f"{born.day} {born:%B %Y}",
        "exam": f"{exam:%Y%m%d}", "exam_slash": f"{exam:%d/%m/%Y}", "exam_iso": f"{exam:%Y-%m-%d}",
        "hospital": hospital, "ward": chance.choice(names["ward"]),
        "station": f"{hospital.split()[0].upper()[:8]}CT{chance.randrange(1, 9)}",
        "aet": f"{hospital.split()[0].upper()[:8]}_AE{chance.randrange(1, 9)}",
        "serial": f"SN{chance.randrange(10**5, 10**6)}",
        "doctor": f"Dr {doctor}", "doctor_caret": f"{doctor}^{title}^^Dr",
        "operator": f"{operator}^{chance.choice(names['given'])}",
        "accession": f"ACC{chance.randrange(10**6, 10**7)}",
        "order": f"ORD{chance.randrange(10**6, 10**7)}",
        "mac": ":".join(mac[at : at + 2] for at in range(0, 12, 2)),
    }  # fmt: skip
    return Person(number, tokens, _KINDS, born, exam)


def _chi(born: date, chance: random.Random) -> str:
    """A CHI number: birth date, three digits and one of modulus 11."""
    while True:
        nine = f"{born:%d%m%y}{chance.randrange(1000):03}"
        if (check := _check_digit(nine)) is not None:
            return nine + check


def _nhs(chance: random.Random) -> str:
    """An NHS number of the range 999, which is never issued."""
    while True:
        nine = f"999{chance.randrange(10**6):06}"
        if (check := _check_digit(nine)) is not None:
            return nine + check


def _check_digit(nine: str) -> str | None:
    rest = (
        11
        - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))
        % 11
    )
    return None if rest == 10 else str(rest % 11)

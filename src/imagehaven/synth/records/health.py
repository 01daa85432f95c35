"""Health tables about the patients: one function for each table of `health/`.

`COLUMNS` names the tables and their columns; `IDENTIFYING` says which of those identify, as rows
of `answer_key/columns.csv`.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from random import Random

from imagehaven.synth.chance import chance
from imagehaven.synth.people.population import NOW
from imagehaven.synth.plan import PatientPlan
from imagehaven.synth.vocabulary import table

Row = tuple[str, ...]

COLUMNS: dict[str, tuple[str, ...]] = {
    "patients": (
        "chi", "nhs_number", "family_name", "given_name", "former_name", "sex", "birth_date",
        "address", "town", "postcode", "phone", "mobile", "email", "death_date",
    ),
    "admissions": (
        "chi", "hospital", "admission_date", "discharge_date", "icd10_code", "description",
        "consultant",
    ),
    "prescriptions": ("chi", "prescribed_date", "bnf_code", "drug", "dose", "quantity"),
    "deaths": ("chi", "death_date", "icd10_underlying", "icd10_secondary"),
    "labs": ("chi", "sample_date", "loinc_code", "test", "value", "unit"),
    "smoking": ("chi", "recorded_date", "status", "cigarettes_per_day", "pack_years"),
    "genotypes": ("chi", "sample_id", "array", "collected_date", "file"),
}  # fmt: skip

IDENTIFYING: tuple[tuple[str, str, str], ...] = (
    *((name, "chi", "chi") for name in COLUMNS),
    ("patients", "nhs_number", "nhs"),
    *(("patients", name, "name") for name in ("family_name", "given_name", "former_name")),
    ("patients", "birth_date", "date"),
    *(("patients", name, "address") for name in ("address", "town")),
    ("patients", "postcode", "postcode"),
    *(("patients", name, "phone") for name in ("phone", "mobile")),
    ("patients", "email", "email"),
    ("patients", "death_date", "date"),
    ("admissions", "hospital", "institution"),
    ("admissions", "admission_date", "date"),
    ("admissions", "discharge_date", "date"),
    ("admissions", "consultant", "staff-name"),
    ("prescriptions", "prescribed_date", "date"),
    ("deaths", "death_date", "date"),
    ("labs", "sample_date", "date"),
    ("smoking", "recorded_date", "date"),
    ("genotypes", "sample_id", "number"),
    ("genotypes", "collected_date", "date"),
    ("genotypes", "file", "number"),
)


def health_rows(plan: PatientPlan) -> dict[str, list[Row]]:
    """Return the rows of every table for one patient; dates are ISO 8601."""
    rng = chance(plan.seed, "health", plan.person.index)
    return {
        "patients": [_patient(plan)],
        "admissions": _admissions(plan, rng),
        "prescriptions": _prescriptions(plan, rng),
        "deaths": _deaths(plan, rng),
        "labs": _labs(plan, rng),
        "smoking": _smoking(plan, rng),
        "genotypes": _genotypes(plan),
    }


def _patient(plan: PatientPlan) -> Row:
    person = plan.person
    return (
        person.chi, person.nhs, person.name.family, person.name.given, person.former_name,
        person.sex, f"{person.born}", person.address.line, person.address.town,
        person.address.postcode, person.phone, person.mobile, person.email, _day(person.died),
    )  # fmt: skip


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


@cache
def _by_key(name: str, key: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in table(name)}


def _last_day(plan: PatientPlan) -> date:
    return plan.person.died or NOW


def _admissions(plan: PatientPlan, rng: Random) -> list[Row]:
    codes = list(plan.pathway["diagnoses"])
    if rng.random() < 0.5:
        codes.append(rng.choice(["J18.9", "N39.0", "R07.4"]))
    rows = []
    first = plan.studies[0].when.date()
    for code in codes:
        start = min(first - timedelta(days=rng.randrange(1, 700)), _last_day(plan))
        end = min(start + timedelta(days=rng.randrange(0, 21)), _last_day(plan))
        study = rng.choice(plan.studies)
        rows.append(
            (
                plan.person.chi, study.hospital.key, _day(start), _day(end), code,
                _by_key("diagnoses.csv", "code")[code]["description"],
                f"Dr {study.referrer.family}",
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: row[2])


def _prescriptions(plan: PatientPlan, rng: Random) -> list[Row]:
    rows = []
    for key in plan.pathway["drugs"]:
        drug = _by_key("drugs.csv", "key")[key]
        day = plan.studies[0].when.date() - timedelta(days=rng.randrange(30, 400))
        for _ in range(rng.randrange(1, 6)):
            if day > _last_day(plan):
                break
            quantity = str(rng.choice([28, 56, 84]))
            rows.append(
                (plan.person.chi, _day(day), drug["bnf_code"], drug["name"], drug["dose"], quantity)
            )
            day += timedelta(days=rng.randrange(26, 60))
    return sorted(rows, key=lambda row: row[1])


def _deaths(plan: PatientPlan, rng: Random) -> list[Row]:
    if plan.person.died is None:
        return []
    causes = plan.pathway["diagnoses"]
    other = rng.choice(["J18.9", "I10", ""])
    return [(plan.person.chi, _day(plan.person.died), causes[0], other)]


def _labs(plan: PatientPlan, rng: Random) -> list[Row]:
    rows = []
    for key in plan.pathway["labs"]:
        test = _by_key("labs.csv", "key")[key]
        level = rng.uniform(float(test["low"]), float(test["high"]))
        for _ in range(rng.randrange(1, 4)):
            day = plan.studies[0].when.date() - timedelta(days=rng.randrange(0, 365))
            value = f"{level * rng.uniform(0.9, 1.1):.{int(test['places'])}f}"
            rows.append(
                (plan.person.chi, _day(day), test["loinc"], test["name"], value, test["unit"])
            )
    return sorted(rows, key=lambda row: row[1])


def _smoking(plan: PatientPlan, rng: Random) -> list[Row]:
    day = plan.studies[0].when.date() - timedelta(days=rng.randrange(30, 900))
    daily = 0 if plan.smoking == "never" else rng.choice([5, 10, 15, 20, 30])
    years = 0 if daily == 0 else max(1, plan.person.age(day) - 18 - rng.randrange(0, 10))
    pack_years = f"{daily / 20 * years:.1f}"
    now = "0" if plan.smoking == "former" else str(daily)
    return [(plan.person.chi, _day(day), plan.smoking, now, pack_years)]


def _genotypes(plan: PatientPlan) -> list[Row]:
    if not plan.sample:
        return []
    day = plan.studies[0].when.date() - timedelta(days=200 + plan.person.index % 90)
    file = f"genomes/vcf/{plan.sample}.vcf"
    return [(plan.person.chi, plan.sample, "GSA-24v3", _day(day), file)]

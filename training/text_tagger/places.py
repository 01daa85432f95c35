"""Invented names of hospitals, practices, boards, homes, employers and towns for training."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_HOSPITALS = (
    "{x} Hospital", "{x} Royal Infirmary", "Royal {x} Hospital", "{x} General Hospital",
    "{x} General", "St {x}'s Hospital", "St {x}'s", "Queen {x} University Hospital",
    "{x} District General Hospital", "{x} Community Hospital", "{x} Memorial Hospital",
    "{x} Cottage Hospital", "{x} Infirmary", "The {x} Clinic", "{x} Clinic", "Spire {x}",
    "Nuffield Health {x}", "{x} Treatment Centre", "{x} Diagnostic Centre", "{x} Hospice",
    "Hospital of St {x}", "{x} {y} Hospital", "{x} and {y} Hospital", "The {x}",
    "Royal Hospital for Children, {x}", "{x} Maternity Hospital", "Princess {x} Hospital",
    "{x} Park Hospital", "{x} University Hospital", "University Hospital {x}", "{x} Eye Hospital",
    "{x} Victoria Infirmary", "Lord {x} Hospital", "{x} Health Campus", "{x} Imaging Centre",
    "{x} Medical Center", "{x} Sick Children's Hospital", "{x} Orthopaedic Hospital", "{x} House",
    "Royal {x} Infirmary", "{x} Hill Hospital", "{x} Road Hospital", "New {x} Hospital",
    "Hospital of the {x}", "{x} Day Surgery Unit", "{x} Wing", "Ward {n}, {x} Hospital",
)  # fmt: skip
_ORGANISATIONS = (
    "{x} Medical Practice", "{x} Surgery", "The {x} Practice", "{x} Health Centre",
    "Drs {x} and {y}", "Drs {x}, {y} and {z}", "{x} & Partners", "{x} Family Practice",
    "{x} Road Surgery", "{x} Group Practice", "{x} Medical Centre", "{x} Medical Group",
    "{x} Care Home", "{x} House", "{x} Court", "{x} Lodge", "{x} Nursing Home",
    "St {x}'s Nursing Home", "{x} Residential Home", "{x} View", "{x} Grange", "{x} Manor",
    "{x} Sheltered Housing", "{x} Primary School", "{x} Academy", "{x} High School",
    "{x} Parish Church", "{x} & Sons", "{x} Ltd", "{x} Logistics", "{x} Engineering", "{x} Foods",
    "{x} and {y} Solicitors", "{x} LLP", "{x} plc", "NHS {x}", "NHS {x} and {y}",
    "{x} Health Board", "{x} NHS Trust", "{x} Healthcare NHS Foundation Trust",
    "{x} University Hospitals", "{x} Council", "{x} Pharmacy", "{x} Nursery", "{x} Farm",
    "{x} Brae Practice", "{x} Bank Surgery", "{x} Street Practice", "Old {x} Surgery",
    "{x} Clinic", "{x} Walk-in Centre", "{x} Extra Care", "{x} Homes", "{x} Housing", "The {x}",
    "{x} Physiotherapy", "{x} Rehabilitation Unit", "{x} Hospice", "HMP {x}", "{x} Barracks",
)  # fmt: skip
_TOWNS = (
    "{x}", "{x}", "{x}", "{x}", "{x}", "{x}", "East {x}", "{x}-on-{y}", "{x} upon {y}", "Port {x}",
    "{x} Bay", "Bridge of {x}", "Kirk{l}", "Inver{l}", "{x} Mains", "New {x}", "Isle of {x}",
    "{x}-by-the-Sea", "Loch{l}", "{x}ton", "{x}bury", "St {x}s", "Glen {x}", "Fort {x}",
)  # fmt: skip


def place_name(kind: str, name: Callable[[], str], rng: Random) -> str:
    """Return an invented name of a ``hospital``, an ``organisation`` or a ``place`` (a town)."""
    forms = {"hospital": _HOSPITALS, "organisation": _ORGANISATIONS, "place": _TOWNS}[kind]
    x = name()
    if rng.random() < 0.15 and kind != "place":
        x = f"{x} {name()}"
    if rng.random() < 0.08:
        x += rng.choice(("view", "brae", "field", "wood", "lea", "bank", "hill", "side"))
    form = rng.choice(forms)
    return form.format(x=x, y=name(), z=name(), l=name().lower(), n=rng.randrange(1, 40))

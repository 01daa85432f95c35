"""The hospitals, the scanners that stand in them and the people who work them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from imagehaven.synth.chance import chance, number
from imagehaven.synth.people.population import Name, fold
from imagehaven.synth.vocabulary import require, words


@dataclass(frozen=True)
class Scanner:
    """One machine. ``uid`` is its UID pattern over {serial}, {mac} and {stamp}."""

    modality: str
    manufacturer: str
    model: str
    software: str
    uid: str
    serial: str
    mac: int
    station: str

    def uid_at(self, when: datetime, *numbers: int) -> str:
        """Return a UID as this maker builds them, out of serial or MAC address and date."""
        stamp = f"{when:%Y%m%d%H%M%S}" + "".join(f".{part}" for part in numbers)
        return self.uid.format(serial=self.serial, mac=self.mac, stamp=stamp)


@dataclass(frozen=True)
class Hospital:
    """One hospital with its scanners by modality; OT is the workstation of the reading room."""

    key: str
    name: str
    department: str
    address: str
    postcode: str
    phone: str
    aet: str
    scanners: dict[str, Scanner]

    def scanner(self, modality: str) -> Scanner:
        """Return the machine for a modality, the workstation for one that has none."""
        return self.scanners.get(modality, self.scanners["OT"])


@dataclass(frozen=True)
class Staff:
    """Who works in one hospital's radiology, as ASCII names with a title."""

    doctors: tuple[Name, ...]
    radiographers: tuple[Name, ...]


@cache
def hospitals(seed: int) -> tuple[Hospital, ...]:
    """Return the estate; serial numbers and MAC addresses depend on the seed."""
    models = {
        entry["key"]: entry
        for entry in require(
            "scanners.yaml", ["key", "modality", "manufacturer", "model", "software", "uid"]
        )
    }
    estate = []
    fields = ("key", "name", "department", "address", "postcode", "phone", "aet")
    for entry in require("hospitals.yaml", [*fields, "scanners"]):
        scanners = {}
        for place, key in enumerate(entry["scanners"], start=1):
            model = models[key]
            scanners[model["modality"]] = Scanner(
                modality=model["modality"],
                manufacturer=model["manufacturer"],
                model=model["model"],
                software=model["software"],
                uid=model["uid"],
                serial=str(20000 + number(seed, "serial", entry["key"], key) % 70000),
                mac=number(seed, "mac", entry["key"], key, bits=46),
                station=f"{entry['aet'][:8]}{model['modality']}{place}",
            )
        estate.append(Hospital(**{name: entry[name] for name in fields}, scanners=scanners))
    return tuple(estate)


@cache
def staff_of(seed: int, hospital: str) -> Staff:
    """Return who works in a hospital."""
    rng = chance(seed, "staff", hospital)
    given = words("given_names.csv", "name")
    family = words("surnames.csv", "name")

    def someone(title: str) -> Name:
        return Name(fold(rng.choice(family)), fold(rng.choice(given)), title=title)

    return Staff(
        doctors=tuple(someone("Dr") for _ in range(12)),
        radiographers=tuple(someone("") for _ in range(8)),
    )


def estate_rows(seed: int) -> list[dict[str, str]]:
    """Return one row for each scanner, for the answer key."""
    return [
        {
            "hospital": hospital.key,
            "institution": hospital.name,
            "station": scanner.station,
            "modality": scanner.modality,
            "manufacturer": scanner.manufacturer,
            "model": scanner.model,
            "serial": scanner.serial,
            "mac": f"{scanner.mac:012x}",
        }
        for hospital in hospitals(seed)
        for scanner in hospital.scanners.values()
    ]

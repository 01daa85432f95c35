"""What a haven knows beyond the built-in rules: its devices, and values that must not stand.

Comes in: the haven's device rules (:func:`~imagehaven.deidentify.pixels.devices.with_files`) and
what reviewers marked to be redacted. Such values are removed from every instance as if each named
them itself, since nobody knows in whose files they stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from imagehaven.deidentify.pixels.devices import Devices, devices
from imagehaven.deidentify.text import KnownPeople

_NAMES: Final = frozenset({"person"})
_PLACES: Final = frozenset({"phrase"})


@dataclass(frozen=True)
class Taught:
    """What is known of devices, and whose names, numbers and phrases are never released."""

    devices: Devices = field(default_factory=devices)
    denied: KnownPeople = field(default_factory=KnownPeople)


def denied_values(items: Iterable[tuple[str, str]]) -> KnownPeople:
    """Return (kind, value) pairs as what is looked for.

    ``person`` is a name, ``phrase`` words that stand together; any other kind (id, date, uid) is
    looked for as it is written, spaces and punctuation apart.
    """
    names: list[str] = []
    places: list[str] = []
    identifiers: list[str] = []
    for kind, value in items:
        target = names if kind in _NAMES else places if kind in _PLACES else identifiers
        target.append(value)
    return KnownPeople.of(names, identifiers, places)

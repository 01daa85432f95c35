"""What a document is cleaned with: whom it names, the project's pseudonyms, the patient's shift."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from struct import pack
from types import MappingProxyType
from typing import Any, Final

from imagehaven.deidentify.elements import dates
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.text import KnownPeople, clean_text

PACKING: Final = MappingProxyType(
    {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
)
"""The format of one number by its VR, as :mod:`struct` writes it."""


@dataclass(frozen=True)
class Terms:
    """``options`` are the profile's columns of PS3.15 table E.1-1.

    ``shift`` is added to the dates of elements; None where the profile keeps none. Dates within
    text are always removed: in a moved one, nobody could tell a wrong reading.
    """

    known: KnownPeople
    pseudonyms: Pseudonyms
    shift: timedelta | None
    options: Collection[str]
    little: bool = True

    def cleaned(self, text: str) -> str:
        """Return a text without identifiers, in the default character set, ASCII."""
        cleaned = clean_text(text, self.known).text
        plain = unicodedata.normalize("NFKD", cleaned).encode("ascii", "ignore").decode()
        return "".join(one for one in plain if one.isprintable() or one in "\r\n\t").strip()

    def moved(self, text: str, vr: str) -> str | None:
        """Return a date, time or both of an element with the patient's shift; None if it goes."""
        if self.shift is None:
            return None
        if vr == "TM":
            return dates.keep_time(text)
        if vr == "DA":
            return dates.shift_date(text, self.shift)
        return dates.shift_datetime(text, self.shift)

    def names(self, text: str) -> bool:
        """Tell whether a text holds an identifier of the people whom the document names."""
        return any(one.detector == "known" for one in clean_text(text, self.known).removed)

    def packed(self, vr: str, values: Iterable[Any]) -> bytes:
        """Return numbers as the bytes of their VR."""
        numbers = list(values)
        return pack(f"{'<' if self.little else '>'}{len(numbers)}{PACKING[vr]}", *numbers)

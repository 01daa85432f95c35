"""The people, places and numbers that are known for an object, from its elements or from a list.

They are what is looked for first in free text: no rule is as sure as knowing whom a text is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pydicom
from pydicom.dataelem import DataElement

from imagehaven.deidentify.text.data_files import table
from imagehaven.deidentify.text.words import fold, letters_only

if TYPE_CHECKING:
    from imagehaven.deidentify.text.detect.known_search import KnownSearch

_NAME_PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SHORTEST_ID: Final = 4
_TITLES: Final = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lady", "lord",
     "rev", "sister", "nurse", "staff", "md", "phd", "frcr", "mbchb", "mbbs", "mrcp", "frcs", "jr",
     "sr", "ii", "iii")
)  # fmt: skip
_EMPTY: Final = frozenset(
    ("", "anonymous", "anonymized", "anonymised", "unknown", "none", "na", "nil", "null", "test",
     "patient", "anon", "notgiven", "removed", "deidentified", "operator", "physician", "doctor")
)  # fmt: skip


@dataclass(frozen=True)
class KnownPeople:
    """Names as their parts (``("smith", "john")``, folded), identifiers and places as written.

    Picklable; two of them merge with ``|``. It never shows its content.
    """

    names: frozenset[tuple[str, ...]] = field(default_factory=frozenset, repr=False)
    identifiers: frozenset[str] = field(default_factory=frozenset, repr=False)
    places: frozenset[str] = field(default_factory=frozenset, repr=False)

    @classmethod
    def of(
        cls,
        names: Iterable[str] = (),
        identifiers: Iterable[str] = (),
        places: Iterable[str] = (),
    ) -> KnownPeople:
        """Build from plain values: names in any order or DICOM's form (PS3.5 6.2.1), and so on.

        What stands for an absent value (``UNKNOWN``, ``N/A``) is left out.
        """
        parts = (name_parts(group) for name in names for group in name.split("="))
        return cls(
            frozenset(part for part in parts if part),
            frozenset(text for text in map(_stripped, identifiers) if _is_identifier(text)),
            frozenset(text for text in map(_stripped, places) if len(letters_only(text)) > 2),
        )

    def __or__(self, other: KnownPeople) -> KnownPeople:
        """Return what both know."""
        return KnownPeople(
            self.names | other.names,
            self.identifiers | other.identifiers,
            self.places | other.places,
        )

    @cached_property
    def search(self) -> KnownSearch:
        """Return the compiled search, made once for each object."""
        from imagehaven.deidentify.text.detect.known_search import KnownSearch

        return KnownSearch(self)

    def __getstate__(self) -> dict[str, Any]:
        """Travel between processes without the compiled search."""
        return {"names": self.names, "identifiers": self.identifiers, "places": self.places}


def known_people(dataset: pydicom.Dataset) -> KnownPeople:
    """Return the people, identifiers and places that stand in ``dataset``, at every depth.

    Every person name (VR PN) counts; other elements by ``data/known_elements.csv``. A value that
    cannot be decoded is passed over: it cannot be looked for.
    """
    kinds = _kinds()
    names: list[str] = []
    found: dict[str, list[str]] = {"identifier": [], "place": []}
    for element in _elements(dataset):
        kind = kinds.get(element.keyword)
        if element.VR == "PN" or kind == "name":
            names += _texts(element)
        elif kind:
            found[kind] += _texts(element)
    return KnownPeople.of(names, found["identifier"], found["place"])


def name_parts(name: str) -> tuple[str, ...]:
    """Return the folded parts of a person's name, without titles and degrees."""
    parts = (fold(part) for part in _NAME_PART.findall(name))
    kept = tuple(part for part in parts if part and part not in _TITLES)
    return () if "".join(kept) in _EMPTY else kept


def _elements(dataset: pydicom.Dataset) -> Iterator[DataElement]:
    for tag in dataset.keys():  # noqa: SIM118 - iterating a data set decodes every value
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value:
                    yield from _elements(item)
            else:
                yield element
        except (ValueError, TypeError, NotImplementedError, LookupError, AttributeError):
            continue


def _texts(element: DataElement) -> list[str]:
    value = element.value
    values = value if element.VM > 1 else [value]
    return [str(item) for item in values if item is not None]


def _kinds() -> dict[str, str]:
    return {row["keyword"]: row["kind"] for row in table("known_elements.csv")}


def _stripped(text: str) -> str:
    return text.strip(" \0\t\r\n")


def _is_identifier(text: str) -> bool:
    squeezed = re.sub(r"[\W_]+", "", text)
    return len(squeezed) >= _SHORTEST_ID and fold(squeezed) not in _EMPTY

"""The identifiers that are known for one patient, taken from what the source instance held.

``known_identifiers`` reads the stored elements of a source instance (the shape of the DICOM JSON
Model, PS3.18 Annex F) by the list in ``known_sources.yaml``. It knows nothing of what the
de-identifier did or decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Final

from pydicom.datadict import keyword_for_tag

from imagehaven.errors import UserError
from imagehaven.verify.detect.checksums import is_chi, is_nhs_number
from imagehaven.verify.detect.dates import dicom_date
from imagehaven.verify.detect.text import squeeze
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.known_sources import Source, known_sources
from imagehaven.verify.known.matcher import Matcher, PatientMatcher

_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b", re.I)
_WELL_KNOWN_UIDS: Final = "1.2.840.10008."
_SHORTEST_UID: Final = 8
_MAKES: Final = frozenset({"Manufacturer", "ManufacturerModelName", "Modality"})


@dataclass(frozen=True)
class KnownIdentifiers:
    """Every identifier known for one patient. Picklable; the compiled search is made on demand."""

    items: frozenset[Identifier] = field(default_factory=frozenset, repr=False)
    history: KnownIdentifiers | None = field(default=None, compare=False, repr=False)

    def without(self, *groups: str) -> KnownIdentifiers:
        """Return the identifiers less the groups that a project may keep (``"device"``).

        Raises:
            UserError: a group does not exist.
        """
        unknown = set(groups) - known_sources().groups
        if unknown:
            raise UserError(
                f"No group of identifiers is called {', '.join(sorted(unknown))}; "
                f"choose from {', '.join(sorted(known_sources().groups))}"
            )
        return KnownIdentifiers(frozenset(i for i in self.items if i.group not in groups))

    def with_history(self, others: Iterable[KnownIdentifiers]) -> KnownIdentifiers:
        """Return these identifiers and those of the patient's other instances.

        A date of another instance is then looked for in free text, but not at the same element:
        there a shifted date may equal it by accident.
        """
        given = list(others)
        if len(given) == 1 and given[0]._is_placeless:
            history = given[0]  # the same for all files of a patient: it is compiled once
        else:
            history = KnownIdentifiers(_anywhere(i for other in given for i in other.items))
        missing = _anywhere(self.items) - history.items
        if missing:
            history = KnownIdentifiers(history.items | missing)
        return KnownIdentifiers(self.items | history.items, history)

    def __or__(self, other: KnownIdentifiers) -> KnownIdentifiers:
        """Return the identifiers of both."""
        if other.items <= self.items:
            return self
        return KnownIdentifiers(self.items | other.items)

    @cached_property
    def _is_placeless(self) -> bool:
        return all(not item.path for item in self.items)

    @cached_property
    def matcher(self) -> Matcher | PatientMatcher:
        """Return the compiled search for these identifiers."""
        if self.history is None:
            return Matcher(self.items)
        own = (item for item in self.items if item.path)
        return PatientMatcher(own, self.history._compiled)

    @cached_property
    def _compiled(self) -> Matcher:
        return Matcher(self.items)

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """Whatever a check keeps from file to file for as long as these are known."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """Travel between processes without the compiled search."""
        return {"items": self.items, "history": self.history}

    def __len__(self) -> int:
        return len(self.items)


def _anywhere(items: Iterable[Identifier]) -> frozenset[Identifier]:
    """Return the identifiers without the places where they stood."""
    return frozenset(map(_without_place, items))


@lru_cache(maxsize=16384)
def _without_place(item: Identifier) -> Identifier:
    return item._replace(path="")


def known_identifiers(
    elements: dict[str, Any], meta: dict[str, Any] | None = None
) -> KnownIdentifiers:
    """Return the identifiers that a source instance holds, at every depth.

    Args:
        elements: the instance's elements by 8-digit upper-case tag, as in the DICOM JSON Model:
            ``{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "..."}]}}``.
        meta: the elements of its file meta information (PS3.10 7.1), in the same shape.

    Raises:
        UserError: ``elements`` has not that shape.
    """
    found: set[Identifier] = set()
    makes: set[str] = set()
    try:
        for path, keyword, vr, value in chain(
            _values(elements, ""), _values(meta or {}, "file-meta")
        ):
            found.update(_identifiers(path, keyword, vr, value))
            if keyword in _MAKES:
                makes.add(squeeze(value))
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            "These elements are not in the shape of the DICOM JSON Model (PS3.18 Annex F); "
            "pass what the catalogue stores for the source instance"
        ) from error
    # A scanner that is called by its model is not named by it.
    return KnownIdentifiers(
        frozenset(i for i in found if i.group != "device" or squeeze(i.text) not in makes)
    )


def _values(elements: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (path without item numbers, keyword, VR, text) of every text that can tell anything."""
    for tag, element in elements.items():
        vr = element.get("vr", "UN")
        path, keyword, tells = _place(prefix, tag, vr)
        for value in (element.get("Value") or ()) if tells else ():
            if vr == "SQ":
                yield from _values(value or {}, path)
            elif isinstance(value, dict):
                for text in value.values():
                    yield path, keyword, vr, str(text)
            elif value is not None:
                yield path, keyword, vr, str(value)


@lru_cache(maxsize=65536)
def _place(prefix: str, tag: str, vr: str) -> tuple[str, str, bool]:
    """Return an element's path and keyword, and whether its values can tell anything."""
    keyword = keyword_for_tag(int(tag, 16)) or f"({tag[:4]},{tag[4:]})".lower()
    tells = keyword in _MAKES or known_sources().source_of(keyword, vr) is not None
    return f"{prefix}.{keyword}" if prefix else keyword, keyword, tells or vr == "SQ"


@lru_cache(maxsize=16384)
def _identifiers(path: str, keyword: str, vr: str, value: str) -> tuple[Identifier, ...]:
    return tuple(identifiers_of(path, keyword, vr, value))


def identifiers_of(path: str, keyword: str, vr: str, value: str) -> Iterator[Identifier]:
    """Yield what one value of a source instance makes known (nothing for most elements)."""
    sources = known_sources()
    source = sources.source_of(keyword, vr)
    text = value.strip(" \0\t\r\n")
    if source is None or not text or sources.is_placeholder(text):
        return
    yield from _BY_KIND[source.kind](text, path, source)


def _person(text: str, path: str, source: Source) -> Iterator[Identifier]:
    for group in text.split("="):
        if not known_sources().is_placeholder(group):
            yield Identifier("person", group, source.value_class, source.group, path)


def _id(text: str, path: str, source: Source) -> Iterator[Identifier]:
    digits = re.sub(r"[\s-]", "", text)
    value_class = source.value_class
    if is_chi(digits):
        value_class = "chi"
    elif is_nhs_number(digits):
        value_class = "nhs"
    yield Identifier("id", text, value_class, source.group, path)


def _phrase(text: str, path: str, source: Source) -> Iterator[Identifier]:
    for match in _POSTCODE.finditer(text):
        yield Identifier("id", match.group(), "postcode", source.group, path)
    for line in re.split(r"[,;\r\n^\\]+", text):
        if not known_sources().is_placeholder(line):
            yield Identifier("phrase", line.strip(), source.value_class, source.group, path)


def _phone(text: str, path: str, source: Source) -> Iterator[Identifier]:
    if "@" in text:
        yield Identifier("phrase", text, "email", source.group, path)
        return
    digits = re.sub(r"\D", "", text)
    yield Identifier("id", digits, source.value_class, source.group, path)
    if digits.startswith("44"):
        yield Identifier("id", "0" + digits[2:].lstrip("0"), source.value_class, source.group, path)


def _uid(text: str, path: str, source: Source) -> Iterator[Identifier]:
    if not text.startswith(_WELL_KNOWN_UIDS) and len(text) >= _SHORTEST_UID:
        yield Identifier("uid", text, source.value_class, source.group, path)


def _date(text: str, path: str, source: Source) -> Iterator[Identifier]:
    for part in text.split("\\"):
        day = dicom_date(part)
        if day and not known_sources().is_placeholder(day):
            yield Identifier("date", day, source.value_class, source.group, path)


_BY_KIND = {
    "person": _person,
    "id": _id,
    "phrase": _phrase,
    "phone": _phone,
    "uid": _uid,
    "date": _date,
}

"""What a DICOM file says about its own patient, for a check without any other knowledge.

Elements that hold an identifier by their nature are findings when they hold one, and what they
hold is then looked for in the rest of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from pydicom import Dataset

from imagehaven.verify.detect.text import squeeze
from imagehaven.verify.findings import Finding
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers, identifiers_of
from imagehaven.verify.known.known_sources import known_sources
from imagehaven.verify.read.elements import Value, values
from imagehaven.verify.scan import AllowedValues, Scanner

_ANONYMISED_STARTS: Final = ("anon", "deid", "pseudo", "redact", "remov", "unknown", "xxx")


@dataclass(frozen=True)
class OwnIdentifiers:
    """The identifiers of one file: what they are, and the values where they stand."""

    known: KnownIdentifiers
    stands: tuple[tuple[Value, Identifier], ...]

    @property
    def locations(self) -> frozenset[str]:
        """Return the places that are reported by themselves."""
        return frozenset(value.location for value, _ in self.stands)

    @classmethod
    def of(cls, dataset: Dataset) -> OwnIdentifiers:
        """Collect the identifiers of a data set at every depth.

        Raises:
            Exception: whatever pydicom raises on items that it cannot read.
        """
        pseudonym, raw = _pseudonym(dataset), not _declares_removal(dataset)
        stands = []
        file_meta = values(dataset.file_meta, "file-meta", "file-meta")
        for value in chain(file_meta, values(dataset)):
            source = known_sources().by_keyword.get(value.keyword)
            # What a de-identified file may hold a pseudonym of is an identifier in any other.
            suspect = by_nature(value) or (raw and source is not None)
            if not suspect or _looks_anonymised(value, pseudonym):
                continue
            for item in identifiers_of("", value.keyword, value.vr, value.text):
                stands.append((value, item))
        return cls(KnownIdentifiers(frozenset(item for _, item in stands)), tuple(stands))

    def findings(self, scanner: Scanner) -> Iterator[Finding]:
        """Yield one finding for every identifier that stands in an identifying element."""
        for value, item in self.stands:
            yield stands_there(scanner, value, item)


def stands_there(scanner: Scanner, value: Value, item: Identifier) -> Finding:
    """Return the finding that an identifying element holds an identifier."""
    span = (0, len(value.text))
    return scanner.finding(
        value.location,
        item.value_class,
        "identifying-element",
        value.text,
        span,
        detector="element",
    )


def unexpected(value: Value, allowed: AllowedValues | None) -> Identifier | None:
    """Return what an identifying element holds that the project did not write there.

    It need not be this patient's: a stranger's name in OperatorsName is nobody's pseudonym.
    """
    if allowed is None or not by_nature(value) or value.text.strip(" \0") in allowed.values:
        return None
    found = identifiers_of("", value.keyword, value.vr, value.text)
    return next((i for i in found if not (i.kind == "date" and i.text in allowed.dates)), None)


def by_nature(value: Value) -> bool:
    """Tell whether an element holds an identifier by its nature, or nothing."""
    source = known_sources().source_of(value.keyword, value.vr)
    return source is not None and (source.identifying or value.vr == "PN")


def _pseudonym(dataset: Dataset) -> str:
    """Return the patient ID where the file says that it is a pseudonym (PS3.15 E.1.1)."""
    return squeeze(str(dataset.get("PatientID", ""))) if _declares_removal(dataset) else ""


def _declares_removal(dataset: Dataset) -> bool:
    return str(dataset.get("PatientIdentityRemoved", "")).strip().upper() == "YES"


def _looks_anonymised(value: Value, pseudonym: str) -> bool:
    """Tell whether a value says that it stands for nobody.

    A file that declares its identity removed may carry one pseudonym, as patient ID and as name;
    the rules still look at it. Nothing else in the file is believed.
    """
    plain = squeeze(value.text)
    if plain.startswith(_ANONYMISED_STARTS) or (plain and not plain.strip("x0")):
        return True
    if value.keyword in ("PatientID", "PatientName") and pseudonym:
        return plain == pseudonym
    return bool(pseudonym) and value.keyword == "PatientBirthDate" and plain.endswith("0101")

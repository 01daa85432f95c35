"""The verb for reports outside DICOM: text files in, text files without identifiers out."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from imagehaven.actions import action
from imagehaven.deidentify.mapping import write_mapping
from imagehaven.deidentify.pseudonyms import Pseudonyms, read_key
from imagehaven.deidentify.text.clean import CleanedText, clean_text
from imagehaven.deidentify.text.known import KnownPeople
from imagehaven.deidentify.text.surrogates import Surrogates
from imagehaven.engine import Progress, quiet
from imagehaven.errors import Quarantine, UserError

_LARGEST: Final = 16 << 20
_COLUMNS: Final = ("file", "patient_id", "names", "identifiers", "places")


@dataclass(frozen=True)
class UncleanedReport:
    """A file that was not written, and why."""

    source: str
    reason: str
    detail: str


@dataclass
class ReportsSummary:
    """What became of every file; ``found`` is the sum of ``cleaned`` and ``quarantined``.

    ``removed`` counts what was removed by its kind, ``detectors`` by what found it first.
    """

    found: int = 0
    cleaned: int = 0
    quarantined: list[UncleanedReport] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    detectors: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """Return the counts, and each file that was not written with its reason."""
        return {
            "found": self.found,
            "cleaned": self.cleaned,
            "removed": dict(sorted(self.removed.items())),
            "detectors": dict(sorted(self.detectors.items())),
            "quarantined": [asdict(entry) for entry in self.quarantined],
        }


@dataclass(frozen=True)
class _About:
    """What a list of known people says of one file."""

    known: KnownPeople
    patient: str


@action("deidentify-reports", permission="anyone", event=None)
def deidentify_reports(
    source: Path,
    destination: Path,
    *,
    key: Path,
    known: Path | None = None,
    surrogates: bool = False,
    mapping: Path | None = None,
    progress: Progress | None = None,
    check: bool = False,
) -> ReportsSummary:
    """Remove identifiers from a text file, or from every ``.txt`` file below a folder.

    Each is written to ``destination`` under a pseudonym, since a file's name may identify too.
    ``known`` is a CSV ``file,patient_id,names,identifiers,places`` (several values with ``;``, a
    file of ``*`` or none: all files); a file with a ``patient_id`` has its dates moved by that
    patient's days, as its images have. ``surrogates`` writes invented values for names and numbers
    instead of labels. ``mapping`` is written as CSV ``kind,original,pseudonym``. With ``check``
    nothing is written. Raises :class:`UserError` for a wrong path, key or list.
    """
    source, destination = Path(source), Path(destination)
    _check_places(source, destination, mapping)
    secret = read_key(key)
    pseudonyms = Pseudonyms(secret)
    invented = Surrogates(secret) if surrogates else None
    people = _read_known(known) if known else {}
    tell = progress or quiet
    result = ReportsSummary()
    pairs: set[tuple[str, str, str]] = set()
    if not check:
        _make_folder(destination)
    for path in _reports(source):
        result.found += 1
        name = path.relative_to(source).as_posix() if path != source else path.name
        about = _about(people, name)
        days = pseudonyms.date_shift(about.patient).days if about.patient else None
        try:
            cleaned = clean_text(_read(path), about.known, days=days, surrogates=invented)
        except Quarantine as outcome:
            entry = UncleanedReport(str(path), outcome.reason, outcome.detail)
            result.quarantined.append(entry)
            continue
        pseudonym = pseudonyms.identifier("Report", name)
        pairs.add(("Report", name, pseudonym))
        if not check:
            _write(destination / f"{pseudonym}.txt", cleaned)
        result.cleaned += 1
        result.removed.update(one.kind for one in cleaned.removed)
        result.detectors.update(one.detector.split("/")[0] for one in cleaned.removed)
        tell("reports de-identified", result.found, None)
    if mapping is not None and not check:
        write_mapping(mapping, pairs)
    return result


def _reports(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    yield from sorted(path for path in source.rglob("*.txt") if path.is_file())


def _read(path: Path) -> str:
    """Return a file's text: UTF-16 or UTF-8 by its mark, else UTF-8, else Windows-1252."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Quarantine("value-too-large", f"a report has at most {_LARGEST >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise Quarantine("unreadable", f"the system reports {error.strerror}") from error
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        if b"\0" in content:
            raise Quarantine("unreadable", "this is no text: it has NUL bytes")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _write(path: Path, cleaned: CleanedText) -> None:
    """Write a report whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(cleaned.text, encoding="utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path.parent} cannot be written: {error.strerror}.") from error


def _read_known(path: Path) -> dict[str, _About]:
    """Read the list of known people; rows of one file are taken together."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV file in UTF-8.") from error
    people: dict[str, _About] = {}
    for line, row in enumerate(rows, 2):
        if None in row or not set(row) <= set(_COLUMNS):
            raise UserError(f"{path}:{line}: the columns of this list are {', '.join(_COLUMNS)}.")
        name = (row.get("file") or "*").strip()
        patient = (row.get("patient_id") or "").strip()
        known = KnownPeople.of(
            _values(row, "names"), [*_values(row, "identifiers"), patient], _values(row, "places")
        )
        before = people.get(name, _About(KnownPeople(), ""))
        if patient and before.patient and patient != before.patient:
            raise UserError(f"{path}:{line}: this file has two patients in the list.")
        people[name] = _About(before.known | known, patient or before.patient)
    return people


def _values(row: dict[str, str], column: str) -> list[str]:
    return [value for value in (row.get(column) or "").split(";") if value.strip()]


def _about(people: dict[str, _About], name: str) -> _About:
    """Return what is known of a file, and of all."""
    own = people.get(name, _About(KnownPeople(), ""))
    everybody = people.get("*", _About(KnownPeople(), ""))
    return _About(own.known | everybody.known, own.patient or everybody.patient)


def _check_places(source: Path, destination: Path, mapping: Path | None) -> None:
    """Refuse to write where the originals are, and a mapping among what is given away."""
    real, target = source.resolve(), destination.resolve()
    if not source.exists():
        raise UserError(f"{source} does not exist: give a text file or a folder of them.")
    if target == real or real in target.parents or target in real.parents:
        raise UserError(f"{destination} and {source} overlap: choose a destination elsewhere.")
    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is no folder: choose a new or existing folder.")
    if mapping is not None and target in mapping.resolve().parents:
        raise UserError(
            f"{mapping} would lie among the cleaned reports, where it would undo them: choose a "
            "place outside the destination."
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}.") from error

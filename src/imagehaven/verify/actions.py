"""The verb of this room that people call by itself; a release calls ``verify_file``."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imagehaven.acquire import Problem, Source, open_sources, walk
from imagehaven.actions import action
from imagehaven.errors import Quarantine, UserError
from imagehaven.haven import Haven
from imagehaven.verify.decided import Decided
from imagehaven.verify.detect.rules import Rules, load_rules, parse_layers, read_layer
from imagehaven.verify.dicom_file import verify_bytes
from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.other_file import scan_other
from imagehaven.verify.review.record import record
from imagehaven.verify.review.taught import decided_of, rules_of
from imagehaven.verify.scan import Scanner, distinct
from imagehaven.verify.tables.lake import scan_lake
from imagehaven.verify.tables.postgresql import is_postgresql, place, scan_postgresql

Progress = Callable[[int], None]
_LAKE = "lake:"


@dataclass(frozen=True)
class _Asked:
    """What every file of a scan is looked at with."""

    rules: Rules
    known: KnownIdentifiers | None
    decided: Decided
    with_values: bool
    hits: dict[str, int]

    def scanner(self, name: str) -> Scanner:
        return Scanner(
            name, self.rules, self.known, with_values=self.with_values, decided=self.decided
        )

    def count(self, scanner: Scanner) -> None:
        """Add what the waivers took away in one file."""
        for waiver, count in scanner.waived.items():
            self.hits[waiver] = self.hits.get(waiver, 0) + count


@action("identifiable", permission="anyone", event=None)
def identifiable(
    path: Path | str | None = None,
    *,
    table: str | None = None,
    rules: Path | Sequence[Path] | Rules | None = None,
    known: KnownIdentifiers | None = None,
    haven: Haven | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> list[Finding]:
    """Return what looks like somebody's identifier in files, or in a table.

    DICOM files are read element by element, CSV and Parquet cell by cell, JSON value by value,
    other text line by line; archives are opened. What cannot be checked is a finding of the rule
    ``could-not-check``. Findings hold no values.

    Args:
        path: a file or folder (walked to every depth, with its names), the URL of a PostgreSQL
            database, ``lake:TABLE``, or nothing for a ``table`` of the haven's lake.
        table: a table or view of the lake or the database, ``SCHEMA.TABLE`` or ``TABLE``.
        rules: rules files to lay over the built-in rules (and over the haven's), or rules that are
            loaded already.
        known: the identifiers of one patient. Without them every DICOM file is asked for its own:
            an element such as PatientName that is filled is a finding, and its value is looked
            for in the rest of the file.
        haven: whose rules, reviewers' decisions and lake are used.
        keep: keep the findings, with their values encrypted, in the haven's ledger for review.
        progress: called with the number of files done so far, after each.

    Raises:
        UserError: the path or table does not exist, the rules are wrong, or a haven is wanted.
        TransientError: a store does not answer.
    """
    if haven is None and keep:
        raise UserError("Findings are kept in a haven: name one with -C HAVEN.")
    asked = _Asked(
        _rules(rules, haven),
        known,
        decided_of(haven) if haven else Decided(),
        with_values=keep,
        hits={},
    )
    found: list[Finding] = []
    for done, findings in enumerate(_parts(path, table, haven, asked), start=1):
        found.extend(findings)
        if progress:
            progress(done)
    if haven and keep:
        record(haven, found, asked.rules, asked.hits)
    return [finding.without_values() for finding in found]


def _rules(rules: Path | Sequence[Path] | Rules | None, haven: Haven | None) -> Rules:
    if isinstance(rules, Rules):
        return rules
    base = rules_of(haven) if haven else load_rules()
    own = [rules] if isinstance(rules, Path) else list(rules or ())
    return parse_layers((*base.layers, *map(read_layer, own))) if own else base


def _parts(
    path: Path | str | None, table: str | None, haven: Haven | None, asked: _Asked
) -> Iterator[list[Finding]]:
    """Yield the findings of each file, or of the one table."""
    source = str(path) if path is not None else ""
    if is_postgresql(source):
        scanner = asked.scanner(f"{place(source)} {table or ''}".strip())
        yield distinct(scan_postgresql(source, table, scanner))
        asked.count(scanner)
    elif table or source.startswith(_LAKE):
        if source and not source.startswith(_LAKE):
            raise UserError("--table goes with a haven's lake or a postgresql:// URL, not a path.")
        if haven is None:
            raise UserError("The lake is a haven's: name one with -C HAVEN.")
        name = table or source.removeprefix(_LAKE)
        scanner = asked.scanner(_LAKE + name)
        yield distinct(scan_lake(haven, name, scanner))
        asked.count(scanner)
    elif not source:
        raise UserError("Name a file, a folder, a postgresql:// URL, or a --table of the lake.")
    else:
        yield from _files(Path(source), asked)


def _files(path: Path, asked: _Asked) -> Iterator[list[Finding]]:
    base = path.resolve() if path.is_dir() else path.resolve().parent
    problems: list[Problem] = []
    for source, stream in open_sources(_sources(path, problems)):
        name = source.location.removeprefix(f"{base}/")
        if isinstance(stream, Quarantine):
            yield [could_not_check(name, "file", stream.reason)]
        else:
            scanner = asked.scanner(name)
            yield _findings(stream, source, name, scanner)
            asked.count(scanner)
    for problem in problems:
        name = problem.location.removeprefix(f"{base}/")
        yield [could_not_check(name, "file", problem.reason)]


def _sources(path: Path, problems: list[Problem]) -> Iterator[Source]:
    for item in walk([path]):
        if isinstance(item, Problem):
            problems.append(item)
        else:
            yield item


def _findings(stream: BinaryIO, source: Source, name: str, scanner: Scanner) -> list[Finding]:
    standalone = scanner.known is None
    if standalone and len(scanner.decided.denied):
        scanner.known = scanner.decided.denied
    found = list(scanner.scan(name, Context.FILE_NAME, "file-name"))
    if source.size == 0:
        return found
    try:
        stream.seek(128)
        is_dicom = stream.read(4) == b"DICM"
        stream.seek(0)
        if is_dicom:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found += verify_bytes(data, name, scanner, standalone=standalone)
        else:
            found += scan_other(stream, name, source.size, scanner)
    except (OSError, ValueError) as error:
        found.append(could_not_check(name, "file", type(error).__name__))
    return distinct(found)

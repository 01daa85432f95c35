"""The verb of this room that people call by itself; a release calls ``verify_file``."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from imagehaven.acquire import Problem, Source, open_sources, walk
from imagehaven.actions import action
from imagehaven.errors import Quarantine
from imagehaven.verify.detect.rules import Rules, load_rules
from imagehaven.verify.dicom_file import verify_bytes
from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.other_file import scan_other
from imagehaven.verify.scan import Scanner, distinct

Progress = Callable[[int], None]


@action("identifiable", permission="anyone", event=None)
def identifiable(
    path: Path,
    *,
    rules: Path | Rules | None = None,
    known: KnownIdentifiers | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Return what looks like somebody's identifier in a file, a folder or an archive.

    DICOM files are read element by element, CSV and Parquet cell by cell, JSON value by value,
    other text line by line; archives are opened. What cannot be checked is a finding of the rule
    ``could-not-check``. Findings hold no values.

    Args:
        path: a file or folder; folders are walked to every depth, with their names.
        rules: a rules file, or rules that are loaded already; the built-in ones by default.
        known: the identifiers of one patient. Without them every DICOM file is asked for its own:
            an element such as PatientName that is filled is a finding, and its value is looked
            for in the rest of the file.
        progress: called with the number of files done so far, after each.

    Raises:
        UserError: the path does not exist, or the rules are wrong.
    """
    chosen = rules if isinstance(rules, Rules) else load_rules(rules)
    base = path.resolve() if path.is_dir() else path.resolve().parent
    found: list[Finding] = []
    for done, findings in enumerate(_files(path, base, chosen, known), start=1):
        found.extend(findings)
        if progress:
            progress(done)
    return found


def _files(
    path: Path, base: Path, rules: Rules, known: KnownIdentifiers | None
) -> Iterator[list[Finding]]:
    problems: list[Problem] = []
    for source, stream in open_sources(_sources(path, problems)):
        name = source.location.removeprefix(f"{base}/")
        if isinstance(stream, Quarantine):
            yield [could_not_check(name, "file", stream.reason)]
        else:
            yield _findings(stream, source, name, Scanner(name, rules, known))
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
    found = list(scanner.scan(name, Context.FILE_NAME, "file-name"))
    if source.size == 0:
        return found
    try:
        stream.seek(128)
        is_dicom = stream.read(4) == b"DICM"
        stream.seek(0)
        if is_dicom:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found += verify_bytes(data, name, scanner, standalone=scanner.known is None)
        else:
            found += scan_other(stream, name, source.size, scanner)
    except (OSError, ValueError) as error:
        found.append(could_not_check(name, "file", type(error).__name__))
    return distinct(found)

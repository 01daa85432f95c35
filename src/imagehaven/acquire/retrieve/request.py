"""What a person asks for: days and modalities, a list, or what a query on the catalogue gives."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from imagehaven.acquire.retrieve.asking import Part, parts_of
from imagehaven.errors import UserError
from imagehaven.haven import Haven

#: What a list may name a study by.
KEYWORDS: Final = ("StudyInstanceUID", "AccessionNumber")

_UID: Final = re.compile(r"(?=.{1,64}\Z)[0-9]+(\.[0-9]+)+")
#: An asterisk, a question mark or a backslash would match more than one number.
_ACCESSION: Final = re.compile(r"(?! )[ -~]{1,64}(?<! )")
_WILD: Final = re.compile(r"[*?\\]")
_MODALITY: Final = re.compile(r"[A-Z0-9_ ]{1,16}")


@dataclass(frozen=True)
class Request:
    """One request. ``asked`` describes it for the ledger, without any value of a list."""

    source: str
    parts: tuple[Part, ...]
    #: Lines of the list that name no study, as they stand there.
    refused: tuple[int, ...]
    asked: dict[str, Any]


def by_days(source: str, first: date, last: date, modalities: Iterable[str] = ()) -> Request:
    """Every study of these days, both included; raises UserError for what is no range."""
    chosen = tuple(dict.fromkeys(modalities))
    for modality in chosen:
        if not _MODALITY.fullmatch(modality):
            raise UserError(
                f"{modality!r} is no modality: DICOM writes them in capitals, such as CT or MR."
            )
    if last < first:
        raise UserError(f"The range ends ({last}) before it begins ({first}): turn it round.")
    asked = {"from": str(first), "to": str(last), "modalities": list(chosen)}
    return Request(source, tuple(parts_of(first, last, chosen)), (), asked)


def by_list(source: str, path: Path) -> Request:
    """The studies that a CSV file names in a column StudyInstanceUID or AccessionNumber.

    Raises UserError where the file has no such column.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read as UTF-8 text: {type(error).__name__}. Give a CSV file with a "
            f"heading that has {' or '.join(KEYWORDS)}."
        ) from error
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    columns = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = columns
    if not set(KEYWORDS) & set(columns):
        raise UserError(
            f"{path} has no column {' or '.join(KEYWORDS)} in its first line. Name the column, "
            "and write one study in each line."
        )
    asked = {"list": str(path.absolute()), "sha256": hashlib.sha256(content).hexdigest()}
    return _listed(source, rows, asked)


def by_query(source: str, haven: Haven, query: str) -> Request:
    """The studies that a query on the catalogue gives in such a column."""
    answer = haven.sql(query)
    if not set(KEYWORDS) & set(answer.column_names):
        raise UserError(
            f"The query gives no column {' or '.join(KEYWORDS)}. Name one with AS, for instance "
            'accession AS "AccessionNumber".'
        )
    names = [name for name in KEYWORDS if name in answer.column_names]
    rows = answer.select(names).to_pylist()
    told = "\n".join(sorted(str(row) for row in rows))
    asked = {"query": True, "sha256": hashlib.sha256(told.encode()).hexdigest()}
    return _listed(source, sorted(rows, key=str), asked)


def _listed(
    source: str, rows: Iterable[Mapping[str | Any, str | Any]], asked: dict[str, Any]
) -> Request:
    parts: list[Part] = []
    refused: list[int] = []
    seen: set[tuple[str, str]] = set()
    # Lines are counted as an editor counts them: the heading is the first.
    for line, row in enumerate(rows, 2):
        named = next(_named(row), None)
        if named is None:
            if any(row.values()):
                refused.append(line)
        elif named not in seen:
            seen.add(named)
            parts.append(Part(line=line, keyword=named[0], value=named[1]))
    if not parts:
        raise UserError(
            "The list names no study. Write a Study Instance UID or an accession number in each "
            "line under its heading; accession numbers have no *, ? or \\."
        )
    return Request(source, tuple(parts), tuple(refused), asked)


def _named(row: Mapping[str | Any, str | Any]) -> Iterator[tuple[str, str]]:
    for keyword, pattern in zip(KEYWORDS, (_UID, _ACCESSION), strict=True):
        value = str(row.get(keyword) or "").strip()
        if pattern.fullmatch(value) and not _WILD.search(value):
            yield keyword, value

"""Scan a file that is no DICOM: tables cell by cell, JSON value by value, text line by line."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import PurePath
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.known_sources import known_sources
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.scan import Scanner

_SNIFF: Final = 8192
_LARGEST_JSON: Final = 64 << 20
_LONGEST_LINE: Final = 1 << 20
_DEEPEST_JSON: Final = 200
_TABLES: Final = {".csv": ",", ".tsv": "\t"}


def scan_other(stream: BinaryIO, name: str, size: int, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of a file by what its first bytes and its suffix say that it is.

    Places are told as ``row 12, column surname`` (rows counted from 1 below the heading),
    ``line 3``, ``$.patient[0].name`` or, for anything unknown, ``bytes@OFFSET``.
    """
    head = stream.read(_SNIFF)
    stream.seek(0)
    suffix = PurePath(name).suffix.lower()
    if head.startswith(b"PAR1"):
        yield from _parquet(stream, name, scanner)
    elif head.startswith(b"%PDF"):
        # Text of a PDF is compressed, and may be a picture: searching its bytes proves nothing.
        yield could_not_check(name, "file", "pdf")
    elif not _is_text(head):
        yield could_not_check(name, "file", "unknown-format")
    elif suffix in _TABLES:
        yield from _csv(stream, scanner, _TABLES[suffix])
    elif suffix == ".json" and size <= _LARGEST_JSON:
        yield from _json(stream, scanner)
    else:
        yield from _lines(stream, scanner)


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return b"\0" not in head and sum(b < 9 for b in head) == 0


@contextmanager
def _as_text(stream: BinaryIO) -> Iterator[TextIOWrapper]:
    """Yield the stream as text: UTF-16 or UTF-8 by its mark, else UTF-8, bytes kept as Latin-1."""
    head = stream.read(2)
    stream.seek(0)
    wide = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = "utf-16" if wide else "utf-8-sig"
    text = TextIOWrapper(stream, encoding=encoding, errors="verify-latin-1", newline="")
    try:
        yield text
    finally:
        text.detach()  # the stream is its owner's to close


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("verify-latin-1", _latin_1)


def _lines(stream: BinaryIO, scanner: Scanner) -> Iterator[Finding]:
    number = 1
    with _as_text(stream) as text:
        # Python reads a line without end whole into memory; here at most one piece of it.
        while line := text.readline(_LONGEST_LINE):
            yield from scanner.scan(line.rstrip("\r\n"), Context.TEXT, f"line {number}")
            number += line.endswith("\n")


def _json(stream: BinaryIO, scanner: Scanner) -> Iterator[Finding]:
    try:
        with _as_text(stream) as text:
            value = json.load(text)
    except (ValueError, RecursionError):
        stream.seek(0)
        yield from _lines(stream, scanner)
        return
    yield from _json_value(value, "$", "", scanner, 0)


def _json_value(
    value: Any, location: str, key: str, scanner: Scanner, depth: int
) -> Iterator[Finding]:
    if depth > _DEEPEST_JSON:
        yield could_not_check(scanner.file, location[:80], "too-deep")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from scanner.scan(name, Context.CODE, f"{location} key")
            yield from _json_value(item, f"{location}.{name}", name, scanner, depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _json_value(item, f"{location}[{number}]", key, scanner, depth + 1)
    elif value is not None and not isinstance(value, bool):
        yield from _cell(value, location, scanner)
        yield from _named(key, value, location, scanner)


def _csv(stream: BinaryIO, scanner: Scanner, delimiter: str) -> Iterator[Finding]:
    csv.field_size_limit(_LONGEST_LINE)
    try:
        with _as_text(stream) as text:
            rows = csv.reader(text, delimiter=delimiter)
            names = next(rows, [])
            for name in names:
                yield from scanner.scan(name, Context.TEXT, "heading")
            yield from _table(names, rows, scanner)
    except csv.Error:
        yield could_not_check(scanner.file, "table", "not-a-table")


def _parquet(stream: BinaryIO, name: str, scanner: Scanner) -> Iterator[Finding]:
    try:
        table = pq.ParquetFile(stream)
        names = list(table.schema_arrow.names)
        rows = (
            row
            for batch in table.iter_batches(batch_size=8192)
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        yield from _table(names, rows, scanner)
    except (pa.ArrowException, OSError, ValueError) as error:
        yield could_not_check(name, "table", type(error).__name__)


def _table(names: list[str], rows: Iterable[Iterable[Any]], scanner: Scanner) -> Iterator[Finding]:
    told: set[str] = set()
    for number, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            column = names[index] if index < len(names) else str(index + 1)
            location = f"row {number}, column {column}"
            if column not in told:
                # One finding tells of a column of names; its million cells need no more.
                for finding in _named(column, cell, location, scanner):
                    told.add(column)
                    yield finding
            yield from _cell(cell, location, scanner)


def _named(name: str, value: Any, location: str, scanner: Scanner) -> Iterator[Finding]:
    """Yield a finding where the name of a column or key says that it holds identifiers."""
    value_class, text = known_sources().class_of_column(name), str(value)
    if value_class and text.strip() and not known_sources().is_placeholder(text):
        span = (0, len(text))
        yield scanner.finding(
            location, value_class, "identifying-column", text, span, detector="column"
        )


def _cell(value: Any, location: str, scanner: Scanner) -> Iterator[Finding]:
    if isinstance(value, int) and not isinstance(value, bool):
        text = f"{value:010d}" if 10**8 <= value < 10**9 else str(value)
        yield from scanner.scan(text, Context.NUMBER, location)
    elif isinstance(value, bytes):
        yield from scanner.scan(value.decode("latin-1"), Context.TEXT, location)
    elif not isinstance(value, float | bool):
        yield from scanner.scan(str(value), Context.TEXT, location)

"""Scan a file that is no DICOM: tables cell by cell, JSON value by value, text line by line."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice, zip_longest
from pathlib import PurePath
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.scan import Scanner
from imagehaven.verify.tables.cells import (
    Column,
    column_of,
    scan_batches,
    scan_document,
    scan_record_batches,
)

_SNIFF: Final = 8192
_LARGEST_JSON: Final = 64 << 20
_LONGEST_LINE: Final = 1 << 20
_ROWS: Final = 8192
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
    yield from scan_document(value, "$", "", scanner)


def _csv(stream: BinaryIO, scanner: Scanner, delimiter: str) -> Iterator[Finding]:
    csv.field_size_limit(_LONGEST_LINE)
    try:
        with _as_text(stream) as text:
            rows = csv.reader(text, delimiter=delimiter)
            names = next(rows, [])
            for name in names:
                yield from scanner.scan(name, Context.TEXT, "heading")
            yield from scan_batches(names, _batches(rows), scanner)
    except csv.Error:
        yield could_not_check(scanner.file, "table", "not-a-table")


def _batches(rows: Iterator[list[str]]) -> Iterator[list[Column]]:
    first = 1
    while batch := list(islice(rows, _ROWS)):
        # Rows may be of different lengths; a cell beyond the heading is a cell all the same.
        yield [column_of(values, first) for values in zip_longest(*batch)]
        first += len(batch)


def _parquet(stream: BinaryIO, name: str, scanner: Scanner) -> Iterator[Finding]:
    try:
        table = pq.ParquetFile(stream)
        batches = table.iter_batches(batch_size=_ROWS)
        yield from scan_record_batches(table.schema_arrow, batches, scanner)
    except (pa.ArrowException, OSError, ValueError) as error:
        yield could_not_check(name, "table", type(error).__name__)

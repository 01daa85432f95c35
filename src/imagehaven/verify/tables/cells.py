"""Scan the cells of a table, batch by batch.

Real tables repeat themselves, so each column of a batch is first reduced to its distinct values;
a value that was looked at before is not looked at again. A value that is found is one finding, told
at the first row that holds it, with the number of cells that do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.known_sources import known_sources
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.scan import Scanner

_DEEPEST: Final = 200
_MOST_CLEAN: Final = 500_000
#: Whole numbers below it count things; above it a float no longer tells one from the next.
_SMALLEST_NUMBER: Final = 1_000_000
_LARGEST_NUMBER: Final = 10**15


class Seen(NamedTuple):
    """Where a value of a batch stands first (rows count from 1), and how many cells hold it."""

    row: int
    cells: int


@dataclass(frozen=True)
class Nested:
    """A list, a structure or a JSON document in a cell, as JSON text."""

    text: str


#: The distinct values of one column of a batch.
Column = dict[Any, Seen]


def column_of(values: Iterable[Any], first_row: int) -> Column:
    """Return the distinct values of a column whose first cell stands in ``first_row``."""
    first: dict[Any, int] = {}
    cells: dict[Any, int] = {}
    for row, value in enumerate(values, start=first_row):
        if value is None or value == "":
            continue
        key = value if value.__hash__ else Nested(json.dumps(value, default=str))
        if key in cells:
            cells[key] += 1
        else:
            first[key], cells[key] = row, 1
    return {key: Seen(first[key], count) for key, count in cells.items()}


def column_of_arrow(values: pa.Array, first_row: int, *, is_json: bool = False) -> Column:
    """Return the distinct values of an Arrow column, as :func:`column_of`."""
    nested = pa.types.is_nested(values.type)
    if nested or pa.types.is_null(values.type):
        return column_of(values.to_pylist(), first_row)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    distinct = [None if v == "" else v for v in values.dictionary.to_pylist()]
    present = values.is_valid().to_numpy(zero_copy_only=False)
    indices = values.indices.fill_null(0).to_numpy(zero_copy_only=False)[present]
    used, at, counts = np.unique(indices, return_index=True, return_counts=True)
    rows = np.flatnonzero(present) + first_row
    return {
        Nested(distinct[i]) if is_json else distinct[i]: Seen(int(rows[place]), int(count))
        for i, place, count in zip(used, at, counts, strict=True)
        if distinct[i] is not None
    }


@dataclass
class _Table:
    """What was found so far, and the values that are known to be clean."""

    scanner: Scanner
    names: Sequence[str]
    found: dict[tuple[str, Any], list[Finding]] = field(default_factory=dict)
    cells: dict[tuple[str, Any], int] = field(default_factory=dict)
    clean: set[tuple[str, Any]] = field(default_factory=set)

    def add(self, columns: Iterable[Column]) -> None:
        for index, column in enumerate(columns):
            name = self.names[index] if index < len(self.names) else str(index + 1)
            value_class = known_sources().class_of_column(name)
            for value, seen in column.items():
                self._add(name, value, seen)
                if value_class:
                    self._add_named(name, value_class, value, seen)

    def _add(self, name: str, value: Any, seen: Seen) -> None:
        key = (name, value)
        if key in self.clean:
            return
        if key not in self.found:
            location = f"row {seen.row}, column {name}"
            findings = list(scan_value(value, location, name, self.scanner))
            if not findings:
                if len(self.clean) >= _MOST_CLEAN:
                    self.clean.clear()
                self.clean.add(key)
                return
            self.found[key], self.cells[key] = findings, 0
        self.cells[key] += seen.cells

    def _add_named(self, name: str, value_class: str, value: Any, seen: Seen) -> None:
        """Note that a column holds identifiers by its name: one finding tells of all its cells."""
        key = (name, _Table)
        if key not in self.found:
            location = f"row {seen.row}, column {name}"
            found = list(named(value_class, value, location, self.scanner))
            if not found:
                return
            self.found[key], self.cells[key] = found, 0
        self.cells[key] += seen.cells


def scan_batches(
    names: Sequence[str], batches: Iterable[Iterable[Column]], scanner: Scanner
) -> Iterator[Finding]:
    """Yield the findings of a table, given as batches of columns."""
    table = _Table(scanner, names)
    for batch in batches:
        table.add(batch)
    for key, findings in table.found.items():
        for finding in findings:
            yield replace(finding, cells=table.cells[key])


def scan_record_batches(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    scanner: Scanner,
    json_columns: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    """Yield the findings of a table that comes as Arrow record batches."""

    def columns() -> Iterator[list[Column]]:
        row = 1
        for batch in batches:
            yield [
                column_of_arrow(values, row, is_json=name in json_columns)
                for name, values in zip(schema.names, batch.columns, strict=True)
            ]
            row += batch.num_rows

    return scan_batches(schema.names, columns(), scanner)


def named(value_class: str, value: Any, location: str, scanner: Scanner) -> Iterator[Finding]:
    """Yield a finding where the name of a column or key says that it holds identifiers."""
    text = value.text if isinstance(value, Nested) else str(value)
    if text.strip() and not known_sources().is_placeholder(text):
        span = (0, len(text))
        yield scanner.finding(
            location, value_class, "identifying-column", text, span, detector="column"
        )


def scan_value(value: Any, location: str, name: str, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of one cell: a number, a text, bytes, a day, or something nested."""
    if isinstance(value, bool):
        return
    if isinstance(value, Nested):
        try:
            document = json.loads(value.text)
        except (ValueError, RecursionError):
            yield from scanner.scan(value.text, Context.TEXT, location, keyword=name)
            return
        yield from scan_document(document, location, name, scanner)
    elif isinstance(value, int | float | Decimal):
        yield from _number(value, location, name, scanner)
    elif isinstance(value, bytes):
        yield from scanner.scan(value.decode("latin-1"), Context.TEXT, location, keyword=name)
    else:
        yield from scanner.scan(str(value), Context.TEXT, location, keyword=name)


def _number(
    value: int | float | Decimal, location: str, name: str, scanner: Scanner
) -> Iterator[Finding]:
    # A column of numbers with a gap in it becomes one of floats: 101901232.0 is a CHI number too.
    large = _SMALLEST_NUMBER <= abs(float(value)) < _LARGEST_NUMBER
    if not isinstance(value, int) and (not large or value != int(value)):
        return
    number = int(value)
    text = f"{number:010d}" if 10**8 <= number < 10**9 else str(number)
    yield from scanner.scan(text, Context.NUMBER, location, keyword=name)


def scan_document(
    value: Any, location: str, key: str, scanner: Scanner, depth: int = 0
) -> Iterator[Finding]:
    """Yield the findings of a JSON value at every depth; ``key`` is the name it stands under."""
    if depth > _DEEPEST:
        yield could_not_check(scanner.file, location[:80], "too-deep")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from scanner.scan(str(name), Context.CODE, f"{location} key")
            yield from scan_document(item, f"{location}.{name}", str(name), scanner, depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from scan_document(item, f"{location}[{number}]", key, scanner, depth + 1)
    elif value is not None:
        yield from scan_value(value, location, key, scanner)
        value_class = known_sources().class_of_column(key)
        if value_class and not isinstance(value, bool):
            yield from named(value_class, value, location, scanner)

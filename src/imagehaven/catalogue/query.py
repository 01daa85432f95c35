"""Answers one SQL query on the catalogue in the format that was asked for."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import json
import re
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

_WIDEST: Final = 60
_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER: Final = re.compile(r"(?<![\w.])\d[\d.]*")


def as_table(answer: pa.Table) -> str:
    """The answer as aligned text, long values cut."""
    names = answer.column_names
    rows = [[_cut(_plain(value)) for value in row.values()] for row in answer.to_pylist()]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)] if names else []
    lines = [names, ["-" * width for width in widths], *rows]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*text, f"({len(rows)} row{'' if len(rows) == 1 else 's'})"]) + "\n"


def as_csv(answer: pa.Table) -> str:
    """The answer as CSV (RFC 4180) with a heading; NULL is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(answer.column_names)
    for batch in answer.to_batches():
        columns = [column.to_pylist() for column in batch.columns]
        writer.writerows([_plain(value) for value in row] for row in zip(*columns, strict=True))
    return text.getvalue()


def as_json(answer: pa.Table) -> str:
    """The answer as a JSON list with one object for each row."""
    return json.dumps(answer.to_pylist(), default=_json_value, ensure_ascii=False) + "\n"


def as_parquet(answer: pa.Table) -> bytes:
    """The answer as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(answer, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


FORMATS: Final[dict[str, Callable[[pa.Table], str | bytes]]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
    "parquet": as_parquet,
}


def without_values(sql: str) -> str:
    """The query with its quoted texts and its numbers left out: what the audit trail may keep.

    >>> without_values("SELECT * FROM patient WHERE PatientID = '0101901234' LIMIT 5")
    "SELECT * FROM patient WHERE PatientID = '…' LIMIT #"
    """
    return _NUMBER.sub("#", _QUOTED.sub("'…'", sql))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, default=_json_value, ensure_ascii=False)
    return str(value)


def _cut(text: str) -> str:
    text = " ".join(text.splitlines())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _json_value(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)

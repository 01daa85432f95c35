"""Metadata of a release: one row for each released instance, read from the released file itself.

A column is in the table because ``metadata_columns.yaml`` names it; a value is in the table because
it stands in a file that passed verification. Nothing is taken from a source or the catalogue.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from imagehaven.declarations import read_yaml
from imagehaven.dicom import keyword_to_tag, read_header, to_elements, vr_of
from imagehaven.errors import Quarantine, UserError
from imagehaven.release.folder import layout, manifest
from imagehaven.release.folder.reports import write_csv

_SOURCE: Final = "metadata_columns.yaml"
_TYPES: Final = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
}
_FILE: Final = (
    ("path", "text", "Path of the image below this folder"),
    ("bytes", "integer", "Size of the file"),
    ("sha256", "text", "SHA-256 of the file"),
    ("TransferSyntaxUID", "text", "How the data set and its pixels are encoded"),
)


@dataclass(frozen=True)
class MetadataColumn:
    """One column: a DICOM keyword or a fact about the file, its type and what it means."""

    name: str
    type: str
    description: str
    tag: str = ""


@dataclass(frozen=True)
class Look:
    """What a look at a released file found: its row, or why the file is not as it was written."""

    path: str
    row: tuple[Any, ...] | None
    problem: str = ""


@functools.cache
def metadata_columns() -> tuple[MetadataColumn, ...]:
    """The columns, checked; raises UserError naming the entry at fault."""
    rows = read_yaml(files(__package__).joinpath(_SOURCE).read_text(encoding="utf-8"))
    columns = [MetadataColumn(name, kind, text) for name, kind, text in _FILE]
    for number, row in enumerate(rows, start=1):
        if set(row) != {"keyword", "type", "description"} or row["type"] not in _TYPES:
            raise UserError(
                f"{_SOURCE}: entry {number} must have a keyword, a description and a type that is "
                f"one of {', '.join(_TYPES)}."
            )
        keyword = row["keyword"]
        columns.append(
            MetadataColumn(keyword, row["type"], row["description"], keyword_to_tag(keyword))
        )
    return tuple(columns)


def look_at(folder: Path, items: list[list[Any]]) -> list[Look]:
    """Read released files, given as (path, sha256, bytes), each with its metadata row.

    A file that is gone, or not byte for byte what was recorded, comes back with its problem.
    """
    return [_look(folder, str(path), str(sha256), int(size)) for path, sha256, size in items]


def write_metadata(folder: Path, rows: Iterable[Sequence[tuple[Any, ...]]]) -> None:
    """Write ``instances.csv`` and ``instances.parquet`` from batches of rows."""
    place = folder / layout.METADATA
    place.mkdir(exist_ok=True)
    columns = metadata_columns()
    schema = pa.schema([(column.name, _TYPES[column.type]) for column in columns])
    with (
        (place / "instances.csv").open("w", encoding="utf-8", newline="") as text,
        pq.ParquetWriter(place / "instances.parquet", schema, compression="zstd") as parquet,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for batch in rows:
            writer.writerows(batch)
            arrays = [
                pa.array([row[number] for row in batch], field.type)
                for number, field in enumerate(schema)
            ]
            parquet.write_table(pa.Table.from_arrays(arrays, schema=schema))


def write_dictionary(folder: Path) -> None:
    """Write ``data_dictionary.csv``: every column of the metadata and what it means."""
    write_csv(
        folder / layout.DICTIONARY,
        ("column", "type", "tag", "vr", "description"),
        [
            (c.name, c.type, f"({c.tag[:4]},{c.tag[4:]})", vr_of(c.name), c.description)
            if c.tag
            else (c.name, c.type, "", "", c.description)
            for c in metadata_columns()
        ],
    )


def _look(folder: Path, path: str, sha256: str, size: int) -> Look:
    try:
        if manifest.entry(folder, path).sha256 != sha256:
            return Look(path, None, "altered")
        with (folder / path).open("rb") as stream:
            header = read_header(stream, size)
    except FileNotFoundError:
        return Look(path, None, "missing")
    except OSError as error:
        raise layout.fault(folder, error) from error
    except Quarantine as error:
        # It is what was verified and recorded, so this is our own doing and nobody else's.
        return Look(path, None, error.reason)
    elements = to_elements(header.dataset)
    values = [
        _value(elements.get(column.tag), column.type) for column in metadata_columns()[len(_FILE) :]
    ]
    return Look(path, (path, size, sha256, header.transfer_syntax, *values))


def _value(element: dict[str, Any] | None, kind: str) -> Any:
    values = [value for value in (element or {}).get("Value", ()) if value is not None]
    if not values:
        return None
    if kind == "text":
        return "\\".join(str(value) for value in values)
    try:
        if kind == "date":
            return dt.datetime.strptime(str(values[0]), "%Y%m%d").date()
        return int(values[0]) if kind == "integer" else float(values[0])
    except ValueError:
        return None  # the file itself holds what it holds; the table has one type a column

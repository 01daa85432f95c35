"""The word lists and tables beside the code (`data/`), read once and checked as they load."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from imagehaven.declarations import read_yaml
from imagehaven.errors import TerminalError


def _text(name: str) -> str:
    return files("imagehaven.synth").joinpath("data", name).read_text(encoding="utf-8")


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of `data/NAME`, a CSV file with a heading line.

    Raises TerminalError with the line at fault when a row has too few or too many cells.
    """
    reader = csv.DictReader(io.StringIO(_text(name)), strict=True)
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise TerminalError(f"synth/data/{name}, line {reader.line_num}: wrong number of cells")
        rows.append(dict(row))
    return tuple(rows)


def words(name: str, column: str) -> tuple[str, ...]:
    """Return one column of a table."""
    return tuple(row[column] for row in table(name))


@cache
def entries(name: str) -> tuple[dict[str, Any], ...]:
    """Return `data/NAME`, a YAML list of mappings; each entry's first key is its name."""
    loaded = read_yaml(_text(name))
    if not isinstance(loaded, list):
        raise TerminalError(f"synth/data/{name}: a list of entries is wanted")
    for place, entry in enumerate(loaded, start=1):
        if not isinstance(entry, dict):
            raise TerminalError(f"synth/data/{name}, entry {place}: `key: value` pairs are wanted")
    return tuple(loaded)


def require(name: str, needed: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the entries of `data/NAME` after checking that each has the keys ``needed``."""
    for place, entry in enumerate(entries(name), start=1):
        missing = [key for key in needed if key not in entry]
        if missing:
            raise TerminalError(f"synth/data/{name}, entry {place}: lacks {', '.join(missing)}")
    return entries(name)

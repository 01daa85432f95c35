"""Read the package's own data files, and say which line is at fault."""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib import resources
from typing import Any

import yaml

from imagehaven.declarations import read_yaml
from imagehaven.errors import UserError

_FOLDER = "data"


def text_of(name: str) -> str:
    """Return the text of a data file of this package."""
    file = resources.files("imagehaven.deidentify.text") / _FOLDER / name
    return file.read_text(encoding="utf-8")


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV file; :class:`UserError` names a line with a gap."""
    rows = tuple(csv.DictReader(io.StringIO(text_of(name))))
    for line, row in enumerate(rows, 2):
        if None in row or any(value is None for value in row.values()):
            raise UserError(f"{name}:{line}: this row has not the columns of the heading.")
    return rows


@cache
def declared(name: str) -> Any:
    """Return the content of a YAML file; :class:`UserError` when it is none."""
    try:
        return read_yaml(text_of(name))
    except yaml.YAMLError as error:
        raise UserError(f"{name}: this is not YAML.") from error


@cache
def words_of(name: str) -> frozenset[str]:
    """Return the words of a list; what follows ``#`` on a line is a comment."""
    words: set[str] = set()
    for line, content in enumerate(text_of(name).splitlines(), 1):
        for word in content.split("#", 1)[0].split():
            if not word.islower() and not word.isdigit():
                raise UserError(f"{name}:{line}: a word is in lower case.")
            words.add(word)
    return frozenset(words)

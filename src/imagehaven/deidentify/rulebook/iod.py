"""Types of attributes (PS3.3, PS3.5 section 7.4): what an IOD wants to be there, and not empty.

``data/iod_modules.csv`` says which modules the IOD of a SOP class has, ``data/iod_types.csv`` which
Type an attribute has in a module or, nested, in a sequence. A Type that binds only where a
conditional or user-optional module is there, counts as conditional itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from imagehaven.deidentify.rulebook.table import require, rows

TYPES: Final = ("1", "1C", "2", "2C", "3")
"""From the strictest; '' stands for an attribute of which nothing is known."""

NEEDS_VALUE: Final = frozenset(["1", "1C"])
NEEDS_PLACE: Final = frozenset(["2", "2C"])
_NESTED = "*"


def type_of(keyword: str, sop_class: str, sequence: str = "") -> str:
    """Return the Type of an attribute of an IOD, or of the items of ``sequence``; '' if unknown.

    An attribute that an IOD, or a sequence, is not known to want is an optional one, Type 3.
    """
    known = _nested(sequence) if sequence else _top(sop_class)
    return known.get(keyword, "3") if known else ""


def is_known(sop_class: str) -> bool:
    """Say whether the modules of this SOP class's IOD are in the tables."""
    return sop_class in _modules()


@cache
def _top(sop_class: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for module, usage in _modules().get(sop_class, {}).items():
        for keyword, kind in _types().get((module, ""), {}).items():
            bound = kind if usage == "M" else f"{kind[0]}C"
            found[keyword] = min(bound, found.get(keyword, bound), key=TYPES.index)
    return found


def _nested(sequence: str) -> Mapping[str, str]:
    return _types().get((_NESTED, sequence), {})


@cache
def _modules() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for where, row in rows("iod_modules.csv"):
        require(row["usage"] in ("M", "C", "U"), where, "the usage must be M, C or U")
        found.setdefault(row["sop_class"], {})[row["module"]] = row["usage"]
    return found


@cache
def _types() -> Mapping[tuple[str, str], Mapping[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for where, row in rows("iod_types.csv"):
        require(row["type"] in TYPES, where, f"the Type must be one of {', '.join(TYPES)}")
        nested = (row["module"] == _NESTED) == bool(row["sequence"])
        require(nested, where, "a sequence belongs to module *, and to no other")
        found.setdefault((row["module"], row["sequence"]), {})[row["keyword"]] = row["type"]
    return found

"""Writes the Types of PS3.3 that de-identification needs, out of highdicom's tables.

Run by hand, with highdicom installed somewhere (it is no dependency of imagehaven), when the
standard's edition changes::

    PYTHON_WITH_HIGHDICOM docs/generate/iod_tables.py

Two files come out: ``iod_modules.csv`` (which modules an IOD has, by SOP class) and
``iod_types.csv`` (the Type of an attribute, by module at the top level, by its sequence elsewhere:
of several sequences of one name the strictest Type stands). Types 3 are left out, and so are
numbers of the top level that Table E.1-1 of PS3.15 does not name: they are kept, whatever the Type.
"""

from __future__ import annotations

import csv
from importlib.metadata import version
from pathlib import Path
from typing import Any

from highdicom._standard_utils import (  # type: ignore[import-not-found]
    get_iod_module_map,
    get_module_attribute_map,
    get_sop_class_iod_map,
)
from pydicom.datadict import dictionary_VR, tag_for_keyword

DATA = Path(__file__).resolve().parents[2] / "src" / "imagehaven" / "deidentify" / "data"
RANKS = ("1", "1C", "2", "2C")
NUMBERS = {"DS", "IS", "FD", "FL", "US", "SS", "UL", "SL", "UV", "SV", "AT", "OF", "OD", "OL", "OV"}
NESTED = "*"


def main() -> None:
    """Write both files."""
    iods, modules = get_iod_module_map(), get_module_attribute_map()
    source = (
        f"# DICOM PS3.3 as carried by highdicom {version('highdicom')} (MIT); "
        "written by docs/generate/iod_tables.py"
    )
    used = [
        (sop_class, module["key"], module["usage"])
        for sop_class, iod in sorted(get_sop_class_iod_map().items())
        for module in iods[iod]
        if module["key"] in modules
    ]
    _write("iod_modules.csv", f"{source}. usage: M, C or U", "sop_class,module,usage", used)
    types = _types({module for _, module, _ in used}, modules)
    columns = "module,sequence,keyword,type"
    _write("iod_types.csv", f"{source}. module * with its sequence: nested", columns, types)


def _types(used: set[str], modules: dict[str, list[Any]]) -> list[tuple[str, str, str, str]]:
    named = _named()
    found: dict[tuple[str, str, str], str] = {}
    for module in sorted(used):
        for attribute in modules[module]:
            keyword, kind, path = attribute["keyword"], attribute["type"], attribute["path"]
            if kind not in RANKS or not (path or _matters(keyword, named)):
                continue
            key = (NESTED, path[-1], keyword) if path else (module, "", keyword)
            found[key] = min(kind, found.get(key, kind), key=RANKS.index)
    return sorted((*key, kind) for key, kind in found.items())


def _matters(keyword: str, named: set[str]) -> bool:
    tag = tag_for_keyword(keyword)
    if tag is None or tag >> 16 < 8:
        return False
    return keyword in named or not set(dictionary_VR(tag).split(" or ")) <= NUMBERS


def _named() -> set[str]:
    with (DATA / "ps315_e1.csv").open(encoding="utf-8", newline="") as file:
        file.readline()
        return {row["keyword"] for row in csv.DictReader(file)}


def _write(name: str, source: str, columns: str, rows: list[Any]) -> None:
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        file.write(f"{source}\n{columns}\n")
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()

"""Which machines made the pictures that findings are about, and how many others are like them.

What a released file says of its machine may be less than what the original says, so the catalogue
is asked first, for the original of the same SOP Instance UID.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from imagehaven.haven import Haven
from imagehaven.verify.machine import FORMAT, TAGS, joined
from imagehaven.verify.review.store import Kept


def machines_of(haven: Haven, found: Sequence[Kept]) -> Iterator[tuple[Kept, dict[str, str]]]:
    """Yield each finding whose machine is known: by maker or model, and by the picture's size."""
    originals = _catalogued(haven, sorted({one.uid for one in found if one.uid}))
    for one in found:
        machine = originals.get(one.uid or "") or one.finding.machine
        named = machine and (machine["manufacturer"] or machine["model"])
        if machine and named and all(machine[name].isdecimal() for name in FORMAT):
            yield one, dict(machine)


def pictures_of(haven: Haven, machine: Mapping[str, str]) -> int:
    """How many instances of the catalogue a rule for this machine is about."""
    asked = {tag: machine[name] for name, tag in TAGS.items() if machine[name]}
    same = " AND ".join(f"{_text(tag)} = ?" for tag in asked)
    query = f"SELECT count(*) FROM instance WHERE {same}"  # noqa: S608 - our own text
    with haven.lake.connect(read_only=True) as connection:
        try:
            row = connection.execute(query, list(asked.values())).fetchone()
        except duckdb.CatalogException:
            return 0  # nothing was ever catalogued
    return int(row[0]) if row else 0


def _catalogued(haven: Haven, uids: list[str]) -> dict[str, dict[str, str]]:
    if not uids:
        return {}
    wanted = ", ".join(f"'$.\"{tag}\"'" for tag in TAGS.values())
    with haven.lake.connect(read_only=True) as connection:
        connection.register("wanted", pa.table({"uid": pa.array(uids, pa.string())}))
        try:
            rows = connection.execute(
                f"SELECT SOPInstanceUID, CAST(json_extract(elements, [{wanted}]) AS VARCHAR[]) "  # noqa: S608 - our own text
                "FROM instance WHERE SOPInstanceUID IN (SELECT uid FROM wanted)"
            ).fetchall()
        except duckdb.CatalogException:
            return {}  # nothing was ever catalogued
    return {
        str(uid): {name: _value(text) for name, text in zip(TAGS, found, strict=True)}
        for uid, found in rows
    }


def _text(tag: str) -> str:
    """The SQL of an element's values as :func:`joined` gives them."""
    values = f"CAST(json_extract(elements, '$.\"{tag}\".Value[*]') AS VARCHAR[])"
    return f"array_to_string(list_transform({values}, lambda v: trim(v, '\"')), ' ')"


def _value(text: str | None) -> str:
    return joined((json.loads(text) if text else {}).get("Value"))

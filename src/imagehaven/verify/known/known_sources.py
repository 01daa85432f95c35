"""The list of places where identifiers stand in a source instance, read from its YAML file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

from imagehaven.errors import UserError
from imagehaven.verify.detect.text import squeeze, words
from imagehaven.verify.findings import VALUE_CLASSES

KINDS: Final = frozenset({"person", "id", "phrase", "phone", "uid", "date"})


@dataclass(frozen=True)
class Source:
    """How the values of one element (or VR) are taken as known identifiers."""

    group: str
    kind: str
    value_class: str
    identifying: bool


@dataclass(frozen=True)
class KnownSources:
    """Sources by keyword and by VR, what is left out, and what counts as no value."""

    by_keyword: dict[str, Source]
    by_vr: dict[str, Source]
    left_out: frozenset[str]
    placeholders: frozenset[str]
    columns: dict[str, str]
    statements: re.Pattern[str]

    def source_of(self, keyword: str, vr: str) -> Source | None:
        """Return how to take the values of an element, or None where they identify nobody."""
        if keyword in self.left_out:
            return None
        return self.by_keyword.get(keyword) or self.by_vr.get(vr)

    def is_placeholder(self, value: str) -> bool:
        """Tell whether ``value`` says "no value" ("ANONYMOUS", "N/A", "0000") or holds nothing."""
        plain = squeeze(value)
        if plain in self.placeholders or not plain.strip("0x"):
            return True
        return self.statements.fullmatch(" ".join(words(value))) is not None

    def class_of_column(self, name: str) -> str | None:
        """Return the class that a table's column holds by its name, or None."""
        return self.columns.get(re.sub(r"[^a-z]", "", name.lower()))

    @property
    def groups(self) -> frozenset[str]:
        """Return the names of all groups."""
        return frozenset(s.group for s in (*self.by_keyword.values(), *self.by_vr.values()))


@lru_cache(maxsize=1)
def known_sources() -> KnownSources:
    """Return the built-in list.

    Raises:
        UserError: the YAML names a kind or class that does not exist, or a keyword twice.
    """
    raw = yaml.safe_load(files(__package__).joinpath("known_sources.yaml").read_text("utf-8"))
    by_keyword: dict[str, Source] = {}
    for number, row in enumerate(raw["sources"], start=1):
        source = _source(row, f"sources[{number}]")
        for keyword in row["keywords"]:
            if keyword in by_keyword:
                raise UserError(f"known_sources.yaml: {keyword} is listed twice")
            by_keyword[keyword] = source
    by_vr = {vr: _source(row, f"by_vr {vr}") for vr, row in raw["by_vr"].items()}
    return KnownSources(
        by_keyword=by_keyword,
        by_vr=by_vr,
        left_out=frozenset(raw["left_out"]),
        placeholders=frozenset(raw["not_an_identifier"]),
        statements=re.compile("|".join(f"(?:{one})" for one in raw["statements"])),
        columns={name: cls for cls, names in raw["columns"].items() for name in names},
    )


def _source(row: dict[str, object], where: str) -> Source:
    kind, value_class = str(row["kind"]), str(row["class"])
    if kind not in KINDS or value_class not in VALUE_CLASSES:
        raise UserError(
            f"known_sources.yaml, {where}: kind must be one of {', '.join(sorted(KINDS))} and "
            f"class one of {', '.join(sorted(VALUE_CLASSES))}"
        )
    return Source(str(row["group"]), kind, value_class, bool(row.get("identifying", False)))

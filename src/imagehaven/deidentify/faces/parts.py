"""What the tags say: which part of the body, and whether the SOP class can show a face at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from pydicom.dataset import Dataset

from imagehaven.deidentify.faces.decide import Part
from imagehaven.errors import UserError

_FILE: Final = "parts.yaml"
_KEYS: Final = ("volumes", "other_surfaces", "head", "other")
_KEYWORDS: Final = ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName")


@dataclass(frozen=True)
class Parts:
    """The SOP classes by kind, and the words that name the head or another part."""

    volumes: Mapping[str, str]
    other_surfaces: Mapping[str, str]
    head: tuple[str, ...]
    other: tuple[str, ...]


@cache
def parts() -> Parts:
    """Load and check the lists; :class:`UserError` names the file and what is wrong with it."""
    return read_parts(files(__package__ or "").joinpath(_FILE).read_text(encoding="utf-8"))


def read_parts(text: str) -> Parts:
    """Read the lists from YAML text."""
    document: dict[str, Any] = yaml.safe_load(text)
    if not isinstance(document, dict) or set(document) != set(_KEYS):
        raise UserError(f"{_FILE}: the keys must be {', '.join(_KEYS)}.")
    both = set(document["head"]) & set(document["other"])
    both |= set(document["volumes"]) & set(document["other_surfaces"])
    if both:
        lines = text.splitlines()
        line = max(n for n, content in enumerate(lines, 1) if sorted(both)[0] in content)
        raise UserError(f"{_FILE}:{line}: {sorted(both)[0]} stands in two lists.")
    return Parts(
        document["volumes"],
        document["other_surfaces"],
        tuple(str(word) for word in document["head"]),
        tuple(str(word) for word in document["other"]),
    )


def part_of(dataset: Dataset) -> Part:
    """Return what the tags of an instance say; a head word anywhere wins.

    Words match from their beginning, so that ``ear`` is not found in ``heart``.
    """
    said = " ".join(str(dataset.get(keyword) or "") for keyword in _KEYWORDS).lower()
    said = re.sub(r"[^a-z]+", " ", said)
    for part, words in ((Part.HEAD, parts().head), (Part.OTHER, parts().other)):
        if any(f" {word}" in f" {said}" for word in words):
            return part
    return Part.UNSAID

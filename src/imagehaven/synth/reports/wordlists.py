"""The words of the reports (`data/`), read once and checked as they load.

``names_SPLIT.yaml``, ``places_SPLIT.yaml``, ``exams_SPLIT.yaml`` and ``styles_SPLIT.yaml`` hold
the words of one split; ``hard_cases.yaml`` holds the shares of the hard cases.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from imagehaven.declarations import read_yaml
from imagehaven.errors import TerminalError

SPLITS = ("train", "dev", "validation", "test")

_NEEDED = {
    "names": ("class", "family", "female", "male"),
    "places": ("towns", "streets", "hospitals", "practices", "boards", "homes", "domains"),
    "exams": ("modality", "exam", "history", "technique", "findings", "impression"),
    "styles": ("style", "report"),
}
_HARD = ("names", "forms", "reports", "ocr")


def _load(name: str) -> Any:
    text = files("imagehaven.synth.reports").joinpath("data", name).read_text(encoding="utf-8")
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        raise TerminalError(f"synth/reports/data/{name}: {error}") from error


def _strings(name: str, place: str, value: object) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _strings(name, f"{place}, {key}", part)
    elif isinstance(value, list):
        for number, part in enumerate(value, start=1):
            _strings(name, f"{place}, item {number}", part)
    elif not isinstance(value, str):
        raise TerminalError(f"synth/reports/data/{name}, {place}: {value!r} needs quotes")


def _of_whom(name: str, place: str, entry: dict[str, Any]) -> None:
    """Check the sex and the ages in years of the patients of an entry, where it gives them."""
    if entry.get("sex", "F") not in {"F", "M"}:
        raise TerminalError(f"synth/reports/data/{name}, {place}: sex is F or M")
    if not re.fullmatch(r"\d+-\d+", entry.get("ages", "0-120")):
        raise TerminalError(f"synth/reports/data/{name}, {place}: ages are given as 18-44")


@cache
def entries(subject: str, split: str) -> tuple[dict[str, Any], ...]:
    """Return the entries of one subject (names, exams or styles) in one split.

    Raises TerminalError with the entry at fault where a key is missing or a value is no text.
    """
    name = f"{subject}_{split}.yaml"
    loaded = _load(name)
    listed = loaded if isinstance(loaded, list) else [loaded]
    for place, entry in enumerate(listed, start=1):
        missing = [key for key in _NEEDED[subject] if key not in entry]
        if missing:
            raise TerminalError(
                f"synth/reports/data/{name}, entry {place}: lacks {', '.join(missing)}"
            )
        _strings(name, f"entry {place}", {k: v for k, v in entry.items() if k != "shares"})
        _of_whom(name, f"entry {place}", entry)
    return tuple(listed)


def places(split: str) -> dict[str, Any]:
    """Return the towns, streets, hospitals and the rest of one split."""
    return entries("places", split)[0]


@cache
def houses() -> dict[str, dict[str, str]]:
    """Return the style of each hospital (`styles`) and the names of tokens (`tokens`)."""
    name = "houses.yaml"
    loaded = _load(name)
    _strings(name, "houses", loaded)
    return {group: dict(loaded[group]) for group in ("styles", "tokens")}


@cache
def shares() -> dict[str, dict[str, float]]:
    """Return the shares of the hard cases, each from 0 to 1, by group and name."""
    loaded = _load("hard_cases.yaml")
    for group in _HARD:
        for name, share in loaded[group].items():
            if not 0 <= float(share) <= 1:
                raise TerminalError(f"synth/reports/data/hard_cases.yaml, {group}, {name}: 0 to 1")
    return {group: {k: float(v) for k, v in loaded[group].items()} for group in _HARD}

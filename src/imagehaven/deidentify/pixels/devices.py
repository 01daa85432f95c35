"""What is known of devices: who makes scanners that draw no text, and where the others write.

The knowledge is data (``data/device_regions.yaml``) with examples that are tried at load, so that a
rule that matches what it should not is found before it blanks a picture. A haven's own files of the
same form (``HAVEN/devices/*.yaml``: what a site writes, and what its reviewers taught) are added to
it by :func:`with_files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import yaml

from imagehaven.declarations import read_yaml
from imagehaven.deidentify.elements.stored import text_of, texts_of
from imagehaven.deidentify.pixels.areas import Area
from imagehaven.deidentify.rulebook.table import data_text
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Shape
from imagehaven.errors import UserError

_FILE: Final = "device_regions.yaml"
_TEXTS: Final = {
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "software": 0x00181020,
    "modality": 0x00080060,
    "sop_class": 0x00080016,
}
_NUMBERS: Final = ("rows", "columns")
_SAID: Final = ("id", "blank", "author", "added", "why", "examples")


@dataclass(frozen=True)
class Device:
    """What an instance says about the machine and the frame that it was made with."""

    texts: Mapping[str, str]
    rows: int
    columns: int

    @staticmethod
    def of(header: Header, shape: Shape) -> Device:
        """Return what ``header`` says; software versions are joined with a space."""
        found = {name: text_of(header.dataset, tag) for name, tag in _TEXTS.items()}
        found["software"] = " ".join(texts_of(header.dataset, _TEXTS["software"]))
        return Device(found, shape.rows, shape.columns)


@dataclass(frozen=True)
class Rule:
    """Areas that devices of a kind write into; ``conditions`` are compiled expressions."""

    id: str
    conditions: Mapping[str, re.Pattern[str]]
    rows: int | None
    columns: int | None
    areas: tuple[Area, ...]

    def matches(self, device: Device) -> bool:
        """Say whether every condition holds."""
        return (
            self.rows in (None, device.rows)
            and self.columns in (None, device.columns)
            and all(
                condition.fullmatch(device.texts.get(name, ""))
                for name, condition in self.conditions.items()
            )
        )


@dataclass(frozen=True)
class Devices:
    """All that is known: expressions for known makers, and the rules."""

    known: tuple[re.Pattern[str], ...]
    rules: tuple[Rule, ...]

    def knows(self, device: Device) -> bool:
        """Say whether the device's maker is known to draw nothing into acquisitions."""
        maker = device.texts["manufacturer"]
        return any(known.fullmatch(maker) for known in self.known)

    def __or__(self, other: Devices) -> Devices:
        """Return what both know; raises :class:`UserError` where two rules have one id."""
        both = {rule.id for rule in self.rules} & {rule.id for rule in other.rules}
        if both:
            raise UserError(f"Two device rules are called {sorted(both)[0]}: rename one of them.")
        return Devices(self.known + other.known, self.rules + other.rules)

    def areas(self, device: Device) -> tuple[Area, ...]:
        """Return where a device of this kind writes."""
        return tuple(area for rule in self.rules if rule.matches(device) for area in rule.areas)


@cache
def devices() -> Devices:
    """Load and check what is known; :class:`UserError` names the line that is wrong."""
    return read_devices(data_text(_FILE), _FILE)


def with_files(paths: Iterable[Path]) -> Devices:
    """Return what is known with a haven's own files added; :class:`UserError` names the line."""
    found = devices()
    for path in paths:
        found |= read_devices(_content(path), str(path))
    return found


def files_hash(paths: Iterable[Path]) -> str:
    """Return one SHA-256 (hex) of a haven's own files, empty where there are none."""
    texts = [_content(path) for path in paths]
    return sha256("\0".join(texts).encode()).hexdigest() if texts else ""


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{path} cannot be read: {why}.") from None


def read_devices(text: str, name: str) -> Devices:
    """Return what the YAML ``text`` says; ``name`` stands in its errors."""
    source = _Source(name, text)
    try:
        document = read_yaml(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise UserError(f"{name}:{line}: this is not valid YAML.") from None
    if not isinstance(document, dict) or set(document) != {"known", "rules"}:
        raise UserError(f"{name}: the keys must be known, rules.")
    known = tuple(source.pattern(one) for one in document["known"] or ())
    return Devices(known, tuple(source.rule(one) for one in document["rules"] or ()))


@dataclass(frozen=True)
class _Source:
    name: str
    text: str

    def fault(self, word: object, message: str) -> UserError:
        lines = self.text.splitlines()
        line = next((n for n, content in enumerate(lines, 1) if str(word) in content), 1)
        return UserError(f"{self.name}:{line}: {message}.")

    def pattern(self, expression: object) -> re.Pattern[str]:
        try:
            return re.compile(str(expression), re.IGNORECASE)
        except re.error as error:
            raise self.fault(expression, f"this expression cannot be read: {error.msg}") from None

    def rule(self, entry: Any) -> Rule:
        if not isinstance(entry, dict) or not entry.get("id"):
            raise self.fault("rules", "every rule must have an id")
        place = entry["id"]
        allowed = {*_TEXTS, *_NUMBERS, *_SAID}
        for key in (*set(entry) - allowed, *(said for said in _SAID if not entry.get(said))):
            choices = ", ".join(sorted(allowed))
            raise self.fault(place, f"{place}: {key!r} is missing or not one of {choices}")
        if not any(entry.get(name) for name in ("manufacturer", "model")):
            raise self.fault(place, f"{place}: a rule must name a manufacturer or a model")
        rule = Rule(
            id=str(place),
            conditions={name: self.pattern(entry[name]) for name in _TEXTS if name in entry},
            rows=entry.get("rows"),
            columns=entry.get("columns"),
            areas=tuple(self.area(place, box) for box in entry["blank"]),
        )
        self.try_examples(rule, entry["examples"])
        return rule

    def area(self, place: object, box: Any) -> Area:
        numbers = isinstance(box, list) and all(isinstance(side, int) for side in box)
        if not numbers or len(box) != 4 or min(box) < 0 or not box[2] * box[3]:
            raise self.fault(place, f"{place}: an area is [left, top, width, height] in pixels")
        left, top, width, height = box
        return Area(left, top, left + width, top + height)

    def try_examples(self, rule: Rule, examples: Any) -> None:
        wanted = (("matches", True), ("passes", False))
        if not isinstance(examples, dict) or not all(examples.get(kind) for kind, _ in wanted):
            raise self.fault(rule.id, f"{rule.id}: examples must hold matches and passes")
        for kind, expected in wanted:
            for number, example in enumerate(examples[kind], 1):
                texts = {name: str(example.get(name, "")) for name in _TEXTS}
                device = Device(texts, example.get("rows", 0), example.get("columns", 0))
                if rule.matches(device) != expected:
                    raise self.fault(
                        rule.id, f"{rule.id}: example {number} of {kind} does the opposite"
                    )

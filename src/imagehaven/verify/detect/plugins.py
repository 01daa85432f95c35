"""Detectors that a site installs beside imagehaven (entry points ``imagehaven.detectors``).

An entry point names a function ``find(text, kind, keyword)``: ``text`` is one decoded value,
``kind`` the kind of value (:class:`~imagehaven.verify.known.matcher.Context` as a string),
``keyword`` the DICOM keyword or the column's name. It returns (start, end, class) for each place of
the text, the class one of :data:`~imagehaven.verify.findings.VALUE_CLASSES`. It must depend on
nothing else: what it says of a text is kept.

A detector that cannot be loaded, that raises, or that answers nonsense has not checked the text:
that is a finding, so that a broken detector is never taken for a clean file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, NamedTuple

from imagehaven.verify.findings import COULD_NOT_CHECK, VALUE_CLASSES

GROUP: Final = "imagehaven.detectors"
_LONGEST_KEPT: Final = 512


class Detected(NamedTuple):
    """A place of a text that a detector found, and the class of what stands there."""

    start: int
    end: int
    value_class: str


@dataclass(frozen=True)
class Detector:
    """An installed detector; ``find`` is None where it could not be loaded, for ``problem``."""

    name: str
    version: str
    find: Callable[[str, str, str], Iterable[Any]] | None
    problem: str = ""

    def detect(self, text: str, kind: str, keyword: str) -> tuple[Detected, ...] | str:
        """Return what it finds, or why it could not say (the name of an error, never a value)."""
        if len(text) > _LONGEST_KEPT:
            return _detect(self, text, kind, keyword)
        return _detect_cached(self, text, kind, keyword)


@lru_cache(maxsize=16384)
def _detect_cached(
    detector: Detector, text: str, kind: str, keyword: str
) -> tuple[Detected, ...] | str:
    return _detect(detector, text, kind, keyword)


def _detect(detector: Detector, text: str, kind: str, keyword: str) -> tuple[Detected, ...] | str:
    if detector.find is None:
        return detector.problem
    try:
        found = tuple(Detected(*item) for item in detector.find(text, kind, keyword))
        sound = all(_makes_sense(item, text) for item in found)
    except Exception as error:  # noqa: BLE001 - the seam to other people's code: whatever it raises blocks
        return type(error).__name__
    return found if sound else "nonsense"


def _makes_sense(item: Detected, text: str) -> bool:
    known = item.value_class in VALUE_CLASSES and item.value_class != COULD_NOT_CHECK
    return known and 0 <= item.start < item.end <= len(text)


@lru_cache(maxsize=1)
def installed_detectors() -> tuple[Detector, ...]:
    """Return the detectors installed in this environment, by name."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return tuple(map(_load, points))


def _load(point: EntryPoint) -> Detector:
    version = point.dist.version if point.dist else ""
    try:
        find = point.load()
    except Exception as error:  # noqa: BLE001 - the same seam: what it raises at import blocks too
        return Detector(point.name, version, None, type(error).__name__)
    problem = "" if callable(find) else "not-callable"
    return Detector(point.name, version, find if callable(find) else None, problem)


def detectors_hash() -> str:
    """Return a SHA-256 (hex) of the installed detectors' names and versions; empty without any."""
    found = [f"{detector.name} {detector.version}" for detector in installed_detectors()]
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""

"""Which frames of a file the verifier reads: its own policy (``look.yaml``), read from the header.

Every frame that may show text of a single-frame image; of a cine the first, the last, some evenly
between, and those whose border changed, because that is where annotation stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import yaml

Frame = npt.NDArray[Any]

EVENLY: Final = 8
CHANGED: Final = 8
"""At most so many frames of a cine are read because their border changed."""
_BORDER: Final = 0.12
_CHANGE: Final = 0.16
"""The share of the range of grey by which a pixel of the border must change."""
_PIXELS: Final = 24
"""Fewer changed pixels than a legible character has are none."""


class Look(StrEnum):
    """How much of a file's pixels is read."""

    NOTHING = "nothing"
    MIDDLE = "middle"
    FRAMES = "frames"


@dataclass(frozen=True)
class Policy:
    """What ``look.yaml`` says."""

    sampled: frozenset[str]
    never: frozenset[str]
    read_values: frozenset[str]
    one_in: int


@lru_cache(maxsize=1)
def policy() -> Policy:
    """Return the policy, read once."""
    told = yaml.safe_load(files(__package__).joinpath("look.yaml").read_text("utf-8"))
    return Policy(
        sampled=frozenset(told["sampled"]),
        never=frozenset(told["never"]),
        read_values=frozenset(told["read_values"]),
        one_in=int(told["one_in"]),
    )


_UID: Final = re.compile(rb"[0-9.]*[ \0]?")
_CODE: Final = re.compile(rb"(?:[!-\[\]-~][ -\[\]-~]*)?\0?")
#: How the bytes of what decides are written; pydicom says what any others mean.
_AS_IT_SHOULD_BE: Final = {
    "SOPClassUID": _UID,
    "SOPInstanceUID": _UID,
    "NumberOfFrames": re.compile(rb"[0-9]* ?"),
    "ImageType": re.compile(rb"(?:[!-~][ -~]*)?\0?"),
    "BurnedInAnnotation": _CODE,
    "PhotometricInterpretation": _CODE,
}
_TEXTS: Final = tuple(_AS_IT_SHOULD_BE)


class Header(Protocol):
    """A data set, or what :func:`stated` makes of a few of its elements."""

    def get(self, keyword: str, default: Any = None, /) -> Any:
        """Return an element's value, ``default`` where there is none."""


def stated(facts: Mapping[str, bytes]) -> dict[str, Any] | None:
    """Return the elements that decide how much is read, from their bytes in little endian.

    None where they are not as the standard wants them: then pydicom says what they mean.
    """
    if any(not _AS_IT_SHOULD_BE[keyword].fullmatch(facts.get(keyword, b"")) for keyword in _TEXTS):
        return None
    texts = {
        keyword: facts[keyword].decode("ascii").strip(" \0")
        for keyword in _TEXTS
        if keyword in facts
    }
    samples = facts.get("SamplesPerPixel", b"\1\0")
    if len(samples) != 2:
        return None
    said: dict[str, Any] = {**facts, **texts, "SamplesPerPixel": int.from_bytes(samples, "little")}
    if "ImageType" in texts:
        said["ImageType"] = [part for part in texts["ImageType"].split("\\") if part]
    return said


def look_at(dataset: Header) -> Look:
    """Return how much of the pixels of an instance is read, by its header."""
    rules = policy()
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class in rules.never:
        return Look.NOTHING
    if sop_class not in rules.sampled or _may_show_text(dataset, rules):
        return Look.FRAMES
    if str(dataset.get("NumberOfFrames", "1") or "1").strip() not in ("", "1"):
        return Look.MIDDLE
    digest = hashlib.sha256(str(dataset.get("SOPInstanceUID", "")).encode()).digest()
    chosen = int.from_bytes(digest[:8]) % rules.one_in == 0
    return Look.MIDDLE if chosen else Look.NOTHING


def _may_show_text(dataset: Header, rules: Policy) -> bool:
    kinds = dataset.get("ImageType", None) or []
    values = {str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    burned = str(dataset.get("BurnedInAnnotation", "NO")).strip().upper()
    colour = str(dataset.get("SamplesPerPixel", 1)) != "1"
    painted = str(dataset.get("PhotometricInterpretation", "")).startswith("PALETTE")
    return burned != "NO" or colour or painted or not values or bool(values & rules.read_values)


def chosen_frames(frames: Iterable[Frame], count: int, look: Look) -> Iterator[tuple[int, Frame]]:
    """Yield the frames to read, with their numbers from 1, as they come.

    ``count`` is how many there are. For the middle one, no frame behind it is decoded.
    """
    if look is Look.MIDDLE:
        for number, frame in enumerate(frames, start=1):
            if number == count // 2 + 1:
                yield number, frame
                return
        return
    wanted = {round(place) + 1 for place in np.linspace(0, count - 1, min(count, EVENLY))}
    changed, before = 0, None
    for number, frame in enumerate(frames, start=1):
        border = _border(frame)
        moved = before is not None and changed < CHANGED and _moved(before, border)
        changed += moved and number not in wanted
        before = border
        if moved or number in wanted:
            yield number, frame


def _border(frame: Frame) -> list[Frame]:
    """Return the four strips along the edges."""
    rows, columns = (max(1, int(side * _BORDER)) for side in frame.shape[:2])
    parts = frame[:rows], frame[-rows:], frame[:, :columns], frame[:, -columns:]
    return [part.astype(np.float32) for part in parts]


def _moved(before: list[Frame], border: list[Frame]) -> bool:
    """Say whether enough pixels of the border changed much, as text that comes does."""
    if any(one.shape != other.shape for one, other in zip(before, border, strict=True)):
        return True
    both = [*before, *border]
    reach = max(float(part.max()) for part in both) - min(float(part.min()) for part in both)
    return any(
        np.count_nonzero(np.abs(one - other) > _CHANGE * reach) >= _PIXELS
        for one, other in zip(before, border, strict=True)
    )

"""Write one de-identified file with the compiled core, from decisions that somebody else makes.

The core asks for each decision once in a *session*: a group of instances that share everything that
decisions depend on. It declines what it cannot write exactly as the decider would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from imagehaven.dicom.scan import load_core

# As in native/decide.h.
REMOVE, ITEMS, NO_ITEMS, ONE_VALUE = range(4)
ASK, MAP_UID, NUMBERS, WORDS, MOVE_DATE, MOVE_MOMENT, TIME = range(7)
NOTHING: Final = "\0"
"""The label of an action that is not counted."""


@dataclass(frozen=True)
class Plan:
    """What is done with the elements of one tag in one place.

    ``kind`` is one of :data:`REMOVE` to :data:`ONE_VALUE`, ``swift`` how the core may find a new
    value by itself; ``place`` is where the items of a sequence stand.
    """

    number: int = 0
    place: int = 0
    most: int = 0
    days: int = 0
    label: str = NOTHING
    kind: int = REMOVE
    swift: int = ASK
    masked: bool = False
    needs_place: bool = False
    needs_value: bool = False
    by_code: bool = False
    vr: str = ""
    other_vr: str = ""

    def packed(self) -> tuple[Any, ...]:
        """Return the plan as the core takes it."""
        return tuple(vars(self).values())


class Decider(Protocol):
    """Who decides; what it raises makes the core decline the file."""

    def plan(self, place: int, tag: int) -> tuple[Any, ...]:
        """Return what is done with a tag in a place, as :meth:`Plan.packed`."""

    def private_plan(self, creator: str, tag: int) -> tuple[Any, ...]:
        """Return what is done with a private element; its block in ``tag`` is zero."""

    def answer(
        self, number: int, vr: str, value: bytes, around: bytes
    ) -> tuple[bytes, str, int, bool]:
        """Return what a value becomes under the plan of this number.

        That is the element as written (empty to remove it), the label to count, the number of the
        pseudonyms given, and whether another instance of the session could get another answer.
        ``around`` holds the code that the value belongs to (:func:`parts_of`).
        """


@dataclass(frozen=True)
class Telling:
    """The elements that decisions depend on, as tables of the core; see ``native/keys.h``."""

    tables: tuple[bytes, bytes, bytes, bytes]

    @classmethod
    def of(
        cls,
        anywhere: Iterable[int],
        top: Iterable[int],
        pixels: Iterable[int],
        own: Iterable[int],
    ) -> Telling:
        """Pack sets of tags."""
        some = (anywhere, top, pixels, own)
        first, second, third, fourth = (
            np.array(sorted(set(tags)), np.uint32).tobytes() for tags in some
        )
        return cls((first, second, third, fourth))


@dataclass(frozen=True)
class Pixels:
    """Native pixels that may go as they are; with ``look``, where nobody drew into them."""

    look: bool
    frames: int = 0
    pixels: int = 0
    bits: int = 8
    stored: int = 8
    high: int = 7
    signed: bool = False

    def packed(self) -> tuple[Any, ...]:
        """Return the numbers as the core takes them."""
        return tuple(int(number) for number in vars(self).values())


@dataclass(frozen=True)
class Rewritten:
    """One new file: its UIDs and modality, what was done how often, and the pseudonyms given.

    ``given`` holds (tag, original, pseudonym), or the decider's number for some; ``session`` is the
    key of the session that decided.
    """

    study: str
    series: str
    instance: str
    modality: str
    size: int
    sha256: str
    actions: Mapping[str, int]
    given: list[tuple[int, str, str] | int]
    session: bytes


@dataclass(frozen=True)
class Declined:
    """Why the core left a file alone, and the keys to teach it by, where it has them."""

    why: str
    people: bytes | None
    pixels: bytes | None


def make_session(
    decider: Decider,
    *,
    fixed: Iterable[tuple[int, bytes]],
    known: Iterable[bytes],
    key: bytes,
    keeps_private: bool,
    patient: str,
    meta: tuple[bytes, bytes],
) -> Any:
    """Return a session of the core.

    ``fixed`` are the elements that every file gets, ``known`` identifiers that are numbers without
    zeros in front, ``key`` the project's; ``patient`` names the folder of the files; ``meta`` is
    the file meta as written, before the SOP Instance UID and after it.
    """
    before, after = meta
    return load_core().Session(
        decider=decider,
        fixed=tuple(sorted(fixed)),
        known=tuple(sorted(known)),
        key=key,
        keeps_private=keeps_private,
        patient=patient.encode("ascii"),
        meta_before=before,
        meta_after=after,
    )


def rewrite_file(
    source: bytes | memoryview,
    folder: bytes,
    telling: Telling,
    sessions: dict[bytes, Any],
    pixels: dict[bytes, Any],
) -> Rewritten | Declined:
    """Write ``source`` (a path or its content) under ``folder``/patient/study/series, or decline.

    ``sessions`` and ``pixels`` (:meth:`Pixels.packed`, None where they have to be looked at by
    others) are what was learnt, by the keys of :class:`Declined`. Raises :class:`OSError` when the
    folder cannot be written.
    """
    found = load_core().rewrite_file(source, folder, telling.tables, sessions, pixels)
    return Declined(*found) if len(found) == 3 else Rewritten(*found)


@cache
def _part() -> np.dtype[Any]:
    return np.dtype([("tag", np.uint32), ("vr", np.uint16), ("length", np.uint32)])


def parts_of(around: bytes) -> list[tuple[int, str, bytes]]:
    """Return the tag, VR ('' where the file has none) and value of each part of a code."""
    parts: list[tuple[int, str, bytes]] = []
    at, width = 0, _part().itemsize
    while at < len(around):
        tag, vr, length = (int(n) for n in np.frombuffer(around, _part(), 1, at)[0])
        letters = bytes((vr >> 8, vr & 0xFF)).decode("ascii") if vr else ""
        parts.append((tag, letters, around[at + width : at + width + length]))
        at += width + length
    return parts

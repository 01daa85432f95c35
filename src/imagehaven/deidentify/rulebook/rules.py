"""What happens to an element, and why: the table under the profile's options, then default deny.

The combined actions of Table E.1-1 leave a choice by the IOD's type of the element. Without the
IOD at hand the action that is valid for every type is taken: a dummy satisfies types 1, 2 and 3, an
empty value types 2 and 3. So ``X/Z`` becomes Z, and ``X/D``, ``Z/D`` and ``X/Z/D`` become D; a
sequence is emptied or removed instead, since there is no dummy item that means nothing. ``X/Z/U*``
keeps the references with their UIDs mapped. An element that was empty stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR, keyword_for_tag

from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.table import TableRow, confidentiality_table

ACTIONS: Final = {
    "K": "keep",
    "C": "clean",
    "X": "remove",
    "Z": "empty",
    "D": "replace by a dummy",
    "U": "map UIDs",
    "P": "replace by a keyed pseudonym",
}
_DATES = ("DA", "DT", "TM")
_MODIFIED = "retain_longitudinal_modified_dates"
_FULL = "retain_longitudinal_full_dates"
#: VRs whose well-formed values are numbers, codes or tags, never sentences.
_CLOSED = re.compile(r"(?:CS|DS|IS|AS|FD|FL|US|SS|UL|SL|SV|UV|AT|OF|OD|OL|OV)(?: or (?:SS|US))?")


@dataclass(frozen=True)
class Decision:
    """An action of :data:`ACTIONS`; ``fallback`` is taken when a value cannot be cleaned."""

    action: str
    reason: str
    fallback: str = "X"


@dataclass(frozen=True)
class Entry:
    """What PS3.6 says of a tag: ``vr`` as written there (``US or SS``), '' when it is not there."""

    vr: str
    keyword: str
    most: int | None = None
    """The largest number of values that its VM allows, None for any."""


@lru_cache(maxsize=200_000)
def entry(tag: int) -> Entry:
    """Return the dictionary's entry of a standard tag; repeating groups have none."""
    if not dictionary_has_tag(tag):
        return Entry("", "")
    most = dictionary_VM(tag).rpartition("-")[2]
    return Entry(dictionary_VR(tag), keyword_for_tag(tag), int(most) if most.isdecimal() else None)


@lru_cache(maxsize=200_000)
def decide(profile: Profile, tag: int) -> Decision:
    """Decide on a standard element. Overlays, curves and private elements are decided elsewhere."""
    vr, keyword = entry(tag).vr, entry(tag).keyword
    if not vr:
        return Decision("X", "not in the data dictionary")
    row = _by_tag().get(tag)
    basic = _basic(row.basic, vr) if row else "X"
    override = profile.overrides.get(keyword)
    if override is not None:
        return Decision(override.action, override.reason, basic)
    if row is not None:
        return _by_table(row, vr, basic, profile.options)
    return _by_allowance(profile, keyword, vr)


def _by_table(row: TableRow, vr: str, basic: str, options: frozenset[str]) -> Decision:
    chosen = [(option, row.options[option]) for option in row.options if option in options]
    if vr in _DATES and _MODIFIED in options and _MODIFIED in row.options:
        chosen = [(_MODIFIED, "C")]  # a device's dates move too, or its shift would give the rest
    for option, action in sorted(chosen, key=lambda pair: pair[1], reverse=True):
        return Decision(action, f"Table E.1-1, {option}", basic)
    return Decision(basic, f"Table E.1-1, basic profile {row.basic}", basic)


def _by_allowance(profile: Profile, keyword: str, vr: str) -> Decision:
    """Decide on a standard element that Table E.1-1 does not name: default deny."""
    keep_dates = _FULL in profile.options or _MODIFIED in profile.options
    decision = Decision("X", "free text or bytes that no rule allows")
    if vr == "UI":
        decision = Decision("U", "a UID may hold dates and serial numbers")
    elif vr in _DATES:
        action = "C" if _MODIFIED in profile.options else "K"
        decision = Decision(action if keep_dates else "X", "a date, by the profile's date option")
    elif vr == "SQ":
        decision = Decision("C", "each element inside is decided by itself")
    elif keyword in profile.descriptors:
        fallback = profile.descriptors[keyword]
        decision = Decision("C", "a description of the allow-list", fallback)
    elif keyword in profile.kept or keyword in profile.bulk:
        decision = Decision("K", "reviewed allow-list")
    elif _CLOSED.fullmatch(vr):
        decision = Decision("K", f"VR {vr} holds no free text")
    return decision


def _basic(action: str, vr: str) -> str:
    """Resolve a basic action by the rule in this module's docstring."""
    if "U" in action or (vr == "UI" and action == "D"):
        return "U"
    if vr == "SQ":
        return "X" if action in ("X", "X/D", "X/Z/D") else "Z"
    return action.rsplit("/", maxsplit=1)[-1]


@cache
def _by_tag() -> Mapping[int, TableRow]:
    rows = confidentiality_table()
    return {int(row.tag, 16): row for row in rows if not set(row.tag) - set("0123456789ABCDEF")}

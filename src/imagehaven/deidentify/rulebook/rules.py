"""What happens to an element, and why: the table under the profile's options, then default deny.

The combined actions of Table E.1-1 leave a choice by the Type of the element in the IOD
(PS3.15 E.3): a dummy is right for Types 1, 2 and 3, an empty value for 2 and 3, removal for 3. The
one that says least is taken: for ``X/Z/D``, X when the Type is 3, Z when it is 2, D when it is 1.
Where the IOD is not known the last one stands, which is right for every Type. An action that would
break the IOD all the same (an X on a Type 1) gives way to the least that does not. In a sequence, D
keeps the items with dummies in what they must have. ``X/Z/U*`` keeps references with their UIDs
mapped. An element that was empty stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR, keyword_for_tag

from imagehaven.deidentify.rulebook.iod import NEEDS_PLACE, NEEDS_VALUE, type_of
from imagehaven.deidentify.rulebook.layers import Context
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
_UIDS = "retain_uids"
_IDENTITIES: Final = (_UIDS, "retain_device_identity", "retain_institution_identity")
_LEAST_FIRST: Final = ("X", "Z", "D")
#: VRs whose well-formed values are numbers, codes or tags, never sentences.
_CLOSED = re.compile(r"(?:CS|DS|IS|AS|FD|FL|US|SS|UL|SL|SV|UV|AT|OF|OD|OL|OV)(?: or (?:SS|US))?")


@dataclass(frozen=True)
class Decision:
    """An action of :data:`ACTIONS`; ``fallback`` is taken when a value cannot be cleaned.

    ``code`` is the table's, '' where it has none; ``kind`` the Type in the IOD, '' when unknown;
    ``where`` the line of the profile that says so, '' when it is the table or default deny.
    """

    action: str
    reason: str
    fallback: str = "X"
    code: str = ""
    kind: str = ""
    where: str = ""
    verbatim: bool = False
    """Kept as it stands, since an option retains the identity of a device or an institution."""


@dataclass(frozen=True)
class Entry:
    """What PS3.6 says of a tag: ``vr`` as written there (``US or SS``), '' when it is not there."""

    vr: str
    keyword: str
    most: int | None = None
    """The largest number of values that its VM allows, None for any."""
    least: int = 1
    """The smallest number of values that its VM allows, where there is one at all."""


@lru_cache(maxsize=200_000)
def entry(tag: int) -> Entry:
    """Return the dictionary's entry of a standard tag; repeating groups have none."""
    if not dictionary_has_tag(tag):
        return Entry("", "")
    least, _, most = dictionary_VM(tag).partition("-")
    most = most or least
    return Entry(
        vr=dictionary_VR(tag),
        keyword=keyword_for_tag(tag),
        most=int(most) if most.isdecimal() else None,
        least=int(least) if least.isdecimal() else 1,
    )


_ANYWHERE: Final = Context()


@lru_cache(maxsize=200_000)
def decide(profile: Profile, tag: int, context: Context = _ANYWHERE) -> Decision:
    """Decide on a standard element. Overlays, curves and private elements are decided elsewhere."""
    vr, keyword = entry(tag).vr, entry(tag).keyword
    if not vr:
        return Decision("X", "not in the data dictionary")
    kind = type_of(keyword, context.sop_class, context.sequence)
    row = table_row(tag)
    basic = resolve(row.basic, kind, vr) if row else _least(kind, vr)
    code = row.basic if row else ""
    found = profile.override(keyword, context)
    if found is not None:
        layer, override = found
        action = resolve(override.action, kind, vr)
        what = f"{layer.kind} {layer.key}: " if layer.key else ""
        return Decision(action, what + override.reason, basic, code, kind, override.where)
    if row is None and vr == "UI" and _UIDS in profile.options:
        why = "UIDs are retained"
        return Decision("K", why, "U", code, kind, profile.options[_UIDS], verbatim=True)
    if row is None:
        action, reason, fallback, where = _by_allowance(profile, keyword, vr, kind, basic)
        return Decision(action, reason, fallback, code, kind, where)
    action, option = _by_table(row, vr, basic, profile)
    reason = f"Table E.1-1, {option or f'basic profile {row.basic}'}"
    where, verbatim = profile.options.get(option, ""), action == "K" and option in _IDENTITIES
    return Decision(action, reason, basic, code, kind, where, verbatim)


def resolve(code: str, kind: str, vr: str) -> str:
    """Resolve a code of Table E.1-1 (or an override's) by the element's Type, as said above."""
    if code in ("K", "C", "P"):
        return code
    if "U" in code or (vr == "UI" and "D" in code):
        return "U"
    allowed = code.split("/")
    if not kind:
        return _unknown_type(allowed, vr)
    needed = "D" if kind in NEEDS_VALUE else "Z" if kind in NEEDS_PLACE else "X"
    if allowed == ["X"] and kind in ("1C", "2C"):
        needed = "X"  # the Standard says so: what is conditional may be absent
    if vr == "SQ" and allowed == ["D"] and needed != "D":
        return needed
    least = _LEAST_FIRST.index(needed)
    possible = [one for one in _LEAST_FIRST[least:] if one in allowed]
    return _uid(possible[0] if possible else needed, vr)


def _unknown_type(allowed: list[str], vr: str) -> str:
    if vr == "SQ":
        return "X" if allowed in (["X"], ["X", "D"], ["X", "Z", "D"]) else "Z"
    return allowed[-1]


def _uid(action: str, vr: str) -> str:
    return "U" if vr == "UI" and action == "D" else action


def _least(kind: str, vr: str) -> str:
    """Return what a value that nothing allows becomes: a dummy or empty where it must be there."""
    if vr == "SQ":
        return "X"
    return _uid("D" if kind in NEEDS_VALUE else "Z" if kind in NEEDS_PLACE else "X", vr)


def _by_table(row: TableRow, vr: str, basic: str, profile: Profile) -> tuple[str, str]:
    """Return the action, and the option that it comes from, '' for the basic profile's."""
    options = profile.options
    chosen = [(option, row.options[option]) for option in row.options if option in options]
    if vr in _DATES and _MODIFIED in options and _MODIFIED in row.options:
        chosen = [(_MODIFIED, "C")]  # a device's dates move too, or its shift would give the rest
    for option, action in sorted(chosen, key=lambda pair: pair[1], reverse=True):
        return action, option
    return basic, ""


def _by_allowance(
    profile: Profile, keyword: str, vr: str, kind: str, least: str
) -> tuple[str, str, str, str]:
    """Decide on a standard element that Table E.1-1 does not name: default deny."""
    date_option = next((name for name in (_FULL, _MODIFIED) if name in profile.options), "")
    action, reason, fallback, where = least, "free text or bytes that no rule allows", least, ""
    if vr == "UI":
        action, reason = "U", "a UID may hold dates and serial numbers"
    elif vr in _DATES:
        reason = "a date, by the profile's date option"
        if date_option:
            action = "C" if date_option == _MODIFIED else "K"
            where = profile.options[date_option]
    elif vr == "SQ":
        action, reason = "C", "each element inside is decided by itself"
    elif keyword in profile.descriptors:
        action, reason = "C", "a description of the allow-list"
        fallback = resolve(profile.descriptors[keyword], kind, vr)
    elif keyword in profile.kept or keyword in profile.bulk:
        action, reason = "K", "reviewed allow-list"
    elif _CLOSED.fullmatch(vr):
        action, reason = "K", f"VR {vr} holds no free text"
    return action, reason, fallback, where


def table_row(tag: int) -> TableRow | None:
    """Return the row of Table E.1-1 for a tag, None when it has none."""
    return _by_tag().get(tag)


@cache
def _by_tag() -> Mapping[int, TableRow]:
    rows = confidentiality_table()
    return {int(row.tag, 16): row for row in rows if not set(row.tag) - set("0123456789ABCDEF")}

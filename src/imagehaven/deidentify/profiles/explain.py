"""Why an element is kept, changed or removed: every step that leads to the decision, with its line.

What is said comes from the functions that decide; nothing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_has_tag, tag_for_keyword

from imagehaven.deidentify.rulebook.iod import is_known
from imagehaven.deidentify.rulebook.layers import Context
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import ACTIONS, Decision, decide, entry, table_row
from imagehaven.deidentify.rulebook.table import confidentiality_table, safe_private
from imagehaven.errors import UserError

_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_PRIVATE = re.compile(r"\(?([0-9A-Fa-f]{4}),?[xX0-9A-Fa-f]{2}([0-9A-Fa-f]{2})\)?:(.+)")
_CURVES, _OVERLAYS = 0x50, 0x60
_REPEATING = (_CURVES, _OVERLAYS)


@dataclass(frozen=True)
class Explanation:
    """What happens to one element under a profile, and the steps that lead there."""

    element: str
    keyword: str
    vr: str
    profile: str
    action: str
    does: str
    fallback: str | None
    steps: tuple[dict[str, str], ...]

    def summary(self) -> dict[str, Any]:
        """Return the explanation for reports and ``--json``."""
        return {
            "element": self.element,
            "keyword": self.keyword,
            "vr": self.vr,
            "profile": self.profile,
            "action": self.action,
            "does": self.does,
            "fallback": self.fallback,
            "steps": list(self.steps),
        }


def explain(profile: Profile, element: str, context: Context) -> Explanation:
    """Explain an element given as keyword, as ``(gggg,eeee)`` or as ``(gggg,xxee):CREATOR``.

    Raises :class:`UserError` when it is none of these.
    """
    private = _PRIVATE.fullmatch(element.strip())
    if private:
        group, low, creator = int(private[1], 16), int(private[2], 16), private[3].strip()
        return _private(profile, group, low, creator)
    tag = _tag(element.strip())
    if (tag >> 16) % 2:
        raise UserError(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is private: what it is depends on its creator. "
            f'Name that too, as in "({tag >> 16:04X},xx{tag & 0xFF:02X}):CREATOR".'
        )
    if tag >> 24 in _REPEATING:
        return _repeating(profile, tag)
    found = decide(profile, tag, profile.normal(context))
    return Explanation(
        element=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        keyword=entry(tag).keyword,
        vr=entry(tag).vr,
        profile=profile.name,
        action=found.action,
        does=ACTIONS[found.action],
        fallback=_fallback(found),
        steps=tuple(_steps(profile, tag, context, found)),
    )


def _steps(
    profile: Profile, tag: int, context: Context, found: Decision
) -> Iterator[dict[str, str]]:
    row = table_row(tag)
    if row is None:
        yield _step("PS3.15 Table E.1-1", "does not name it")
    else:
        yield _step("PS3.15 Table E.1-1", f"basic profile: {row.basic}")
        for option, action in row.options.items():
            line = profile.options.get(option, "")
            state = "chosen" if line else "not chosen"
            yield _step(f"option {option}", f"{action}, {state}", line)
    yield _step("Type in the IOD (PS3.3)", _type(found, context))
    for layer in profile.layers:
        override = layer.overrides.get(entry(tag).keyword)
        if override is not None:
            what = f"{layer.kind} {layer.key}".strip()
            state = "" if layer.applies(context) else " (does not apply here)"
            says = f"{override.action}: {override.reason}{state}"
            yield _step(f"override, {what}", says, override.where)
    yield _step("so", f"{found.action}, {ACTIONS[found.action]}: {found.reason}", found.where)


def _type(found: Decision, context: Context) -> str:
    place = f"items of {context.sequence}" if context.sequence else "the top level"
    if found.kind == "3":
        return f"3 or not in the IOD ({place}): it may be removed"
    if found.kind:
        return f"{found.kind} ({place})"
    if context.sop_class and not is_known(context.sop_class):
        return "unknown: no IOD is known for this SOP class, so every Type is satisfied"
    return "depends on the SOP class: name it to see what an image of it becomes"


def _private(profile: Profile, group: int, low: int, creator: str) -> Explanation:
    if group % 2 == 0:
        raise UserError(f"({group:04X},xx{low:02X}) is not private: private groups are odd.")
    row = safe_private().get((creator, group, low))
    option = profile.options.get("retain_safe_private", "")
    kept = row is not None and bool(option)
    listed = (
        _step("known-safe list", "does not name this creator and element: removed")
        if row is None
        else _step("known-safe list", f"{row.vr} {row.meaning} ({row.source})", row.where)
    )
    chosen = "chosen" if option else "not chosen: every private element is removed"
    so = "K, keep: in a block numbered anew, after the value was scanned" if kept else "X, remove"
    return Explanation(
        element=f"({group:04X},xx{low:02X})",
        keyword=row.meaning if row else "",
        vr=row.vr if row else "",
        profile=profile.name,
        action="K" if kept else "X",
        does=ACTIONS["K" if kept else "X"],
        fallback="X" if kept else None,
        steps=(listed, _step("option retain_safe_private", chosen, option), _step("so", so)),
    )


def _repeating(profile: Profile, tag: int) -> Explanation:
    wanted = f"{tag >> 24:02X}xx{tag & 0xFFFF:04X}"
    rows = [row for row in confidentiality_table() if row.tag in (wanted, f"{tag >> 24:02X}xxxxxx")]
    named = [_step("PS3.15 Table E.1-1", f"{row.tag}: basic profile: {row.basic}") for row in rows]
    line = profile.options.get("clean_graphics", "") if tag >> 24 == _OVERLAYS else ""
    action = "C" if line else "X"
    says = "what text is found in an overlay is blanked" if line else "they can show text"
    return Explanation(
        element=f"({wanted[:4]},{wanted[4:]})",
        keyword="",
        vr="",
        profile=profile.name,
        action=action,
        does=ACTIONS[action],
        fallback="X" if line else None,
        steps=(*named, _step("so", f"{action}, {ACTIONS[action]}: {says}", line)),
    )


def _fallback(found: Decision) -> str | None:
    return found.fallback if found.action == "C" else None


def _tag(element: str) -> int:
    by_keyword = tag_for_keyword(element)
    if by_keyword is not None:
        return int(by_keyword)
    numbers = _TAG.fullmatch(element)
    if numbers is None:
        raise UserError(
            f"{element!r} names no element. Give a keyword of PS3.6 (StudyDate), a tag "
            '((0008,0020)), or a private one with its creator ("(0019,xx0C):SIEMENS MR HEADER").'
        )
    tag = int(numbers[1] + numbers[2], 16)
    if not dictionary_has_tag(tag) and (tag >> 16) % 2 == 0 and tag >> 24 not in _REPEATING:
        raise UserError(f"{element} is not in the data dictionary (PS3.6); such elements go.")
    return tag


def _step(what: str, says: str, where: str = "") -> dict[str, str]:
    return {"step": what, "says": says, "where": where}

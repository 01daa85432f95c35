"""What two profiles do differently: options, and every element with another decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom._dicom_dict import DicomDictionary

from imagehaven.deidentify.rulebook.layers import Context
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import Decision, decide, entry


def differences(one: Profile, other: Profile, context: Context) -> list[dict[str, Any]]:
    """Return a row for each standard element that the two decide on differently, by tag."""
    return list(_differing(one, other, context))


def _differing(one: Profile, other: Profile, context: Context) -> Iterator[dict[str, Any]]:
    for tag in sorted(DicomDictionary):
        if tag >> 16 < 8:
            continue  # commands, and file meta information: written anew by every profile
        first = decide(one, tag, one.normal(context))
        second = decide(other, tag, other.normal(context))
        if _does(first) != _does(second):
            yield {
                "keyword": entry(tag).keyword,
                "tag": f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                one.name: _does(first),
                other.name: _does(second),
                "because": f"{first.reason} / {second.reason}",
            }


def _does(decision: Decision) -> str:
    return f"C/{decision.fallback}" if decision.action == "C" else decision.action

"""Decides what each read item is: new, a duplicate, a conflict, or bound for the quarantine.

The rule, for a file that reads well: the same source with the same content is *unchanged* (and
counts as a duplicate); the first content under a SOPInstanceUID is *catalogued*; the same data
set in the same transfer syntax again is a *duplicate*; anything else under that UID is a
*conflict*, recorded and never chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["catalogued", "duplicate", "unchanged", "conflicting", "quarantined", "container"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rule looks at: ``instance`` and ``source`` are keys, the others fingerprints."""

    kind: str
    instance: bytes
    fingerprint: bytes
    source: bytes
    content: bytes


@dataclass(frozen=True)
class Seen:
    """What the catalogue already knows of a chunk's keys, by key."""

    instance: Mapping[bytes, bytes] = field(default_factory=dict)
    source: Mapping[bytes, bytes] = field(default_factory=dict)


def judge(candidates: Iterable[Candidate], seen: Seen) -> list[State]:
    """The state of each candidate, in order; the first of a chunk counts before the second."""
    first: dict[bytes, bytes] = dict(seen.instance)
    states: list[State] = []
    for candidate in candidates:
        states.append(_state(candidate, seen, first))
    return states


def _state(candidate: Candidate, seen: Seen, first: dict[bytes, bytes]) -> State:
    if candidate.kind == "quarantined":
        return "quarantined"
    if candidate.kind == "container":
        return "container"
    if seen.source.get(candidate.source) == candidate.content:
        return "unchanged"
    known = first.get(candidate.instance)
    if known is None:
        first[candidate.instance] = candidate.fingerprint
        return "catalogued"
    return "duplicate" if known == candidate.fingerprint else "conflicting"

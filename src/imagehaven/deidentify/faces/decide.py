"""What to do with a series: nothing to remove, a plane to cut along, or not to be released.

Pixels and what the tags say of the body part decide together. A head is defaced whatever the tags
say. Where the pixels show something of a head's size but no brain can be believed, tags that name
another part of the body let it pass; tags that name the head, or nothing, withhold it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from imagehaven.deidentify.faces import skin
from imagehaven.deidentify.faces.head import Candidate, Head, head_at, heads
from imagehaven.deidentify.faces.shear import Plane, shear_plane
from imagehaven.deidentify.faces.skull import Brain, brain_of, doubts
from imagehaven.deidentify.faces.volume import Volume

BUFFERS: Final = (10.0, 8.0, 6.0, 4.0)
"""Millimetres that the cut stays away from the brain: the first that takes the face is used."""
SHARES: Final = {0.5: 0.0, 0.6: 1.0, 0.7: 2.0}
"""What BET takes for dark, in turn: where the brain leaked into the orbits it is looked for again,
with more of what surrounds it taken to be dark, as people do who use BET by hand. Such a brain is
smaller than the real one, so the cut stays away from it by so many millimetres more."""
_WITNESS: Final = 0.7
"""A frontal pole that this one sees higher up shows that another mask had leaked."""
_BELOW_CHIN: Final = 150.0


class Verdict(StrEnum):
    """What becomes of a series."""

    NO_FACE = "no-face"
    REMOVE = "remove"
    WITHHOLD = "withhold"


class Part(StrEnum):
    """What the tags say of the part of the body."""

    HEAD = "head"
    OTHER = "other"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class Decision:
    """A verdict and why; with a ``plane`` (mm, LPS) and the value of ``air`` where a face goes.

    ``air`` is in the units after rescale (Hounsfield units in CT). ``gone`` is the share of the
    face's skin that the plane takes.
    """

    verdict: Verdict
    detail: str
    plane: Plane | None = None
    air: float = 0.0
    gone: float = 0.0


def decide(volume: Volume, part: Part, *, ct: bool) -> Decision:
    """Decide on the volume of a CT (``ct``, values in Hounsfield units) or MR series."""
    candidates = heads(volume, ct=ct)
    if not candidates and part is Part.HEAD:
        return Decision(Verdict.WITHHOLD, "the tags name the head, and none can be made out")
    if not candidates:
        return Decision(Verdict.NO_FACE, "nothing in the field of view has the size of a head")
    reasons: list[str] = []
    for candidate in candidates:
        found = _deface(volume, candidate, part, ct=ct)
        if isinstance(found, Decision):
            return found
        reasons += found
    why = "; ".join(dict.fromkeys(reasons))
    if part is Part.OTHER:
        return Decision(Verdict.NO_FACE, f"the tags name another body part, and no head: {why}")
    return Decision(Verdict.WITHHOLD, f"a head may be in the field of view: {why}")


def undecided(part: Part, why: str) -> Decision:
    """Decide on a series that is no volume, by its tags: only another body part may pass."""
    if part is Part.OTHER:
        return Decision(Verdict.NO_FACE, f"the tags name another body part; {why}")
    return Decision(Verdict.WITHHOLD, why)


def _deface(volume: Volume, candidate: Candidate, part: Part, *, ct: bool) -> Decision | list[str]:
    """Return the plane for a candidate, the decision to withhold it, or why it is no head."""
    head = head_at(volume, candidate, ct=ct)
    if not head.solid.any() or head.top - head.low < 10:
        return ["there is too little of it"]
    if part is Part.OTHER and not candidate.crown:
        return ["it has no crown"]
    reasons: list[str] = []
    kept: Decision | None = None
    witness = brain_of(volume, head, ct=ct, share=_WITNESS)
    believed = not doubts(head, witness, volume, ct=ct)
    for share, more in SHARES.items():
        brain = witness if share == _WITNESS else brain_of(volume, head, ct=ct, share=share)
        doubtful = doubts(head, brain, volume, ct=ct)
        if doubtful:
            reasons += doubtful
            continue
        poles = [brain.pole, *([witness.pole] if believed else [])]
        pole = max(poles, key=lambda one: float(one[2]))
        kept = _cut(volume, head, _Found(brain, pole, more), ct=ct)
        if kept.verdict is not Verdict.WITHHOLD:
            return kept
    return kept or reasons


@dataclass(frozen=True)
class _Found:
    """A believed brain, the highest frontal pole seen, and how much more (mm) to stay away."""

    brain: Brain
    pole: np.typing.NDArray[np.float64]
    more: float


def _cut(volume: Volume, head: Head, found: _Found, *, ct: bool) -> Decision:
    grid, points, pole = head.grid, found.brain.points, found.pole
    before = skin.depth_map(head.tissue, grid.step)
    region = skin.face_region(before, pole, grid.step)
    forward = skin.forward_skin(before, region, grid.step)
    air = _air(volume, head, ct=ct)
    if not forward.size:
        return Decision(Verdict.NO_FACE, "the field of view ends above the eyes")
    voxels = np.moveaxis(np.indices(grid.values.shape, np.float64), 0, -1) * grid.step
    gone = 0.0
    for buffer in BUFFERS:
        floor = float(found.brain.pole[2]) - _BELOW_CHIN
        plane = shear_plane(points, forward, buffer=buffer + found.more, floor=floor)
        after = skin.depth_map(head.tissue & ~plane.removes(voxels), grid.step)
        gone = skin.face_share_gone(before, after, region)
        if skin.face_is_gone(before, after, region):
            moved = _moved(plane, grid.origin)
            return Decision(Verdict.REMOVE, "the face is cut off", moved, air, gone)
    return Decision(Verdict.WITHHOLD, "no cut that spares the brain takes the whole face")


def _moved(plane: Plane, origin: np.typing.NDArray[np.float64]) -> Plane:
    """Return a plane of grid coordinates in those of the patient."""
    offset = plane.offset + float(np.array(plane.normal) @ origin)
    return replace(plane, offset=offset, floor=plane.floor + float(origin[2]))


def _air(volume: Volume, head: Head, *, ct: bool) -> float:
    """Return the value of air: -1000 Hounsfield units, or the middle of what surrounds an MR."""
    if ct:
        return -1000.0
    outside = head.grid.known & ~head.solid
    values = head.grid.values[outside] if outside.any() else volume.values
    return float(np.median(values)) if outside.any() else float(values.min())

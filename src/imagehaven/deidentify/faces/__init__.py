"""Faces: heads in CT and MR lose theirs, by Quickshear, or are not released.

Purpose: the Clean Recognizable Visual Features Option (PS3.15 E.3.2) for volumes, optional per
profile (``clean_recognizable_visual_features``).

Comes in: all instances of a series (:func:`decide_series`), then each of them
(:func:`without_face`).

Goes out: the instance itself where no head is in the field of view; a copy whose voxels in front
of one plane are air where the face could be cut off; else :class:`~imagehaven.errors.Withheld`
``face-not-removed``.

Guarantees: voxels that stay keep their bits; every slice of a series is cut by the same plane; a
head is believed to be defaced only where its brain was found, doubted and spared, and where the
skin of the face is seen to be gone; what could not be looked at is withheld.
"""

from imagehaven.deidentify.faces.cutting import REASON, without_face
from imagehaven.deidentify.faces.decide import Decision, Verdict
from imagehaven.deidentify.faces.deface import DefaceSummary, decide_all, deface
from imagehaven.deidentify.faces.series import decide_series

OPTION = "clean_recognizable_visual_features"

__all__ = [
    "OPTION",
    "REASON",
    "Decision",
    "DefaceSummary",
    "Verdict",
    "decide_all",
    "decide_series",
    "deface",
    "without_face",
]

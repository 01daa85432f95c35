"""Which builder makes which protocol."""

from __future__ import annotations

from collections.abc import Callable

from imagehaven.errors import TerminalError
from imagehaven.synth.images import cross_section, derived, documents, projection, screens
from imagehaven.synth.images.instance import Instance, Shoot

_BUILDERS: dict[str, Callable[[Shoot], list[Instance]]] = {
    "ct": cross_section.ct,
    "mr": cross_section.mr,
    "pet": cross_section.pet,
    "radiograph": projection.radiograph,
    "angiogram": projection.angiogram,
    "nuclear": projection.nuclear,
    "ultrasound": screens.ultrasound,
    "capture": screens.capture,
    "segmentation": derived.segmentation,
    "structures": derived.structures,
    "presentation": derived.presentation,
    "report": documents.report,
    "document": documents.document,
}


def build(shoot: Shoot) -> list[Instance]:
    """Return the instances of one series; raises TerminalError where there is no such builder."""
    name = shoot.protocol["builder"]
    if name not in _BUILDERS:
        choices = ", ".join(_BUILDERS)
        raise TerminalError(f"synth/data/protocols.yaml: no builder {name!r}; there are {choices}")
    return _BUILDERS[name](shoot)

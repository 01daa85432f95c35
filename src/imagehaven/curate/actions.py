"""The curate verb."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from imagehaven.actions import action
from imagehaven.curate.refresh import refresh, stale
from imagehaven.curate.views import MODALITIES
from imagehaven.haven import Haven


@dataclass(frozen=True)
class CurateReport:
    """How many views are declared, and which of them were made or changed."""

    views: int
    changed: list[str]

    def summary(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@action("curate", permission="data-manager", event="curate")
def curate(haven: Haven, *, check: bool = False) -> CurateReport:
    """Bring the modality views to what is declared, the haven's own ``views/*.yaml`` included.

    Nothing is reloaded: a view reads the elements that the catalogue holds. With ``check`` only
    says which would change. Raises UserError naming the file and line at fault.
    """
    return CurateReport(len(MODALITIES), stale(haven) if check else refresh(haven))

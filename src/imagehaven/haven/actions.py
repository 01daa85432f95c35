"""The verbs on the haven as a whole: make it, test it, and read its audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.haven import settings
from imagehaven.haven.checks import Finding, examine
from imagehaven.haven.haven import Haven
from imagehaven.haven.settings import Settings
from imagehaven.ledger import AuditRow, AuditVerdict


@dataclass(frozen=True)
class Made:
    """Where a haven is and where its stores are; ``new`` is False for one that was there."""

    folder: str
    new: bool
    ledger: str
    lake: str

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return {
            "folder": self.folder,
            "new": self.new,
            "ledger": self.ledger,
            "lake": self.lake,
        }


@dataclass(frozen=True)
class Health:
    """What the doctor found; ``healthy`` is False when something needed does not work."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """True when nothing needed failed."""
        return all(finding.ok or not finding.needed for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """``healthy`` and every finding as a mapping."""
        checks = [
            {
                "name": finding.name,
                "ok": finding.ok,
                "needed": finding.needed,
                "detail": finding.detail,
                "remedy": finding.remedy,
            }
            for finding in self.findings
        ]
        return {"healthy": self.healthy, "checks": checks}


# No event: before this call there is no trail to write to, so it writes its own row.
@action("init", permission="data-manager", event=None)
def init(folder: Path, options: Settings | None = None, *, check: bool = False) -> Made:
    """Make a haven in ``folder``, or bring one that is there to this version's schemas.

    A haven that is there keeps its settings and its keys; naming other stores for it is refused
    with a UserError. ``check`` says what would be made and makes nothing.
    """
    folder = Path(folder).absolute()
    new = not (folder / settings.FILE).exists()
    _refuse_other_stores(folder, options, new=new)
    if check:
        wanted = options or Settings()
        database = "PostgreSQL" if wanted.database else str(folder / "ledger.sqlite")
        return Made(str(folder), new, database, wanted.objects or str(folder / "lake"))
    haven = Haven.create(folder, options)
    made = Made(str(folder), new, haven.ledger.place, haven.lake.data)
    haven.ledger.audit.append(
        "init", {"folder": str(folder)}, outcome="done", detail=made.summary()
    )
    return made


@action("doctor", permission="anyone", event=None)
def doctor(haven: Haven) -> Health:
    """Test every store, key, font, decoder and permission that the haven needs.

    Nothing is left behind. Each finding that is not ok carries its remedy.
    """
    return Health(tuple(examine(haven)))


@action("audit list", permission="governance", event=None)
def audit_list(haven: Haven, *, last: int | None = None) -> list[AuditRow]:
    """The rows of the audit trail, oldest first; only the ``last`` ones when given."""
    rows: Iterator[AuditRow] = haven.ledger.audit.rows()
    every = list(rows)
    return every if last is None else every[max(0, len(every) - last) :]


@action("audit verify", permission="governance", event=None)
def audit_verify(haven: Haven) -> AuditVerdict:
    """Walk the whole audit chain; the verdict names the first row at fault."""
    return haven.ledger.audit.verify()


def _refuse_other_stores(folder: Path, options: Settings | None, *, new: bool) -> None:
    if new or options is None:
        return
    found = settings.read(folder)
    for name in ("database", "objects"):
        wanted = getattr(options, name)
        if wanted and wanted != getattr(found, name):
            raise UserError(
                f"{folder} is a haven already, with another {name}. Make a new haven, or edit "
                f"{name} in {folder / settings.FILE} and move what is stored."
            )

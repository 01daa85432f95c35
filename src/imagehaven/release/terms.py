"""The terms of a release: everything that decides its bytes, agreed before the first is written.

The same terms over the same originals give the same files. A release keeps its terms in the ledger
and in its manifest; a resumed release holds on to them, and a rerun explains by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from imagehaven import deidentify, verify
from imagehaven.cohort import get_version
from imagehaven.deidentify.pixels.devices import files_hash
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.ledger.versions import versions

#: What singles people out first, where nobody says anything else.
DEFAULT_QUASI_IDENTIFIERS: Final = ("PatientAge", "PatientSex")


@dataclass(frozen=True)
class Terms:
    """What a release is made from. Hashes are SHA-256 in hex; ``snapshot`` is the lake's.

    ``k`` is the fewest patients that may share a combination of ``quasi_identifiers`` (DICOM
    keywords); 0 asks for nothing. ``devices_sha256`` is of the haven's own device rules, empty
    where it has none.
    """

    project: str
    cohort: str
    version: int
    definition_sha256: str
    members_sha256: str
    snapshot: int
    profile: str
    profile_sha256: str
    rules_sha256: str
    versions: dict[str, str]
    devices_sha256: str = ""
    k: int = 0
    quasi_identifiers: list[str] = field(default_factory=list)

    @property
    def cohort_label(self) -> str:
        """How people name the cohort's version."""
        return f"{self.cohort}@{self.version}"

    @property
    def profile_name(self) -> str:
        """The profile's name; where it is a file of the site's own, without its folder."""
        return Path(self.profile).stem if "/" in self.profile else self.profile

    def published(self) -> dict[str, Any]:
        """The terms as they stand in a manifest: nothing of the machine's folders."""
        return {**self.to_json(), "profile": self.profile_name}

    def to_json(self) -> dict[str, Any]:
        """The terms as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Terms:
        """The terms that :meth:`to_json` gave."""
        return cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})

    def differences(self, other: Terms) -> list[str]:
        """What changed from these terms to ``other``, one sentence each."""
        found = []
        if (self.profile, self.profile_sha256) != (other.profile, other.profile_sha256):
            found.append(
                f"the de-identification profile changed: {self.profile} "
                f"({self.profile_sha256[:12]}) is now {other.profile} ({other.profile_sha256[:12]})"
            )
        if self.rules_sha256 != other.rules_sha256:
            found.append(
                f"the verification rules changed: {self.rules_sha256[:12]} is now "
                f"{other.rules_sha256[:12]}"
            )
        if self.devices_sha256 != other.devices_sha256:
            found.append(
                f"the device rules changed: {self.devices_sha256[:12] or 'none'} is now "
                f"{other.devices_sha256[:12] or 'none'}"
            )
        for name in sorted(self.versions.keys() | other.versions.keys()):
            before = self.versions.get(name, "absent")
            after = other.versions.get(name, "absent")
            if before != after:
                found.append(f"{name} changed: {before} is now {after}")
        if (self.k, self.quasi_identifiers) != (other.k, other.quasi_identifiers):
            found.append(
                f"the k-anonymity changed: {self.k} over {', '.join(self.quasi_identifiers) or '-'}"
                f" is now {other.k} over {', '.join(other.quasi_identifiers) or '-'}"
            )
        for name in ("cohort", "version", "definition_sha256", "members_sha256", "snapshot"):
            if getattr(self, name) != getattr(other, name):
                found.append(f"the cohort's {name.replace('_', ' ')} changed")
        return found


def agree(
    haven: Haven,
    project: str,
    cohort: str,
    profile: str | None,
    *,
    k: int = 0,
    quasi_identifiers: Sequence[str] = (),
) -> Terms:
    """The terms on which a cohort would be released now.

    Raises UserError when the project, cohort version, profile or a quasi-identifier does not exist.
    """
    asked = _quasi_identifiers(k, quasi_identifiers)
    version = get_version(haven, project, cohort)
    name = profile or haven.settings.profile
    return Terms(
        project=project,
        cohort=version.cohort,
        version=version.version,
        definition_sha256=version.sha256,
        members_sha256=version.members_sha256,
        snapshot=version.snapshot,
        profile=name,
        profile_sha256=deidentify.profile_hash(deidentify.load(name)),
        rules_sha256=verify.checks_hash(haven, project),
        versions=dict(versions()),
        devices_sha256=files_hash(verify.region_files(haven)),
        k=k,
        quasi_identifiers=asked,
    )


def _quasi_identifiers(k: int, asked: Sequence[str]) -> list[str]:
    if k < 0 or k == 1:
        raise UserError(f"k is {k}: give at least 2, or leave --k out for no k-anonymity.")
    if asked and not k:
        raise UserError("--quasi-identifier needs --k: the fewest patients that may look alike.")
    for keyword in asked:
        deidentify.ladder_of(keyword)
    return list(dict.fromkeys(asked or DEFAULT_QUASI_IDENTIFIERS)) if k else []

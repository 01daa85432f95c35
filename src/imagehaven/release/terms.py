"""The terms of a release: everything that decides its bytes, agreed before the first is written.

The same terms over the same originals give the same files. A release keeps its terms in the ledger
and in its manifest; a resumed release holds on to them, and a rerun explains by them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from imagehaven import deidentify, verify
from imagehaven.cohort import get_version
from imagehaven.haven import Haven
from imagehaven.ledger.versions import versions


@dataclass(frozen=True)
class Terms:
    """What a release is made from. Hashes are SHA-256 in hex; ``snapshot`` is the lake's."""

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
        return cls(**{field.name: values[field.name] for field in fields(cls)})

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
        for name in sorted(self.versions.keys() | other.versions.keys()):
            before = self.versions.get(name, "absent")
            after = other.versions.get(name, "absent")
            if before != after:
                found.append(f"{name} changed: {before} is now {after}")
        for name in ("cohort", "version", "definition_sha256", "members_sha256", "snapshot"):
            if getattr(self, name) != getattr(other, name):
                found.append(f"the cohort's {name.replace('_', ' ')} changed")
        return found


def agree(haven: Haven, project: str, cohort: str, profile: str | None) -> Terms:
    """The terms on which a cohort would be released now.

    Raises UserError when the project, cohort version or profile does not exist.
    """
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
        rules_sha256=verify.rules_hash(verify.default_rules()),
        versions=dict(versions()),
    )

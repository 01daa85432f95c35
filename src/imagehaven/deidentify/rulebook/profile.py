"""Profiles: which options of PS3.15 Annex E apply, what is allowed beyond its table, and why.

A profile is a YAML file: a name, options, and overrides with reasons. The reviewed lists that every
profile shares lie under ``data/``. Loading checks them and names the file and line at fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from pydicom.datadict import dictionary_VR, tag_for_keyword

from imagehaven.deidentify.rulebook.descriptors import Vocabulary
from imagehaven.deidentify.rulebook.table import OPTIONS, data_text
from imagehaven.deidentify.rulebook.technical import Technical
from imagehaven.errors import UserError

ACTIONS: Final = ("K", "C", "X", "Z", "D", "U", "P")
_SHARED: Final = (
    "ps315_e1.csv",
    "private_safe.csv",
    "allowed_text.yaml",
    "descriptor_vocabulary.txt",
    "technical_vocabulary.txt",
    "pixel_policy.yaml",
)


@dataclass(frozen=True)
class Override:
    """An action that replaces the table's for one element, and the reason for it."""

    action: str
    reason: str


@dataclass(frozen=True)
class Profile:
    """A loaded profile. Two profiles are equal when their ``digest`` is."""

    name: str
    digest: str
    options: frozenset[str] = field(compare=False)
    overrides: Mapping[str, Override] = field(compare=False)
    kept: frozenset[str] = field(compare=False)
    descriptors: Mapping[str, str] = field(compare=False)
    bulk: frozenset[str] = field(compare=False)
    coding_schemes: frozenset[str] = field(compare=False)
    vocabulary: Vocabulary = field(compare=False)
    technical: Technical = field(compare=False)


def load(name: str | Path = "research") -> Profile:
    """Load a profile by its name (``research``, ``basic``) or from a YAML file of one's own.

    Raises :class:`UserError` with the file and line when it is not there or not well-formed.
    """
    text, where = _profile_text(name)
    source = _Source(where, text)
    document = source.mapping(source.document, {"name", "options", "overrides"}, "the profile")
    allowed = _Source("allowed_text.yaml", data_text("allowed_text.yaml"))
    lists = allowed.mapping(
        allowed.document, {"kept", "descriptors", "bulk", "coding_schemes"}, "the file"
    )
    options = source.words(document["options"], OPTIONS, "an option")
    if "retain_longitudinal_full_dates" in options and (
        "retain_longitudinal_modified_dates" in options
    ):
        raise UserError(f"{where}: dates are either kept in full or modified; choose one option.")
    return Profile(
        name=str(document["name"]),
        digest=_digest(text),
        options=frozenset(options),
        overrides={
            keyword: _override(source, keyword, entry)
            for keyword, entry in source.keywords(document["overrides"] or {}).items()
        },
        kept=frozenset(allowed.keywords(dict.fromkeys(lists["kept"]))),
        descriptors={
            keyword: allowed.words([fallback], ("X", "Z", "D"), keyword)[0]
            for keyword, fallback in allowed.keywords(lists["descriptors"]).items()
        },
        bulk=frozenset(allowed.keywords(dict.fromkeys(lists["bulk"]))),
        coding_schemes=frozenset(str(scheme) for scheme in lists["coding_schemes"]),
        vocabulary=Vocabulary.load(),
        technical=Technical.load(),
    )


def profile_hash(profile: Profile) -> str:
    """Return the SHA-256 (hexadecimal) over the profile and every rule file it builds on."""
    return profile.digest


@dataclass(frozen=True)
class _Source:
    """A YAML text with the name that its errors carry."""

    name: str
    text: str

    @property
    def document(self) -> Any:
        try:
            return yaml.safe_load(self.text)
        except yaml.YAMLError as error:
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            raise UserError(f"{self.name}:{line}: this is not valid YAML.") from None

    def mapping(self, value: Any, keys: set[str], what: str) -> dict[str, Any]:
        if not isinstance(value, dict) or set(value) != keys:
            raise UserError(f"{self.name}: {what} must have the keys {', '.join(sorted(keys))}.")
        return value

    def words(self, values: Iterable[Any], valid: tuple[str, ...], what: str) -> list[str]:
        found = [str(value) for value in values or ()]
        for word in found:
            if word not in valid:
                choices = ", ".join(valid)
                raise self.fault(word, f"{word!r} is not a choice for {what}: {choices}")
        return found

    def keywords(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        for keyword in values:
            if tag_for_keyword(str(keyword)) is None:
                raise self.fault(str(keyword), f"{keyword!r} is not a DICOM keyword (PS3.6)")
        return values

    def fault(self, word: str, message: str) -> UserError:
        lines = self.text.splitlines()
        line = next((n for n, content in enumerate(lines, 1) if word in content), 1)
        return UserError(f"{self.name}:{line}: {message}.")


def _override(source: _Source, keyword: str, entry: Any) -> Override:
    if not isinstance(entry, dict) or set(entry) != {"action", "reason"} or not entry["reason"]:
        raise source.fault(keyword, f"{keyword} must have an action and a reason")
    action = source.words([entry["action"]], ACTIONS, keyword)[0]
    if action == "P" and dictionary_VR(keyword) not in ("LO", "SH", "PN", "UC", "LT", "ST", "UT"):
        raise source.fault(keyword, f"{keyword} cannot hold a pseudonym: its VR is not text")
    return Override(action, str(entry["reason"]))


def _profile_text(name: str | Path) -> tuple[str, str]:
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        try:
            return Path(name).read_text(encoding="utf-8"), str(name)
        except (OSError, UnicodeDecodeError):
            raise UserError(f"The profile {name} cannot be read as UTF-8 text.") from None
    return data_text(f"{name}.yaml", "profiles"), f"{name}.yaml"


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in _SHARED:
        digest.update(b"\0" + data_text(name).encode())
    return digest.hexdigest()

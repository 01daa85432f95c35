"""The verbs about profiles: which there are, what one does to an element, how two differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from imagehaven.actions import action
from imagehaven.deidentify.profiles.differences import differences
from imagehaven.deidentify.profiles.examples import Tried, try_examples
from imagehaven.deidentify.profiles.explain import Explanation, explain
from imagehaven.deidentify.rulebook.layers import Context
from imagehaven.deidentify.rulebook.profile import load


@dataclass(frozen=True)
class Trial:
    """How the examples of a profile came out."""

    profile: str
    profile_hash: str
    tried: tuple[Tried, ...]

    @property
    def failed(self) -> int:
        """How many examples did not come out as the profile says."""
        return sum(not one.passed for one in self.tried)

    def summary(self) -> dict[str, Any]:
        """Return counts, and every example, for reports and ``--json``."""
        return {
            "profile": self.profile,
            "profile_hash": self.profile_hash,
            "tried": len(self.tried),
            "failed": self.failed,
            "examples": [asdict(one) for one in self.tried],
        }


@action("profile explain", permission="anyone", event=None)
def explain_profile(
    element: str,
    *,
    profile: str = "research",
    modality: str = "",
    manufacturer: str = "",
    sop_class: str = "",
    sequence: str = "",
) -> Explanation:
    """Explain what a profile does to an element, and why, step by step with files and lines.

    ``element`` is a keyword, a tag as ``(gggg,eeee)``, or a private element with its creator as
    ``(gggg,xxee):CREATOR``. The rest says in which images: layers and Types depend on it. Raises
    :class:`UserError` when the element or the profile is none.
    """
    context = Context(sop_class, modality, manufacturer, sequence)
    return explain(load(profile), element, context)


@action("profile diff", permission="anyone", event=None)
def diff_profiles(
    one: str, other: str, *, modality: str = "", manufacturer: str = "", sop_class: str = ""
) -> dict[str, Any]:
    """Compare two profiles: options of one alone, and each element that they decide on otherwise.

    Raises :class:`UserError` when one of them cannot be loaded.
    """
    first, second = load(one), load(other)
    context = Context(sop_class, modality, manufacturer)
    return {
        "profiles": [first.name, second.name],
        f"options of {first.name} alone": sorted(set(first.options) - set(second.options)),
        f"options of {second.name} alone": sorted(set(second.options) - set(first.options)),
        "elements": differences(first, second, context),
    }


@action("profile test", permission="anyone", event=None)
def try_profile(profile: str = "research") -> Trial:
    """Try the inline examples of a profile, and of what it extends, on the pass that would run.

    Raises :class:`UserError` when the profile cannot be loaded or an example cannot be tried.
    """
    loaded = load(profile)
    return Trial(loaded.name, loaded.digest, tuple(try_examples(loaded)))


@action("profile list", permission="anyone", event=None)
def list_profiles() -> list[dict[str, Any]]:
    """List the profiles that come with imagehaven: name, purpose, options, chain and hash."""
    found = []
    for place in sorted(files("imagehaven.deidentify").joinpath("profiles").iterdir(), key=str):
        if place.name.endswith(".yaml"):
            profile = load(place.name.removesuffix(".yaml"))
            found.append(
                {
                    "profile": profile.name,
                    "about": profile.about,
                    "options": sorted(profile.options),
                    "files": list(profile.files),
                    "sha256": profile.digest,
                }
            )
    return found

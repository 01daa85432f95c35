"""What reviewers have decided, as a scan needs it: what is harmless, and what must never stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagehaven.verify.detect.text import fold, squeeze
from imagehaven.verify.findings import Finding
from imagehaven.verify.known.identifiers import KnownIdentifiers

#: Detectors that know the value: a reviewer can only say that a whole value is harmless at its
#: element, never that somebody's name is.
KNOWING = frozenset({"known", "bytes", "element", "column"})


@dataclass(frozen=True)
class Decided:
    """Decisions that stand. The values in here are the vault's, and are never shown.

    ``harmless`` holds (rule, value) as normalised; ``harmless_wholes`` holds (rule, element, whole
    value); ``denied`` are values that were marked to be redacted.
    """

    harmless: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    harmless_wholes: frozenset[tuple[str, str, str]] = field(default=frozenset(), repr=False)
    denied: KnownIdentifiers = field(default=KnownIdentifiers(), repr=False)

    def settles(self, finding: Finding, value: str, text: str) -> bool:
        """Tell whether a reviewer has said that ``value``, standing in ``text``, is harmless."""
        if finding.detector in KNOWING:
            whole = (finding.rule, finding.element, normalised(text))
            return whole in self.harmless_wholes
        return (finding.rule, normalised(value)) in self.harmless


def normalised(value: str) -> str:
    """Return ``value`` as decisions compare it: letters and digits, case and accents folded."""
    return squeeze(value) or fold(value).strip()

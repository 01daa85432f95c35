"""What the verifier reports: one suspected identifier, told by its place and never by its value."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

VALUE_CLASSES: Final = frozenset(
    {
        "chi",
        "nhs",
        "name",
        "date",
        "postcode",
        "phone",
        "email",
        "uid",
        "accession",
        "address",
        "other-id",
        "could-not-check",
    }
)

COULD_NOT_CHECK: Final = "could-not-check"

_UPPER = re.compile(r"[^\W\d_a-z]")
_LOWER = re.compile(r"[a-z]")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Finding:
    """One suspected identifier in one file.

    ``location`` is a keyword path (``RequestAttributesSequence[0].(0009,1001)``), ``file-meta.*``,
    ``preamble``, ``trailing@OFFSET``, ``bytes@OFFSET``, ``file-name``, or for other files
    ``row 12, column surname`` and ``line 3``. ``span`` is the place inside the decoded value, in
    characters, where it is known. ``shape`` shows the form of the value (letters as A and a,
    digits as 9). ``value`` is filled only when the caller asked for values, which is for review on
    the vault's side.
    """

    file: str
    location: str
    value_class: str
    rule: str
    detector: str
    span: tuple[int, int] | None = None
    shape: str = ""
    value: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as a JSON-ready mapping; ``value`` only where it was asked for."""
        row = asdict(self)
        row["span"] = list(self.span) if self.span else None
        if self.value is None:
            del row["value"]
        return row


def shape_of(text: str, *, limit: int = 40) -> str:
    """Return ``text`` with every letter as ``A`` or ``a`` and every digit as ``9``, cut short."""
    masked = _UPPER.sub("A", _LOWER.sub("a", text[:limit]))
    return _DIGIT.sub("9", masked)


def could_not_check(file: str, location: str, why: str) -> Finding:
    """Return the finding that blocks ``file`` because part of it was not checked.

    ``why`` is a short phrase without values: a reason word or the name of an exception type.
    """
    return Finding(
        file=file,
        location=location,
        value_class=COULD_NOT_CHECK,
        rule=COULD_NOT_CHECK,
        detector="verifier",
        shape=why,
    )

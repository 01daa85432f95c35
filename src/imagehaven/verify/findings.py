"""What the verifier reports: one suspected identifier, told by its place and never by its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
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
#: What differs between two findings at the same element: items, rows, lines, offsets, boxes.
_NUMBERS = re.compile(r"\[\d+\]|(?<=^row )\d+|(?<=^line )\d+|(?<=@)\d+| frame \d+ box [\d,]+$")
#: Fields that hold or follow from a value: for review on the vault's side only.
_PRIVATE: Final = ("value", "text", "device", "machine")


@dataclass(frozen=True)
class Finding:
    """One suspected identifier in one file or table.

    ``location`` is a keyword path (``RequestAttributesSequence[0].(0009,1001)``), ``file-meta.*``,
    ``preamble``, ``trailing@OFFSET``, ``bytes@OFFSET``, ``file-name``, ``PixelData frame 3 box
    10,20,200,30``, or for other files ``row 12, column surname`` and ``line 3``. ``span`` is the
    place inside the decoded value, in characters, where it is known; ``frame`` (from 1) and ``box``
    (x, y, width, height in pixels) are the place in an image. ``shape`` shows the form of the value
    (letters as A and a, digits as 9). ``cells`` counts the cells of a table that hold the same
    value in the same column.

    ``value`` (what was found), ``text`` (the whole value it stood in, cut short), ``device`` and,
    in pixels, ``machine`` (maker, model, software and the picture's size, by the names of device
    rules) are filled only when the caller asked for values: for review on the vault's side.
    """

    file: str
    location: str
    value_class: str
    rule: str
    detector: str
    span: tuple[int, int] | None = None
    shape: str = ""
    value: str | None = field(default=None, repr=False)
    frame: int | None = None
    box: tuple[int, int, int, int] | None = None
    cells: int = 1
    text: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)
    machine: Mapping[str, str] | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as a JSON-ready mapping; values only where they were asked for."""
        row = asdict(self)
        row["span"] = list(self.span) if self.span else None
        row["box"] = list(self.box) if self.box else None
        optional = ("frame", "box", *_PRIVATE) + (("cells",) if self.cells == 1 else ())
        return {name: item for name, item in row.items() if name not in optional or item}

    def without_values(self) -> Finding:
        """Return the finding as it may leave the vault's side."""
        if self.value is None:
            return self
        return replace(self, value=None, text=None, device=None, machine=None)

    @property
    def element(self) -> str:
        """The location without item, row and line numbers: the same for all files of a kind."""
        return _NUMBERS.sub("", self.location)


def shape_of(text: str, *, limit: int = 40) -> str:
    """Return ``text`` with every letter as ``A`` or ``a`` and every digit as ``9``, cut short."""
    masked = _UPPER.sub("A", _LOWER.sub("a", text[:limit]))
    return _DIGIT.sub("9", masked)


def could_not_check(file: str, location: str, why: str, *, detector: str = "verifier") -> Finding:
    """Return the finding that blocks ``file`` because part of it was not checked.

    ``why`` is a short phrase without values: a reason word or the name of an exception type.
    """
    return Finding(
        file=file,
        location=location,
        value_class=COULD_NOT_CHECK,
        rule=COULD_NOT_CHECK,
        detector=detector,
        shape=why,
    )

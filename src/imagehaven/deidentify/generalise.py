"""Make quasi-identifiers coarser: an age becomes the middle of its band, then nothing.

A quasi-identifier tells nothing alone and singles somebody out with others (a woman of 88 who is
1.93 m tall). How many steps each takes is decided by whoever sees all patients; here one value is
rewritten. Terms after Samarati and Sweeney, *Protecting privacy when disclosing information*, 1998.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from imagehaven.declarations import read_yaml
from imagehaven.deidentify.elements.values import WIDTHS, element, join_text
from imagehaven.dicom import keyword_to_tag, vr_of
from imagehaven.errors import UserError

_SOURCE: Final = "generalisation.yaml"
_KINDS: Final = ("age", "number", "code")
_OLDEST: Final = 90
_AGE: Final = re.compile(r"(\d{3})([DWMY])")
_PER_YEAR: Final = {"D": 365.25, "W": 52.1786, "M": 12.0, "Y": 1.0}


@dataclass(frozen=True)
class Ladder:
    """The steps of one quasi-identifier: step 0 is exact, the last one empty."""

    keyword: str
    kind: str
    widths: tuple[float, ...]

    @property
    def last(self) -> int:
        """The step at which the value is empty."""
        return len(self.widths) + 1

    def value(self, text: str, step: int) -> str:
        """Return ``text`` (one value as DICOM writes it) at ``step``; what cannot be read is empty.

        Step 0 already writes ages over 89 as 090Y, as a release does.
        """
        text = text.strip(" \0")
        if step >= self.last or not text:
            return ""
        if self.kind == "age":
            return _age(text, self.widths[step - 1] if step else 0)
        if self.kind == "number" and step:
            return _number(text, self.widths[step - 1])
        return text


@functools.cache
def ladders() -> Mapping[str, Ladder]:
    """Every quasi-identifier with its ladder; raises UserError naming the entry at fault."""
    text = (files(__package__) / "data" / _SOURCE).read_text(encoding="utf-8")
    return {keyword: _ladder(keyword, entry) for keyword, entry in read_yaml(text).items()}


def ladder_of(keyword: str) -> Ladder:
    """Return the ladder of one keyword; raises UserError with the valid ones."""
    known = ladders()
    if keyword not in known:
        raise UserError(
            f"{keyword} is no quasi-identifier that can be generalised. "
            f"Valid choices: {', '.join(known)}."
        )
    return known[keyword]


def generalise(dataset: Dataset, steps: Mapping[str, int]) -> None:
    """Rewrite the quasi-identifiers of a cleaned data set in place, at every depth.

    ``steps`` gives the step by keyword. Values of ``dataset`` are bytes, as the cleaning pass
    leaves them.
    """
    wanted = {int(keyword_to_tag(keyword), 16): ladder_of(keyword) for keyword in steps}
    _generalise(dataset, {tag: (ladder, steps[ladder.keyword]) for tag, ladder in wanted.items()})


def _generalise(dataset: Dataset, wanted: Mapping[int, tuple[Ladder, int]]) -> None:
    for tag in list(dataset.keys()):
        found: Any = dataset.get_item(tag)  # an element whose value is bytes, or a sequence
        if found.VR == "SQ":
            for item in found.value or ():
                _generalise(item, wanted)
        elif int(tag) in wanted:
            dataset[tag] = _coarse(found, *wanted[int(tag)])


def _coarse(found: RawDataElement, ladder: Ladder, step: int) -> RawDataElement:
    vr = vr_of(ladder.keyword)
    value = found.value or b""
    if vr in WIDTHS:
        kept = value if step < ladder.last else b""
    else:
        texts = value.decode("latin-1").split("\\")
        made = [ladder.value(text, step) for text in texts]
        kept = join_text(made, vr) if any(made) else b""
    return element(int(found.tag), vr, kept, found.is_little_endian)


def _ladder(keyword: str, entry: Any) -> Ladder:
    widths = entry.get("widths", []) if isinstance(entry, dict) else None
    if not isinstance(widths, list):
        raise UserError(f"{_SOURCE}: {keyword} must be a mapping; its widths, a list.")
    fault = (
        set(entry) - {"kind", "widths"}
        or entry.get("kind") not in _KINDS
        or (entry["kind"] == "code") != (not widths)
        or any(not isinstance(width, int | float) or width <= 0 for width in widths)
        or list(widths) != sorted(set(widths))
    )
    if fault:
        raise UserError(
            f"{_SOURCE}: {keyword} must have a kind ({', '.join(_KINDS)}) and, unless it is a "
            "code, rising positive widths."
        )
    return Ladder(keyword, entry["kind"], tuple(float(width) for width in widths))


def _age(text: str, width: float) -> str:
    match = _AGE.fullmatch(text)
    if match is None:
        return ""
    years = int(match[1]) / _PER_YEAR[match[2]]
    if years >= _OLDEST:
        return "090Y"
    if not width:
        return text
    return f"{int(_middle(years, width)):03d}Y"


def _number(text: str, width: float) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    return f"{_middle(number, width):.6g}" if math.isfinite(number) else ""


def _middle(number: float, width: float) -> float:
    # The small addition undoes binary fractions: 0.3 / 0.1 is 2.9999999999999996.
    return (math.floor(number / width + 1e-9) + 0.5) * width

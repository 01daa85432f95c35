"""The VR to write: the dictionary's (PS3.6), where the file's can be the same kind of value."""

from __future__ import annotations

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import Element, stored
from imagehaven.deidentify.elements.values import LINES, TEXT
from imagehaven.deidentify.rulebook.rules import entry


def real_vr(source: Element, tag: int, signed: bool) -> str | None:
    """Return the VR to write: the dictionary's, or None when the file's cannot be the same kind."""
    allowed = entry(tag).vr.split(" or ")
    written = source.VR
    if allowed == ["SQ"] or written == "SQ":
        same = allowed == ["SQ"] and isinstance(source, DataElement)
        return "SQ" if same else None
    if written in allowed:
        return written
    if written is None or written == "UN":
        return _ambiguous(allowed, signed)
    if written in TEXT | LINES and allowed[0] in TEXT | LINES:
        return allowed[0]
    return written if {written, *allowed} <= {"OB", "OW"} else None


def _ambiguous(allowed: list[str], signed: bool) -> str:
    """Choose among ``US or SS`` by PixelRepresentation, and OW over OB or US (PS3.5 A.1)."""
    if "OW" in allowed:
        return "OW"
    return "SS" if "SS" in allowed and signed else allowed[0]


def is_signed(source: Dataset, little: bool) -> bool:
    """Say whether PixelRepresentation says that pixel values are signed."""
    representation = stored(source, 0x00280103, little=little)
    value = representation.value if representation is not None else None
    return isinstance(value, bytes) and int.from_bytes(value, "little" if little else "big") == 1

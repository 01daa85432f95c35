"""Values as bytes: which are well-formed for their VR, what a dummy looks like, how text is padded.

PS3.5 table 6.2-1 says what each VR may hold. Text is kept only in the printable part of ASCII: what
another character set would show can be checked neither by the vocabulary nor by the guard.
"""

from __future__ import annotations

import re
from typing import Final

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from imagehaven.dicom.uids import is_well_known

WIDTHS: Final = {
    "US": 2, "SS": 2, "UL": 4, "SL": 4, "UV": 8, "SV": 8, "FL": 4, "FD": 8, "AT": 4,
    "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "OB": 1,
}  # fmt: skip
"""Bytes of one number of each binary VR."""

LINES: Final = frozenset({"ST", "LT", "UT", "UR"})
"""VRs where a backslash is text and not the mark between two values."""

TEXT: Final = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"}
)
_FORMS: Final = {
    "CS": re.compile(r"[A-Z0-9_ ]{0,16}"),
    "DS": re.compile(r" *[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? *", re.ASCII),
    "IS": re.compile(r" *[+-]?\d{1,10}(?:\.0*)? *", re.ASCII),
    "UI": re.compile(r"[0-9]+(?:\.[0-9]+)*"),
    "AE": re.compile(r"[ -\[\]-~]{0,16}"),
}
_ANY_LENGTH: Final = 10240
_LENGTHS: Final = {"DS": 32, "UI": 64, "LO": 64, "SH": 64, "UC": 256, "ST": 1024}
# Not the marks of a person name (^ and =) nor of an address (@).
_PRINTABLE = re.compile(r"[ -<>?A-\[\]_-~]*")
_PRINTABLE_LINES = re.compile(r"[\t\r\n -<>?A-\]_-~]*")
_REGISTERED = re.compile(r"1\.2\.840\.10008(?:\.\d{1,4}){1,9}")
_DUMMIES: Final = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y",
    "DS": "0", "IS": "0", "UI": "",
}  # fmt: skip
PLACEHOLDERS: Final = ("REMOVED", "DUMMY", "BLANK")
"""Words that stand for a text: the first one that is no word of the instance's own people."""


def form_is_valid(text: str, vr: str) -> bool:
    """Say whether one text value is well-formed for its VR and printable ASCII."""
    form = _FORMS.get(vr) or (_PRINTABLE_LINES if vr in LINES else _PRINTABLE)
    return len(text) <= longest(vr) and form.fullmatch(text) is not None


def longest(vr: str) -> int:
    """Return how many characters one value of a text VR may have."""
    return _LENGTHS.get(vr, _ANY_LENGTH)


def split_text(value: bytes, vr: str) -> list[str] | None:
    """Return the values of a text element without padding; None when they are not ASCII."""
    if not value.isascii():
        return None
    text = value.decode("ascii").rstrip(" \0")
    return [text] if vr in LINES else [part.strip(" \0") for part in text.split("\\")]


def count_values(value: bytes, vr: str) -> int:
    """Return how many values an element holds, by its VR."""
    if vr in WIDTHS:
        return len(value) // WIDTHS[vr]
    return 1 if vr in LINES else value.count(b"\\") + 1


def join_text(values: list[str], vr: str) -> bytes:
    """Return values as bytes of even length, padded as their VR wants."""
    encoded = "\\".join(values).encode("ascii")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)


def dummy(vr: str, word: str = PLACEHOLDERS[0], count: int = 1) -> bytes:
    """Return ``count`` values that are valid for the VR and say nothing (action D).

    ``word`` stands for a text.
    """
    if vr in WIDTHS:
        size = WIDTHS[vr] * count
        return bytes(size + size % 2)
    return join_text([_DUMMIES.get(vr, word)] * (1 if vr in LINES else count), vr)


def is_registered(uid: str) -> bool:
    """Say whether the Standard registered ``uid``; its root alone proves nothing of the rest."""
    return is_well_known(uid) and _REGISTERED.fullmatch(uid) is not None and len(uid) <= 40


def element(tag: int, vr: str, value: bytes, little: bool) -> RawDataElement:
    """Return an element of explicit VR that holds ``value`` as it will be written."""
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, little)

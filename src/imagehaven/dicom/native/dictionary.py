"""Pack pydicom's dictionaries into the tables that the compiled core looks tags up in."""

from __future__ import annotations

import re
import struct
from typing import Final

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._private_dict import private_dictionaries
from pydicom.datadict import masks

#: How the core writes the choices that a dictionary leaves; as in ``dictionary.h``.
_CHOICES: Final = {
    "US or SS": b"us",
    "OB or OW": b"ob",
    "US or OW": b"uo",
    "US or SS or OW": b"uo",
}
_ENTRY: Final = struct.Struct("=II4s")
_CREATOR: Final = struct.Struct("=72sII")
_LONGEST_NAME: Final = 71
_WHOLE: Final = 0xFFFFFFFF
#: The three forms in which pydicom writes a private tag; a fourth is one that it never looks up.
_FORMS: Final = {
    "[0-9A-F]{8}": _WHOLE,
    "[0-9A-F]{4}xx[0-9A-F]{2}": 0xFFFF00FF,
    "[0-9A-F]{2}xxxx[0-9A-F]{2}": 0xFF0000FF,
}


def packed_dictionary() -> tuple[bytes, bytes, bytes, bytes]:
    """Return the tables of public tags, repeating groups, private creators and private tags."""
    public = b"".join(
        _entry(tag, _WHOLE, DicomDictionary[tag][0]) for tag in sorted(DicomDictionary)
    )
    repeaters = b"".join(
        _entry(value, mask, RepeatersDictionary[name][0]) for name, (value, mask) in masks.items()
    )
    creators, private, count = [], [], 0
    for name, tags in sorted(private_dictionaries.items(), key=lambda pair: pair[0].encode()):
        entries = sorted(_private(tags), key=lambda entry: (-entry[1], entry[0]))
        if len(name.encode()) <= _LONGEST_NAME:
            creators.append(_CREATOR.pack(name.encode(), count, len(entries)))
            private += [_entry(*entry) for entry in entries]
            count += len(entries)
    return public, repeaters, b"".join(creators), b"".join(private)


def _private(tags: dict[str, tuple[str, str, str, str]]) -> list[tuple[int, int, str]]:
    found = []
    for name, entry in tags.items():
        for form, mask in _FORMS.items():
            if re.fullmatch(form, name):
                found.append((int(name.replace("x", "0"), 16), mask, entry[0]))
    return found


def _entry(tag: int, mask: int, vr: str) -> bytes:
    known = vr.encode() if len(vr) == 2 else _CHOICES.get(vr, b"??")
    return _ENTRY.pack(tag, mask, known)

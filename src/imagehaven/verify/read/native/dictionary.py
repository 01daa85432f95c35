"""Pack pydicom's dictionary of public tags into the table that the reader looks VRs up in."""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

from pydicom._dicom_dict import DicomDictionary

_ENTRY: Final = struct.Struct("=I4s")


@cache
def public_tags() -> bytes:
    """Return the tags with their VRs, in order; of several VRs the first, as everywhere here."""
    return b"".join(
        _ENTRY.pack(tag, DicomDictionary[tag][0][:2].encode())
        for tag in sorted(DicomDictionary)
        if DicomDictionary[tag][0][:2].isalpha()
    )

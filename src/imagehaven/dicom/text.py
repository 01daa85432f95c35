"""Decode text values in the character sets of DICOM (PS3.5 section 6.1), without losing a byte."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.charset import decode_bytes, default_encoding

# Characters that reset a code extension (PS3.5 6.1.2.5.3); the second set within person names.
TEXT_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C, 0x5C}
NAME_DELIMITERS = TEXT_DELIMITERS | {0x5E, 0x3D}

_REPLACEMENT = "\ufffd"


def decode(
    value: bytes, encodings: Sequence[str], delimiters: set[int] = TEXT_DELIMITERS
) -> tuple[str, bool]:
    """Return ``value`` as text, and whether it was valid in ``encodings`` (Python's names).

    What is not valid is decoded with replacement characters; the caller keeps the bytes.
    """
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii"), True
    if b"\x1b" not in value:
        return _decode_plain(value, encodings[0])
    try:
        text = decode_bytes(value, encodings, delimiters)
    except (UnicodeError, LookupError, ValueError):
        return _decode_plain(value, encodings[0])[0], False
    return text, _REPLACEMENT not in text and "\x1b" not in text


def _decode_plain(value: bytes, encoding: str) -> tuple[str, bool]:
    try:
        return value.decode(encoding), True
    except UnicodeError:
        return value.decode(encoding, errors="replace"), False
    except LookupError:  # (0008,0005) may name any codec of Python that is none for text
        return value.decode(default_encoding), False

"""Pseudonyms of one project: keyed, deterministic, unlinkable under another key.

Everything is an HMAC-SHA256 (RFC 2104) of the project's key over a domain and a value, so nothing
needs to be looked up or remembered: two machines, or two releases a year apart, agree. Without the
key nobody can tell which original a pseudonym belongs to, nor compare pseudonyms of two projects.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from imagehaven.dicom.uids import PseudonymousUID, SourceUID
from imagehaven.errors import UserError

KEY_BYTES: Final = 32
MAX_SHIFT_DAYS: Final = 730
_DIGITS_WITH_GAPS = re.compile(r"[0-9][0-9 \-]*")


@dataclass(frozen=True)
class Pseudonyms:
    """Makes the pseudonyms of one project from its 32-byte ``key``, which it never shows."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < KEY_BYTES:
            raise UserError(f"A project key must have at least {KEY_BYTES} bytes.")

    def patient_id(self, source: str) -> str:
        """Return the pseudonym of a PatientID: 16 letters and digits (80 bits).

        Spaces around it do not count; in an id of digits only, neither do spaces and hyphens, so
        ``010101-0101`` and ``0101010101`` are the same patient.
        """
        return _base32(self._digest("patient", normal_id(source)), 16)

    def uid(self, source: SourceUID) -> PseudonymousUID:
        """Return the UID under 2.25 (PS3.5 B.2) for ``source``: a version 8 UUID (RFC 9562)."""
        digest = bytearray(self._digest("uid", source.strip(" \0"))[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        return PseudonymousUID(f"2.25.{uuid.UUID(bytes=bytes(digest)).int}")

    def date_shift(self, patient: str) -> timedelta:
        """Return how far to move every date of this PatientID: 1 to 730 days earlier."""
        number = int.from_bytes(self._digest("date", normal_id(patient))[:8], "big")
        return -timedelta(days=1 + number % MAX_SHIFT_DAYS)

    def identifier(self, kind: str, value: str) -> str:
        """Return the pseudonym of another identifier, such as an AccessionNumber: 16 letters.

        ``kind`` is its keyword: the same number as accession and as study id has two pseudonyms.
        """
        return _base32(self._digest(f"identifier/{kind}", normal_id(value)), 16)

    def _digest(self, domain: str, value: str) -> bytes:
        # The length keeps domain and value apart: no pair of them reads as another pair.
        message = f"imagehaven/{len(domain)}/{domain}/{value}".encode()
        return hmac.new(self.key, message, "sha256").digest()


def normal_id(value: str) -> str:
    """Return an identifier as it is compared: without padding, all-digit ones without gaps."""
    value = value.strip(" \0")
    if _DIGITS_WITH_GAPS.fullmatch(value):
        return value.replace(" ", "").replace("-", "")
    return value


def read_key(path: Path) -> bytes:
    """Read a project key: 32 bytes or more as hexadecimal, as Base64, or raw.

    Raises :class:`UserError` with the remedy when the file cannot be read or the key is short.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The key file {path} cannot be read: {error.strerror}. Make one with: "
            f"python -c 'import secrets; print(secrets.token_hex(32))' > {path}"
        ) from error
    key = _decode_key(content)
    if len(key) < KEY_BYTES:
        raise UserError(
            f"The key in {path} is too short: it needs at least {KEY_BYTES} bytes, as 64 "
            "hexadecimal digits, as Base64, or raw."
        )
    return key


def _decode_key(content: bytes) -> bytes:
    """Decode the text forms; what is neither, is the key itself."""
    text = b"".join(content.split())
    if len(text) % 2 == 0 and re.fullmatch(rb"[0-9A-Fa-f]*", text):
        return bytes.fromhex(text.decode("ascii"))
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return content


def _base32(digest: bytes, length: int) -> str:
    return base64.b32encode(digest).decode("ascii")[:length]

"""The head of a DICOM file (PS3.10 section 7.1), read as it comes, up to its data set."""

from __future__ import annotations

import re
import struct
from typing import Final

from imagehaven.acquire.receive.filing import META, Incoming

#: No preamble, prefix and file meta that somebody means well is longer.
LONGEST: Final = 65536

_CLASS, _INSTANCE, _SYNTAX = 0x0002, 0x0003, 0x0010
_LONG: Final = frozenset({b"OB", b"OW", b"UN", b"UT"})
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
_GROUP: Final = struct.Struct("<HH2sHI")


class NotDicom(Exception):
    """The bytes do not begin as a DICOM file does."""


class Head:
    """Collects the first bytes of a file until its file meta is complete."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._held = b""
        self._length: int | None = None

    def feed(self, piece: bytes) -> tuple[Incoming, bytes, bytes] | None:
        """What the head says, the head, and what of the data set came with it; None until then.

        Raises :class:`NotDicom`. A file without the length of its meta, or with a wrong one, is
        none: nobody could tell where its data set begins.
        """
        self._held += piece
        if self._length is None:
            if len(self._held) < META:
                return None
            group, number, kind, size, value = _GROUP.unpack_from(self._held, 132)
            described = (group, number, kind, size) == (2, 0, b"UL", 4)
            if self._held[128:132] != b"DICM" or not described or value > LONGEST:
                raise NotDicom
            self._length = META + value
        if len(self._held) < self._length + 2:
            return None
        head, rest = self._held[: self._length], self._held[self._length :]
        if rest.startswith(b"\2\0"):
            raise NotDicom  # the meta goes on behind its end
        return _incoming(head, self._sender), head, rest


def _incoming(head: bytes, sender: str) -> Incoming:
    found: dict[int, str] = {}
    position = META
    while position < len(head):
        if position + 8 > len(head):
            raise NotDicom
        group, number, kind = struct.unpack_from("<HH2s", head, position)
        if kind in _LONG:
            (length,) = struct.unpack_from("<I", head.ljust(position + 12, b"\0"), position + 8)
            position += 12
        else:
            (length,) = struct.unpack_from("<H", head, position + 6)
            position += 8
        if group != 2 or position + length > len(head):
            raise NotDicom
        found[number] = head[position : position + length].rstrip(b"\0 ").decode("latin-1")
        position += length
    if not all(_UID.fullmatch(found.get(number, "")) for number in (_CLASS, _INSTANCE, _SYNTAX)):
        raise NotDicom
    return Incoming(found[_CLASS], found[_INSTANCE], found[_SYNTAX], sender)

"""Look for text that compressed pixel data carries beside the picture.

JPEG and JPEG-LS codestreams (ITU-T T.81 Annex B, T.87) may hold comments and application segments
such as EXIF; JPEG 2000 (ITU-T T.800 Annex A) may hold comments. Encoders sign there, and cameras
and exporters write names there. Anything but a known encoder's signature is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import unpack
from typing import BinaryIO, Final

from imagehaven.dicom.header import Header, plain_stream
from imagehaven.errors import Withheld

REASON: Final = "codestream-comment"
HEAD: Final = 65536
"""Bytes of each fragment that are searched: where codestreams have their headers."""

_WORD = re.compile(rb"[A-Za-z]{3,}|[0-9]{5,}")
_SIGNATURES: Final = frozenset(
    b"""JFIF JFXX Adobe SPIFF mrfx LEAD Technologies Inc Kakadu OpenJPEG JasPer Version version
    Created Creator Aware Pegasus Imaging Corp JPEG Independent Group IJG DCMTK PVRG Lavc CharLS
    Comment Kdu Layer Info log Slope rates Compressor GDCM Matrox Intel IPP Grok""".split()
)
"""The words that encoders sign with."""
_JPEG_SILENT: Final = frozenset([0xD8, 0x01, *range(0xD0, 0xD8)])
_JPEG_TABLES: Final = frozenset([*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8])
_J2K_START, _J2K_COMMENT, _J2K_TILE = 0x4F, 0x64, 0x90


def check_comments(stream: BinaryIO, header: Header) -> None:
    """Return when the encapsulated pixel data says nothing but who compressed it.

    Raises :class:`Withheld` ``codestream-comment`` otherwise.
    """
    if header.pixel_length != 0xFFFFFFFF or header.pixel_offset is None:
        return
    for fragment in _fragments(plain_stream(stream, header), header):
        for text in _segments(fragment):
            if not _SIGNATURES.issuperset(_WORD.findall(text)):
                raise Withheld(REASON, "the compressed picture holds a comment or EXIF data")


def _fragments(stream: BinaryIO, header: Header) -> Iterator[bytes]:
    """Yield the beginning of each fragment behind the offset table (PS3.5 A.4)."""
    position, first = header.pixel_offset or 0, True
    while position + 8 <= (header.pixel_end or 0):
        stream.seek(position)
        group, element, length = unpack("<HHL", stream.read(8))
        if (group, element) != (0xFFFE, 0xE000):
            return
        if not first:
            yield stream.read(min(length, HEAD))
        position, first = position + 8 + length, False


def _segments(fragment: bytes) -> Iterator[bytes]:
    """Yield the content of comments and application segments in a codestream's main header."""
    if fragment[:2] == b"\xff\xd8":
        tables, end, texts = _JPEG_TABLES, 0xDA, range(0xE0, 0x100)
    elif fragment[:2] == b"\xff\x4f":
        tables, end, texts = frozenset(range(0x50, 0x64)), _J2K_TILE, range(0x64, 0x65)
    else:
        return
    position = 2
    while position + 4 <= len(fragment) and fragment[position] == 0xFF:
        marker = fragment[position + 1]
        if marker == end:
            return
        if marker in _JPEG_SILENT or marker == 0xFF:
            position += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(fragment[position + 2 : position + 4], "big")
        if marker in texts and marker not in tables:
            yield fragment[position + 4 : position + 2 + length]
        position += 2 + max(length, 2)

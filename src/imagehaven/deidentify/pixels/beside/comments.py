"""Look for text that compressed pixel data carries beside the picture, and cut it out.

Encoders sign in comments, and cameras and exporters write names there, in EXIF data, behind the end
of a codestream or in fragments that belong to no frame. Anything but a known encoder's signature
goes, where the frame decodes to the very same picture without it; elsewhere the file is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import iter_unpack, unpack
from typing import BinaryIO, Final

import numpy as np

from imagehaven.deidentify.pixels.beside.codestream import REASON, beside_the_picture, stripped
from imagehaven.dicom.header import Header, plain_stream
from imagehaven.dicom.pixels import Shape, decode_frame, shape_of
from imagehaven.errors import Withheld

_WORD = re.compile(rb"[A-Za-z]{3,}|[0-9]{5,}")
_FOREIGN = re.compile(rb"[\x80-\xfe]{4,}|(?:[ -~]\0){3,}|(?:\0[ -~]){3,}")
"""Text in another character set, or 16 bits wide."""
_SIGNATURES: Final = frozenset(
    b"""JFIF JFXX Adobe SPIFF mrfx LEAD Technologies Inc Kakadu OpenJPEG JasPer Version version
    Created Creator Aware Pegasus Imaging Corp JPEG Independent Group IJG DCMTK PVRG Lavc CharLS
    Comment Kdu Layer Info log Slope rates Compressor GDCM Matrox Intel IPP Grok Library LJIF
    MITRA DICOM STANDARD OpenJPH Ver""".split()
)
"""The words that encoders sign with."""
_STARTS: Final = (b"\xff\xd8", b"\xff\x4f")


def check_comments(stream: BinaryIO, header: Header) -> bool:
    """Say whether frames of encapsulated pixel data carry text that :func:`without_text` cuts out.

    Raises :class:`Withheld` ``codestream-comment`` where a text cannot be cut out, or nobody can
    tell what belongs to a frame.
    """
    if header.pixel_length != 0xFFFFFFFF or header.pixel_offset is None:
        return False
    shape = shape_of(header)
    table, *fragments = _fragments(plain_stream(stream, header), header) or [(0, 0)]
    plain = plain_stream(stream, header)
    _check_table(_read(plain, table), shape.frames, sum(length + 8 for _, length in fragments))
    frames, found = 0, False
    for frame in _frames(plain, fragments, shape.frames):
        frames += 1
        found = without_text(frame, header, shape) != frame or found
    if frames != shape.frames:
        raise Withheld(REASON, "fragments of the pixel data belong to no frame")
    return found


def without_text(frame: bytes, header: Header, shape: Shape) -> bytes:
    """Return a compressed frame without the text beside its picture.

    Raises :class:`Withheld` ``codestream-comment`` where the picture would be another one.
    """
    if not _speaks_beside(frame, header, shape):
        return frame
    made = stripped(frame, header.transfer_syntax, shape.frame_bits // 8, _speaks)
    before, after = decode_frame(frame, header, shape), decode_frame(made, header, shape)
    same = before.dtype == after.dtype and np.array_equal(before, after)
    if not same or _speaks_beside(made, header, shape):
        raise Withheld(REASON, "the comment cannot be cut out of the compressed picture")
    return made


def _speaks_beside(frame: bytes, header: Header, shape: Shape) -> bool:
    parts = beside_the_picture(frame, header.transfer_syntax, shape.frame_bits // 8)
    return any(_speaks(part.text) for part in parts)


def _speaks(part: bytes) -> bool:
    """Say whether bytes may say more than who compressed the picture."""
    return not _SIGNATURES.issuperset(_WORD.findall(part)) or bool(_FOREIGN.search(part))


def _check_table(table: bytes, frames: int, size: int) -> None:
    """Check that the basic offset table is empty, or holds one offset for each frame (A.4)."""
    offsets = [offset for (offset,) in iter_unpack("<L", table[: len(table) // 4 * 4])]
    sound = offsets == sorted(offsets) and all(offset < size for offset in offsets)
    if table and not (len(table) == 4 * frames and sound):
        raise Withheld(REASON, "the basic offset table holds something else than offsets")


def _fragments(stream: BinaryIO, header: Header) -> list[tuple[int, int]]:
    """Return offset and length of the offset table and of each fragment (PS3.5 A.4)."""
    found: list[tuple[int, int]] = []
    position, end = header.pixel_offset or 0, header.pixel_end or 0
    while position + 8 <= end:
        stream.seek(position)
        group, element, length = unpack("<HHL", stream.read(8))
        if (group, element) != (0xFFFE, 0xE000):
            break
        found.append((position + 8, length))
        position += 8 + length
    return found


def _frames(stream: BinaryIO, fragments: list[tuple[int, int]], frames: int) -> Iterator[bytes]:
    """Yield each frame: one fragment, all of them, or as many as follow the start of one."""
    parts: list[bytes] = []
    for place in fragments:
        part = _read(stream, place)
        starts = len(fragments) == frames or part.startswith(_STARTS)
        if parts and frames > 1 and starts:
            yield b"".join(parts)
            parts = []
        parts.append(part)
    if parts:
        yield b"".join(parts)


def _read(stream: BinaryIO, place: tuple[int, int]) -> bytes:
    stream.seek(place[0])
    return stream.read(place[1])

"""The bytes of one compressed frame that are no picture: comments, application data, leftovers.

JPEG and JPEG-LS (ITU-T T.81 Annex B, T.87), JPEG 2000 and its high throughput (T.800 Annex A), RLE
(PS3.5 Annex G) and deflated frames (A.4.12). A frame is walked from its first to its last byte:
what follows the end of the codestream is nobody's picture.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from imagehaven.errors import Withheld

REASON: Final = "codestream-comment"

_JPEG_SILENT: Final = frozenset([0xD8, 0x01, *range(0xD0, 0xD8)])
_JPEG_TABLES: Final = frozenset(
    [*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8]
)
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0x64, 0x90, 0x93, 0xD9
_RLE_HEADER: Final = 64


def beside_the_picture(frame: bytes, syntax: str, frame_bytes: int) -> Iterator[bytes]:
    """Yield what a frame holds beside its picture; ``frame_bytes`` is its size when decoded.

    Raises :class:`Withheld` when nothing is known of what the encoding can carry.
    """
    if frame[:2] == b"\xff\xd8":
        yield from _jpeg(frame)
    elif frame[:2] == b"\xff\x4f":
        yield from _jpeg_2000(frame)
    elif syntax == "1.2.840.10008.1.2.5":
        yield from _rle(frame, frame_bytes)
    elif syntax == "1.2.840.10008.1.2.8.1":
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflater.decompress(frame, frame_bytes + 2)
        yield inflater.unconsumed_tail + inflater.unused_data
    else:
        raise Withheld(REASON, "it is not known what text this compression can carry")


def _jpeg(frame: bytes) -> Iterator[bytes]:
    position = 2
    while position + 2 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == _JPEG_END:
            position += 2
            break
        if marker in _JPEG_SILENT or marker == 0xFF:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + max(int.from_bytes(frame[position + 2 : position + 4], "big"), 2)
        if marker not in _JPEG_TABLES:
            yield frame[position + 4 : end]
        if marker == _JPEG_SCAN:
            found = _NEXT_MARKER.search(frame, end)
            end = found.start() if found else len(frame)
        position = end
    yield frame[position:]


def _jpeg_2000(frame: bytes) -> Iterator[bytes]:
    position, tile, tile_end = 2, 0, 0
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == _J2K_END:
            position += 2
            break
        if marker == _J2K_DATA:  # the picture, to the end of this tile-part
            position = max(tile_end, position + 2)
            continue
        end = position + 2 + max(int.from_bytes(frame[position + 2 : position + 4], "big"), 2)
        if marker == _J2K_TILE:
            tile = int.from_bytes(frame[position + 6 : position + 10], "big")
            tile_end = position + tile if tile else len(frame) - 2
        elif marker == _J2K_COMMENT:
            yield frame[position + 6 : end]
        position = end
    yield frame[position:]


def _rle(frame: bytes, frame_bytes: int) -> Iterator[bytes]:
    count = int.from_bytes(frame[:4], "little")
    starts = [int.from_bytes(frame[at : at + 4], "little") for at in range(4, _RLE_HEADER, 4)]
    if not 0 < count <= len(starts):
        raise Withheld(REASON, "the RLE header does not say how many segments there are")
    yield frame[4 + 4 * count : _RLE_HEADER]
    for start, end in zip(starts[:count], [*starts[1:count], len(frame)], strict=True):
        yield frame[_run_end(frame, start, end, frame_bytes // count) : end]


def _run_end(frame: bytes, position: int, end: int, wanted: int) -> int:
    """Return where the runs that decode to ``wanted`` bytes end."""
    while wanted > 0 and position < end:
        code = frame[position]
        if code < 128:
            wanted, position = wanted - code - 1, position + code + 2
        elif code > 128:
            wanted, position = wanted - 257 + code, position + 2
        else:
            position += 1
    return position

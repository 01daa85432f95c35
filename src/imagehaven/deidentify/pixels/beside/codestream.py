"""The bytes of one compressed frame that are no picture: comments, application data, leftovers.

Comes in: a frame as it is compressed. Goes out: where such bytes stand, and the frame without those
that say something, which decodes to the very same picture.

JPEG and JPEG-LS (ITU-T T.81 Annex B, T.87), JPEG 2000 and its high throughput (T.800 Annex A), RLE
(PS3.5 Annex G) and deflated frames (A.4.12). A frame is walked from its first to its last byte:
what follows the end of the codestream is nobody's picture.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from imagehaven.errors import Withheld

REASON: Final = "codestream-comment"

_JPEG_SILENT: Final = frozenset([0xD8, 0x01, *range(0xD0, 0xD8)])
_JPEG_TABLES: Final = frozenset(
    [*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8]
)
_JPEG_COLOURS: Final = frozenset([0xE0, 0xE8, 0xEE])
"""JFIF, SPIFF with HP's colour transforms, and Adobe: what decoders choose the colours by."""
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
_J2K_COMMENT, _J2K_LENGTHS, _J2K_TILE, _J2K_DATA, _J2K_END = 0x64, 0x55, 0x90, 0x93, 0xD9
_RLE: Final = "1.2.840.10008.1.2.5"
_DEFLATED: Final = "1.2.840.10008.1.2.8.1"
_RLE_HEADER: Final = 64


@dataclass(frozen=True)
class Beside:
    """Bytes ``start`` to ``end`` of a frame, which say ``text``.

    ``loose`` ones can be cut out, and the picture stays; ``tile`` is where the tile-part begins
    whose length counts them.
    """

    start: int
    end: int
    text: bytes
    loose: bool = True
    tile: int | None = None


def beside_the_picture(frame: bytes, syntax: str, frame_bytes: int) -> Iterator[Beside]:
    """Yield what a frame holds beside its picture; ``frame_bytes`` is its size when decoded.

    Raises :class:`Withheld` when nothing is known of what the encoding can carry.
    """
    if frame[:2] == b"\xff\xd8":
        yield from _jpeg(frame)
    elif frame[:2] == b"\xff\x4f":
        yield from _jpeg_2000(frame)
    elif syntax == _RLE:
        yield from _rle(frame, frame_bytes)
    elif syntax == _DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflater.decompress(frame, frame_bytes + 2)
        rest = inflater.unconsumed_tail + inflater.unused_data
        yield Beside(len(frame) - len(rest), len(frame), rest)
    else:
        raise Withheld(REASON, "it is not known what text this compression can carry")


def stripped(frame: bytes, syntax: str, frame_bytes: int, speaks: Callable[[bytes], bool]) -> bytes:
    """Return a frame without the bytes beside its picture of which ``speaks`` is true.

    Raises :class:`Withheld` where they cannot be cut out.
    """
    parts = [part for part in beside_the_picture(frame, syntax, frame_bytes) if speaks(part.text)]
    if not all(part.loose for part in parts):
        raise Withheld(REASON, "text stands where the colours or lengths of the picture are told")
    if parts and syntax == _RLE:
        return _rle_runs(frame, frame_bytes)
    made = bytearray(frame)
    for part in reversed(parts):
        if part.tile is not None:
            place = slice(part.tile + 6, part.tile + 10)
            told = int.from_bytes(made[place], "big")
            made[place] = max(told - (part.end - part.start), 0).to_bytes(4, "big")
        del made[part.start : part.end]
    return bytes(made)


def _jpeg(frame: bytes) -> Iterator[Beside]:
    position, ended = 2, False
    while position + 2 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == _JPEG_END:
            position, ended = position + 2, True
            break
        if marker in _JPEG_SILENT or marker == 0xFF:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + max(int.from_bytes(frame[position + 2 : position + 4], "big"), 2)
        if marker not in _JPEG_TABLES:
            yield Beside(position, end, frame[position + 4 : end], marker not in _JPEG_COLOURS)
        if marker == _JPEG_SCAN:
            found = _NEXT_MARKER.search(frame, end)
            end = found.start() if found else len(frame)
        position = end
    yield Beside(position, len(frame), frame[position:], ended)


def _jpeg_2000(frame: bytes) -> Iterator[Beside]:
    position, tile_end, ended, listed = 2, 0, False, False
    tile: int | None = None
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == _J2K_END:
            position, ended = position + 2, True
            break
        if marker == _J2K_DATA:  # the picture, to the end of this tile-part
            position = max(tile_end, position + 2)
            continue
        listed = listed or marker == _J2K_LENGTHS  # the main header lists how long tile-parts are
        end = position + 2 + max(int.from_bytes(frame[position + 2 : position + 4], "big"), 2)
        if marker == _J2K_TILE:
            length = int.from_bytes(frame[position + 6 : position + 10], "big")
            tile, tile_end = position, position + length if length else len(frame) - 2
        elif marker == _J2K_COMMENT:
            loose = tile is None or not listed
            yield Beside(position, end, frame[position + 6 : end], loose, tile)
        position = end
    yield Beside(position, len(frame), frame[position:], ended)


def _rle(frame: bytes, frame_bytes: int) -> Iterator[Beside]:
    segments = _rle_segments(frame)
    unused = 4 + 4 * len(segments)
    yield Beside(unused, _RLE_HEADER, frame[unused:_RLE_HEADER])
    first = segments[0][0]
    yield Beside(_RLE_HEADER, first, frame[_RLE_HEADER:first])
    for start, end in segments:
        stop = _run_end(frame, start, end, frame_bytes // len(segments))
        yield Beside(stop, end, frame[stop:end])


def _rle_segments(frame: bytes) -> list[tuple[int, int]]:
    """Return where each segment begins, and where it has to end."""
    count = int.from_bytes(frame[:4], "little")
    places = [int.from_bytes(frame[at : at + 4], "little") for at in range(4, _RLE_HEADER, 4)]
    starts = places[:count]
    if not 0 < count <= len(places) or starts != sorted(set(starts)) or starts[0] < _RLE_HEADER:
        raise Withheld(REASON, "the RLE header does not say where its segments are")
    return list(zip(starts, [*starts[1:], len(frame)], strict=True))


def _rle_runs(frame: bytes, frame_bytes: int) -> bytes:
    """Return a frame of the runs alone, under a header that says where they are."""
    segments, body, starts = _rle_segments(frame), b"", list[int]()
    for start, end in segments:
        runs = frame[start : _run_end(frame, start, end, frame_bytes // len(segments))]
        starts.append(_RLE_HEADER + len(body))
        body += runs + b"\0" * (len(runs) % 2)
    numbers = [len(starts), *starts]
    head = b"".join(number.to_bytes(4, "little") for number in numbers)
    return head.ljust(_RLE_HEADER, b"\0") + body


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

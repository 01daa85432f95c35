"""Rewrite native pixel data frame by frame, leaving every bit outside the blanked areas as it was.

The bytes are changed where they stand, in the layout that they are stored in: by pixel or by plane,
with halved chroma, in words of either byte order, in single bits that frames share a byte of.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.areas import Area, painted
from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Shape, native_shape

_WORD_BITS: Final = 16
Pixels = npt.NDArray[Any]


def native_frames(stream: BinaryIO, header: Header, redaction: Redaction) -> Iterator[bytes]:
    """Yield the pixel data, some frames at a time, with the redaction applied.

    ``stream`` is the plain stream of ``header``; what follows the last frame is not yielded.
    """
    shape = native_shape(header, redaction.shape)
    big = header.transfer_syntax == EXPLICIT_BIG
    swapped = big and shape.bits <= 8 and header.pixel_vr != "OB"
    # As many frames as end together with a word.
    group = _WORD_BITS // gcd(shape.frame_bits, _WORD_BITS)
    stream.seek(header.pixel_offset or 0)
    for first in range(0, shape.frames, group):
        numbers = range(first, min(first + group, shape.frames))
        length = (shape.frame_bits * len(numbers) + 7) // 8
        data = stream.read(length + length % 2 if swapped else length)
        if any(redaction.changes(number) for number in numbers):
            plain = _swapped(data) if swapped else data
            changed = _changed(plain, shape, redaction, numbers, big=big)
            changed += plain[len(changed) :]
            data = _swapped(changed) if swapped else changed
        yield data


def _changed(
    data: bytes, shape: Shape, redaction: Redaction, numbers: range, *, big: bool
) -> bytes:
    if shape.bits == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        for place, number in enumerate(numbers):
            frame = bits[place * shape.frame_bits : (place + 1) * shape.frame_bits]
            frame = frame.reshape(shape.rows, shape.columns)
            frame[:] = painted(frame, redaction.areas[number], redaction.fill)
        return np.packbits(bits, bitorder="little").tobytes()
    dtype = f"{'>' if big else '<'}{'i' if shape.signed else 'u'}{shape.bits // 8}"
    words = np.frombuffer(data, dtype, len(numbers) * shape.frame_bits // shape.bits)
    frames = words.reshape(len(numbers), -1)
    done = [
        _blanked(redaction.emptied(frame), shape, redaction.areas[number], redaction.fill)
        for frame, number in zip(frames, numbers, strict=True)
    ]
    return b"".join(frame.astype(dtype).tobytes() for frame in done)


def _blanked(frame: Pixels, shape: Shape, areas: tuple[Area, ...], fill: tuple[int, ...]) -> Pixels:
    """Return one frame, as stored, with the areas blanked."""
    new = frame.copy()
    if shape.subsampled:  # pairs of pixels: two luma, then the chroma that both share
        pairs = new.reshape(shape.rows, shape.columns // 2, 4)
        for area in areas:
            part = pairs[area.top : area.bottom, area.left // 2 : area.right // 2]
            part[:] = (fill[0], fill[0], fill[1], fill[2])
    elif shape.planar:
        for plane, value in zip(
            new.reshape(shape.samples, shape.rows, shape.columns), fill, strict=True
        ):
            plane[:] = painted(plane, areas, (value,))
    elif shape.samples > 1:
        pixels = new.reshape(shape.rows, shape.columns, shape.samples)
        pixels[:] = painted(pixels, areas, fill)
    else:
        grey = new.reshape(shape.rows, shape.columns)
        grey[:] = painted(grey, areas, fill)
    return new


def _swapped(data: bytes) -> bytes:
    """Return bytes with the two of each word exchanged."""
    return np.frombuffer(data, ">u2").astype("<u2").tobytes()

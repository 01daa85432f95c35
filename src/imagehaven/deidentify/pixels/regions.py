"""Blank everything of native frames that lies outside the ultrasound regions (PS3.3 C.8.5.5).

Scanners print names and numbers around the image; the regions say where the image is. Frames are
read, blanked and written one by one, and what lies inside keeps its bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import items_of, stored, text_of
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import Shape, shape_of
from imagehaven.errors import Withheld

REASON: Final = "ultrasound-outside-regions"
WHOLE: Final = 0.95
"""A share of the frame above which the regions no longer tell the image from its surroundings."""

_BLACK: Final = {
    "MONOCHROME2": (0,),
    "PALETTE COLOR": (0,),
    "RGB": (0, 0, 0),
    "YBR_FULL": (0, 128, 128),
}
_NATIVE = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))


@dataclass(frozen=True)
class Blanking:
    """Which pixels stay (``kept``, rows x columns), and what the others become, per sample."""

    kept: npt.NDArray[np.bool_]
    black: tuple[int, ...]
    shape: Shape
    little: bool

    def frames(self, stream: BinaryIO, start: int, length: int) -> Iterator[bytes]:
        """Yield the bytes of the pixel data that starts at ``start``, each frame blanked."""
        shape = self.shape
        dtype = np.dtype("u1" if shape.bits == 8 else ("<u2" if self.little else ">u2"))
        size = shape.rows * shape.columns * shape.samples * dtype.itemsize
        planes = (shape.samples, shape.rows, shape.columns)
        pixels = (shape.rows, shape.columns, shape.samples)
        stream.seek(start)
        for _ in range(shape.frames):
            frame = np.frombuffer(stream.read(size), dtype).copy()
            view = frame.reshape(planes if shape.planar else pixels)
            for sample, value in enumerate(self.black):
                layer = view[sample] if shape.planar else view[:, :, sample]
                layer[~self.kept] = value
            yield frame.tobytes()
        yield bytes(length - size * shape.frames)  # the byte that makes the length even


def blanking_of(header: Header) -> Blanking:
    """Return how to blank an ultrasound image; :class:`Withheld` where that cannot be known."""
    if header.transfer_syntax not in _NATIVE or header.pixel_tag != 0x7FE00010:
        raise Withheld(REASON, "compressed frames cannot be blanked yet")
    shape = shape_of(header)
    photometric = text_of(header.dataset, 0x00280004)
    black = _BLACK.get(photometric)
    if black is None or len(black) != shape.samples or shape.bits not in (8, 16):
        raise Withheld(REASON, "blanking is not known for this photometric interpretation")
    kept = np.zeros((shape.rows, shape.columns), np.bool_)
    for item in items_of(header.dataset, 0x00186011):
        left, top, right, bottom = _corners(item, header.transfer_syntax)
        if not (left < right < shape.columns and top < bottom < shape.rows):
            raise Withheld(REASON, "a region lies outside the image")
        kept[top : bottom + 1, left : right + 1] = True
    if not kept.any():
        raise Withheld(REASON, "SequenceOfUltrasoundRegions is absent or empty")
    declared = text_of(header.dataset, 0x00280301)
    if kept.mean() > WHOLE and declared != "NO":
        raise Withheld(REASON, "the regions cover the whole frame, so they show nothing")
    return Blanking(kept, black, shape, header.transfer_syntax != EXPLICIT_BIG)


def _corners(item: Dataset, syntax: str) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region, both ends inside it."""
    little = syntax != EXPLICIT_BIG
    found: list[int] = []
    for tag in (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E):
        element = stored(item, tag, little=little)
        value = element.value if element is not None else None
        if not isinstance(value, bytes) or len(value) != 4:
            raise Withheld(REASON, "a region has no location")
        found.append(int.from_bytes(value, "little" if little else "big"))
    return found[0], found[1], found[2], found[3]

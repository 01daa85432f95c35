"""Rewrite compressed frames: changed ones are encoded again, the others keep their codestream.

Frames are encoded before the file is written, into a temporary file, because the offset tables that
precede them tell their lengths (PS3.5 A.4).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import IO, BinaryIO, Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.values import element
from imagehaven.deidentify.pixels.beside.comments import without_text
from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import compressed_frames, decode_frame, shape_of
from imagehaven.dicom.recode import REASON, encode_frame
from imagehaven.errors import Withheld

_IN_MEMORY: Final = 16 * 2**20
_BLOCK: Final = 2**20
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002


@dataclass(frozen=True)
class Encoded:
    """Encoded frames, one after another in ``file``, and the length of each in bytes."""

    file: IO[bytes]
    lengths: tuple[int, ...]
    extended: bool
    """Whether the frames are listed by an extended offset table and not by the basic one."""

    @property
    def size(self) -> int:
        """The bytes of all frames."""
        return sum(self.lengths)


def encode_frames(
    stream: BinaryIO, header: Header, redaction: Redaction | None, folder: Path
) -> Encoded:
    """Encode the frames of compressed pixel data with the redaction applied.

    Frames that do not change stay as they are compressed, without the text that may stand beside
    their picture. ``stream`` is the plain stream of ``header``. Temporary bytes lie in ``folder``,
    unnamed, and go when ``file`` is closed. Raises :class:`Withheld` ``not-recoded`` where encoding
    loses something, and ``codestream-comment`` where a text cannot be cut out.
    """
    shape = redaction.shape if redaction else shape_of(header)
    native = redaction is not None and redaction.recoding.native
    if native and shape.bits == 1 and shape.frame_bits % 8 and shape.frames > 1:
        raise Withheld(REASON, "frames of single bits that do not fill their last byte")
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115 - outlives this
    lengths: list[int] = []
    for number, data in enumerate(compressed_frames(stream, header, shape)):
        if redaction is not None and redaction.changes(number):
            words = redaction.applied(decode_frame(data, header, shape), number)
            new = encode_frame(words, redaction.recoding, header, shape)
        else:
            new = without_text(data, header, shape)
            new += b"\0" * (len(new) % 2)
        spool.write(new)
        lengths.append(len(new))
    if len(lengths) != shape.frames:
        raise Withheld(REASON, "the pixel data has fewer frames than it says")
    had_table = _OFFSETS in header.dataset and _LENGTHS in header.dataset
    far = sum(lengths) + 8 * len(lengths) >= 2**32
    return Encoded(spool, tuple(lengths), not native and (had_table or far))


def put_offsets(dataset: Dataset, encoded: Encoded) -> None:
    """Put the extended offset table of the frames into the data set that will precede them."""
    for tag in (_OFFSETS, _LENGTHS):
        if tag in dataset:
            del dataset[tag]
    if encoded.extended:
        count = len(encoded.lengths)
        offsets = pack(f"<{count}Q", *_offsets(encoded))
        dataset[_OFFSETS] = element(_OFFSETS, "OV", offsets, little=True)
        lengths = pack(f"<{count}Q", *encoded.lengths)
        dataset[_LENGTHS] = element(_LENGTHS, "OV", lengths, little=True)


def fragments(encoded: Encoded) -> Iterator[bytes]:
    """Yield the value of encapsulated pixel data: the basic offset table, an item per frame."""
    offsets = [] if encoded.extended else _offsets(encoded)
    yield _ITEM + pack("<L", 4 * len(offsets)) + pack(f"<{len(offsets)}L", *offsets)
    encoded.file.seek(0)
    for length in encoded.lengths:
        yield _ITEM + pack("<L", length)
        yield encoded.file.read(length)
    yield _END


def plain_frames(encoded: Encoded) -> Iterator[bytes]:
    """Yield frames that were encoded natively, in blocks."""
    encoded.file.seek(0)
    while block := encoded.file.read(_BLOCK):
        yield block


def _offsets(encoded: Encoded) -> list[int]:
    found, position = [], 0
    for length in encoded.lengths:
        found.append(position)
        position += length + 8
    return found

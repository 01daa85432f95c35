"""Compress changed frames again without loss: in their own transfer syntax where that can be done.

Comes in: a frame as :mod:`imagehaven.dicom.pixels` decodes it. Goes out: bytes that decode to that
very frame, which is checked for each one. A lossy transfer syntax that permits lossless codestreams
too (JPEG-LS, JPEG 2000, HTJ2K, JPEG XL: PS3.5 A.4) stays; the others become JPEG 2000 lossless, and
what that cannot hold becomes plain little endian.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from struct import pack
from typing import Final

import numpy as np

from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import (
    Frame,
    Shape,
    decode_frame,
    decoded_photometric,
    is_native,
    values_of,
)
from imagehaven.errors import Withheld

REASON: Final = "not-recoded"
EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
_ROOT: Final = "1.2.840.10008.1.2."
_JPEG_2000: Final = "4.90"
_FLAT_SYNTAXES: Final = ("5", "8.1")


@dataclass(frozen=True)
class Recoding:
    """How changed frames are written: in which transfer syntax and photometric interpretation.

    ``same`` says that both are the source's, so that frames that do not change may stay as they
    are; otherwise every frame has to be written again.
    """

    syntax: str
    photometric: str
    same: bool

    @property
    def native(self) -> bool:
        """Whether the frames are written without compression."""
        return is_native(self.syntax)


def recoding_of(syntax: str, shape: Shape) -> Recoding:
    """Return how frames of a transfer syntax are written after a change."""
    end = syntax.removeprefix(_ROOT)
    if is_native(syntax) or _stays(end, shape):
        return Recoding(syntax, shape.photometric, same=True)
    photometric = decoded_photometric(shape, syntax)
    other = {"4.111": "4.110", "4.202": "4.201"}.get(end, _JPEG_2000)
    while other != _JPEG_2000 and not _stays(other, replace(shape, photometric=photometric)):
        other = _JPEG_2000
    if not _stays(other, replace(shape, photometric=photometric)):
        return Recoding(EXPLICIT_LITTLE, photometric, same=False)
    if photometric == "RGB" and other in (_JPEG_2000, "4.201"):
        photometric = "YBR_RCT"
    return Recoding(_ROOT + other, photometric, same=False)


def _stays(end: str, shape: Shape) -> bool:
    """Say whether there is a lossless encoder for this transfer syntax and these samples."""
    whole = shape.stored in (8, 16) and shape.stored == shape.bits
    plain = shape.bits in (8, 16) and shape.samples in (1, 3) and shape.high + 1 == shape.stored
    if end in _FLAT_SYNTAXES:
        return shape.bits in (8, 16, 32)
    if end in ("4.80", "4.81"):
        return plain and whole  # its encoder writes 8 or 16 bits and nothing between
    if end in ("4.201", "4.203"):
        return plain and whole and shape.photometric != "YBR_ICT"
    if end in (_JPEG_2000, "4.91"):
        return plain and shape.photometric != "YBR_ICT"
    if end in ("4.110", "4.112"):
        return plain and not shape.signed and shape.photometric != "XYB"
    return end in ("4.57", "4.70") and plain


def encode_frame(words: Frame, recoding: Recoding, header: Header, shape: Shape) -> bytes:
    """Return one decoded frame compressed, or as plain little endian; of even length.

    Raises :class:`Withheld` ``not-recoded`` when the bytes do not decode to ``words``.
    """
    if not recoding.same and shape.signed:  # what is signed by the header only
        words = values_of(words, shape).astype(f"i{shape.bits // 8}")
    if recoding.native:
        return _native(words, shape)
    end = recoding.syntax.removeprefix(_ROOT)
    try:
        data = _ENCODERS[end](np.ascontiguousarray(words), shape, recoding)
        new = shape
        if not recoding.same:
            new = replace(shape, photometric=recoding.photometric, planar=False, subsampled=False)
        again = decode_frame(data, replace(header, transfer_syntax=recoding.syntax), new)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - codecs of C code raise types of their own
        raise Withheld(REASON, f"{type(error).__name__} in the encoder") from None
    if again.shape != words.shape or not np.array_equal(again, words):
        raise Withheld(REASON, "the encoder did not keep every pixel")
    return bytes(data) + b"\0" * (len(data) % 2)


def _native(words: Frame, shape: Shape) -> bytes:
    if shape.bits == 1:
        return np.packbits(words.astype(np.uint8).ravel(), bitorder="little").tobytes()
    kind = words.dtype.kind
    plain: bytes = words.astype(f"<{kind}{shape.bits // 8}").tobytes()
    return plain


def _precision(words: Frame, shape: Shape) -> int:
    """Return BitsStored where every value fits into it, else all bits of the array."""
    most, least = int(words.max(initial=0)), int(words.min(initial=0))
    if words.dtype.kind == "i":
        fits = -(1 << (shape.stored - 1)) <= least and most < 1 << (shape.stored - 1)
    else:
        fits = most < 1 << shape.stored
    return min(shape.stored, 8 * words.itemsize) if fits else 8 * words.itemsize


def _jpeg_2000(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    import imagecodecs

    return bytes(
        imagecodecs.jpeg2k_encode(
            words,
            level=0,
            codecformat="j2k",
            reversible=True,
            mct=recoding.photometric == "YBR_RCT",
            bitspersample=_precision(words, shape),
            numthreads=1,
        )
    )


def _htj2k(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    import imagecodecs

    colour = recoding.photometric == "YBR_RCT"
    return bytes(imagecodecs.htj2k_encode(words, reversible=True, rgb=colour))


def _jpeg_lossless(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    import imagecodecs

    bits = _precision(words, shape)
    return bytes(imagecodecs.jpeg8_encode(words, lossless=True, predictor=1, bitspersample=bits))


def _jpeg_ls(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpegls_encode(words, level=0))


def _jpeg_xl(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    import imagecodecs

    bits = _precision(words, shape)
    return bytes(
        imagecodecs.jpegxl_encode(
            words, lossless=True, bitspersample=bits, usecontainer=False, numthreads=1
        )
    )


def _deflated(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    planes = np.moveaxis(words, -1, 0) if shape.planar else words
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(_native(planes, shape)) + deflater.flush()


def _rle(words: Frame, shape: Shape, recoding: Recoding) -> bytes:
    """Compress in RLE Lossless: a segment for each byte of each sample (PS3.5 Annex G)."""
    import imagecodecs

    planes = words[np.newaxis] if words.ndim == 2 else np.moveaxis(words, -1, 0)
    segments: list[bytes] = []
    for plane in planes:
        # Most significant byte first; no run goes over the end of a row.
        octets = plane.astype(f">{words.dtype.kind}{shape.bits // 8}")
        rows = octets.view(np.uint8).reshape(shape.rows, shape.columns, -1)
        for place in range(rows.shape[2]):
            runs = bytes(imagecodecs.packbits_encode(rows[:, :, place].copy(), axis=-1))
            segments.append(runs + b"\0" * (len(runs) % 2))
    starts = [64]
    for segment in segments[:-1]:
        starts.append(starts[-1] + len(segment))
    head = pack(f"<{len(starts) + 1}L", len(segments), *starts)
    return head.ljust(64, b"\0") + b"".join(segments)


_ENCODERS: Final[dict[str, Callable[[Frame, Shape, Recoding], bytes]]] = {
    **dict.fromkeys(("4.57", "4.70"), _jpeg_lossless),
    **dict.fromkeys(("4.80", "4.81"), _jpeg_ls),
    **dict.fromkeys(("4.90", "4.91"), _jpeg_2000),
    **dict.fromkeys(("4.201", "4.203"), _htj2k),
    **dict.fromkeys(("4.110", "4.112"), _jpeg_xl),
    "5": _rle,
    "8.1": _deflated,
}

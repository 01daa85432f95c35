"""Decode pixel data frame by frame, or say that it cannot be decoded (PS3.5 section 8, Annex A).

Comes in: a file and its header. Goes out: one numpy array per frame, so that memory is bounded by
one frame. All pixel decoders of the house are called here and nowhere else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRBigEndian

from imagehaven.dicom.codestream import declared_size
from imagehaven.dicom.elements import to_elements
from imagehaven.dicom.header import Header, plain_stream
from imagehaven.dicom.keywords import first_value
from imagehaven.dicom.parse import UNDEFINED
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Withheld

REASON: Final = "undecodable-pixels"
MAX_FRAME: Final = 2**30

_NATIVE = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))
_RLE = "1.2.840.10008.1.2.5"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_LOSSY_JPEG = (".4.50", ".4.51")
_LOSSLESS_JPEG = frozenset(["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"])
# imagecodecs' decoders for the end of each transfer syntax UID, in the order to try them.
_DECODERS = {
    **dict.fromkeys(("4.50", "4.51", "4.57", "4.70"), ("jpeg8", "ljpeg")),
    **dict.fromkeys(("4.80", "4.81"), ("jpegls",)),
    **dict.fromkeys(("4.90", "4.91", "4.92", "4.93"), ("jpeg2k",)),
    **dict.fromkeys(("4.201", "4.202", "4.203"), ("htj2k", "jpeg2k")),
    **dict.fromkeys(("4.110", "4.111", "4.112"), ("jpegxl",)),
}

Frame = npt.NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """The image pixel module's numbers (PS3.3 C.7.6.3): pixels, frames and bits.

    ``bits`` are allocated for each sample; its value is in the ``stored`` bits that end at bit
    ``high``. Where the header makes no sense of them, every bit counts.
    """

    rows: int
    columns: int
    samples: int
    frames: int
    bits: int
    signed: bool
    planar: bool
    subsampled: bool
    photometric: str
    stored: int
    high: int

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame, with the chroma of YBR_FULL_422 halved."""
        samples = 2 if self.subsampled else self.samples
        return self.rows * self.columns * samples * self.bits


def check_decodable(file: BinaryIO | Path, header: Header) -> None:
    """Return when all pixel data of ``file`` can be decoded, or when it has none.

    Native pixel data must have exactly the length that its attributes say, give or take the byte
    that makes it even; of encapsulated pixel data every frame is decoded and compared in size.
    Raises :class:`Withheld` with reason ``undecodable-pixels``.
    """
    if header.pixel_tag is None:
        return
    if header.transfer_syntax in _NATIVE:
        native_shape(header, shape_of(header))
        return
    for _ in decode_frames(file, header):
        pass


def decode_frames(file: BinaryIO | Path, header: Header) -> Iterator[Frame]:
    """Yield each frame as an array of rows x columns, or rows x columns x samples, as stored.

    Values are stored words, before any rescale or palette. Colour is as stored, but the YBR of
    lossy JPEG and of JPEG 2000 comes as RGB, and native YBR_FULL_422 is given full chroma
    (:func:`decoded_photometric`). Raises :class:`Withheld` with reason
    ``undecodable-pixels`` at the first frame that cannot be decoded.
    """
    if isinstance(file, Path):
        with file.open("rb") as stream:
            yield from decode_frames(stream, header)
        return
    if header.pixel_tag is None or header.pixel_offset is None:
        raise Withheld(REASON, "the instance has no pixel data")
    shape = shape_of(header)
    count = 0
    try:
        native = header.transfer_syntax in _NATIVE
        frames = _native_frames if native else _encapsulated_frames
        for frame in frames(plain_stream(file, header), header, shape):
            count += 1
            yield frame
    except (Withheld, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything on a hostile codestream
        detail = f"frame {count + 1}: {type(error).__name__} in the decoder"
        raise Withheld(REASON, detail) from None
    if count != shape.frames:
        raise Withheld(REASON, f"{count} frames found where NumberOfFrames says {shape.frames}")


def is_native(syntax: str) -> bool:
    """Say whether pixel data of a transfer syntax is not compressed."""
    return syntax in _NATIVE


def decoded_photometric(shape: Shape, syntax: str) -> str:
    """Return the photometric interpretation of what :func:`decode_frames` yields."""
    compressed = syntax not in _NATIVE and syntax not in (_RLE, _DEFLATED_FRAMES)
    if shape.photometric in ("YBR_RCT", "YBR_ICT", "XYB"):
        return "RGB"
    if shape.samples == 3 and compressed and syntax.endswith(_LOSSY_JPEG):
        return "RGB"
    return "YBR_FULL" if shape.photometric == "YBR_FULL_422" else shape.photometric


def values_of(words: Frame, shape: Shape) -> Frame:
    """Return the values in stored words: the bits that HighBit and BitsStored name, signed or not.

    Words of floating point and of one bit are values already.
    """
    if words.dtype.kind == "f" or shape.bits == 1:
        return words
    plain = shape.stored == 8 * words.itemsize and shape.signed == (words.dtype.kind == "i")
    if plain or (words.itemsize * 8 < shape.stored and not shape.signed):
        return words
    values: Frame = words.astype(np.int64) >> (shape.high + 1 - shape.stored)
    values &= (1 << shape.stored) - 1
    if shape.signed:
        half = 1 << (shape.stored - 1)
        values = (values ^ half) - half
    return values.astype(np.int32) if shape.stored < 32 else values


def shape_of(header: Header) -> Shape:
    """Return the numbers of the image pixel module; :class:`Withheld` where they make no sense."""
    elements = to_elements(header.dataset.group_dataset(0x0028))
    floating = {0x7FE00008: 32, 0x7FE00009: 64}.get(header.pixel_tag or 0)
    samples = _number(elements, "SamplesPerPixel", 1)
    photometric = first_value(elements, "PhotometricInterpretation") or ""
    bits = floating or _number(elements, "BitsAllocated")
    stored, high = _used_bits(elements, bits)
    shape = Shape(
        rows=_number(elements, "Rows"),
        columns=_number(elements, "Columns"),
        samples=samples,
        frames=_number(elements, "NumberOfFrames", 1),
        bits=bits,
        signed=first_value(elements, "PixelRepresentation") == "1",
        planar=samples > 1 and first_value(elements, "PlanarConfiguration") == "1",
        subsampled=samples == 3 and photometric == "YBR_FULL_422",
        photometric=photometric,
        stored=stored,
        high=high,
    )
    if shape.frame_bits > 8 * MAX_FRAME or shape.samples > 4:
        raise Withheld(REASON, "Rows, Columns and SamplesPerPixel give a frame beyond the limit")
    if shape.bits not in (1, 8, 16, 32, 64) or (shape.bits == 1 and shape.samples != 1):
        raise Withheld(REASON, "BitsAllocated is none of 1, 8, 16, 32 and 64")
    return shape


def _used_bits(elements: dict[str, Any], bits: int) -> tuple[int, int]:
    """Return BitsStored and HighBit; all of the bits where these make no sense."""
    texts = [first_value(elements, keyword) or "" for keyword in ("BitsStored", "HighBit")]
    if all(text.isdecimal() for text in texts):
        stored, high = (int(text) for text in texts)
        if 0 < stored <= high + 1 <= bits:
            return stored, high
    return bits, bits - 1


def _number(elements: dict[str, Any], keyword: str, default: int | None = None) -> int:
    value = first_value(elements, keyword)
    if value is None and default is not None:
        return default
    try:
        number = int(value or "")
    except ValueError:
        number = 0
    if number <= 0:
        raise Withheld(REASON, f"{keyword} is absent or no positive number")
    return number


def native_shape(header: Header, shape: Shape) -> Shape:
    """Check the length of native pixel data; return the shape, with the chroma really stored.

    Raises :class:`Withheld` when the length is not what the shape says.
    """
    length = header.pixel_length
    if length is None or length == UNDEFINED:
        raise Withheld(REASON, "native pixel data has no defined length")
    full = Shape(**{**vars(shape), "subsampled": False})
    for candidate in (shape, full):
        expected = (candidate.frame_bits * shape.frames + 7) // 8
        if length in (expected, expected + expected % 2):
            return candidate
    raise Withheld(REASON, "the pixel data's length does not match its rows, columns and frames")


def _native_frames(stream: BinaryIO, header: Header, shape: Shape) -> Iterator[Frame]:
    shape = native_shape(header, shape)
    start = header.pixel_offset or 0
    big = header.transfer_syntax == ExplicitVRBigEndian
    swapped = big and shape.bits <= 8 and header.pixel_vr != "OB"
    for number in range(shape.frames):
        first, last = number * shape.frame_bits, (number + 1) * shape.frame_bits
        # Whole bytes around the frame; pairs where 16-bit words hold smaller pixels swapped.
        begin, end = first // 8, (last + 7) // 8
        if swapped:
            begin, end = begin - begin % 2, end + end % 2
        stream.seek(start + begin)
        data = stream.read(end - begin)
        if swapped:
            data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
        offset = first - begin * 8
        if shape.bits == 1:
            yield _unpacked(data, shape, offset)
        else:
            payload = data[offset // 8 : offset // 8 + shape.frame_bits // 8]
            yield _arranged(np.frombuffer(payload, _dtype(header, shape, big=big)), shape)


def _dtype(header: Header, shape: Shape, *, big: bool) -> str:
    kind = "u" if header.pixel_tag == 0x7FE00010 else "f"
    if kind == "u" and shape.signed:
        kind = "i"
    return f"{'>' if big else '<'}{kind}{max(8, shape.bits) // 8}"


def _arranged(flat: Frame, shape: Shape) -> Frame:
    """Bring the samples of one native frame into rows, columns and samples."""
    if shape.subsampled:  # two luma, then the chroma that both share (PS3.3 C.7.6.3.1.2)
        pairs = flat.reshape(-1, 4)
        pixels = np.stack([pairs[:, [0, 2, 3]], pairs[:, [1, 2, 3]]], axis=1)
        return pixels.reshape(shape.rows, shape.columns, 3)
    if shape.samples == 1:
        return flat.reshape(shape.rows, shape.columns)
    if shape.planar:
        return np.moveaxis(flat.reshape(shape.samples, shape.rows, shape.columns), 0, -1)
    return flat.reshape(shape.rows, shape.columns, shape.samples)


def compressed_frames(stream: BinaryIO, header: Header, shape: Shape) -> Iterator[bytes]:
    """Yield each frame of encapsulated pixel data as it is compressed, its fragments joined."""
    if header.pixel_length != UNDEFINED:
        raise Withheld(REASON, "the transfer syntax is compressed and the pixel data is not")
    stream.seek(header.pixel_offset or 0)
    offsets = None
    if 0x7FE00001 in header.dataset and 0x7FE00002 in header.dataset:
        offsets = (header.dataset[0x7FE00001].value, header.dataset[0x7FE00002].value)
    with quiet_pydicom():
        yield from generate_frames(stream, number_of_frames=shape.frames, extended_offsets=offsets)


def _encapsulated_frames(stream: BinaryIO, header: Header, shape: Shape) -> Iterator[Frame]:
    for frame in compressed_frames(stream, header, shape):
        yield decode_frame(frame, header, shape)


def decode_frame(frame: bytes, header: Header, shape: Shape) -> Frame:
    """Return one frame of a compressed transfer syntax, as :func:`decode_frames` gives it.

    Raises :class:`Withheld`, or whatever the decoder raises on a hostile codestream.
    """
    syntax = header.transfer_syntax
    if syntax == _RLE:
        return _rle_frame(frame, header, shape)
    if syntax == _DEFLATED_FRAMES:
        return _inflated_frame(frame, header, shape)
    names = _DECODERS.get(syntax.removeprefix("1.2.840.10008.1.2."))
    if names is None:
        raise Withheld(REASON, "no decoder for the transfer syntax (video, or a private one)")
    expected = (shape.rows, shape.columns, shape.samples)
    if names != ("jpegxl",) and declared_size(frame) != expected:
        raise Withheld(REASON, "the codestream's size is not that of Rows, Columns and samples")
    return _first_that_decodes(names, frame, shape, syntax)


def _rle_frame(frame: bytes, header: Header, shape: Shape) -> Frame:
    """Decode a frame of RLE Lossless (PS3.5 Annex G), whose planes come one after another."""
    import imagecodecs

    dtype = np.dtype(_dtype(header, shape, big=False))
    length = (shape.frame_bits + 7) // 8
    if int.from_bytes(frame[:4], "little") != shape.samples * dtype.itemsize:
        raise Withheld(REASON, "the RLE segments do not match the samples and bits")
    data = bytes(imagecodecs.dicomrle_decode(frame, dtype))
    if not length <= len(data) <= length + shape.samples * dtype.itemsize:  # a byte per segment
        raise Withheld(REASON, "an RLE frame has not the size of Rows and Columns")
    if shape.bits == 1:
        return _unpacked(data, shape)
    planes = np.frombuffer(data, dtype, shape.rows * shape.columns * shape.samples)
    planes = planes.reshape(shape.samples, shape.rows, shape.columns)
    return planes[0] if shape.samples == 1 else np.moveaxis(planes, 0, -1)


def _unpacked(data: bytes, shape: Shape, offset: int = 0) -> Frame:
    """Return the one-bit pixels of a frame that starts ``offset`` bits into ``data``."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return bits[offset : offset + shape.frame_bits].reshape(shape.rows, shape.columns)


def _first_that_decodes(names: tuple[str, ...], frame: bytes, shape: Shape, syntax: str) -> Frame:
    import imagecodecs

    failure = ""
    as_stored = shape.samples == 3 and (shape.photometric == "RGB" or syntax in _LOSSLESS_JPEG)
    for name in names:
        try:
            options = {"colorspace": "RGB"} if name == "jpeg8" and as_stored else {}
            array = np.asarray(getattr(imagecodecs, f"{name}_decode")(frame, **options))
        except Exception as error:  # noqa: BLE001 - a decoder of C code, on a hostile codestream
            failure = type(error).__name__
            continue
        if array.size == shape.rows * shape.columns * shape.samples:
            return array
        failure = "a frame of another size"
    raise Withheld(REASON, f"the decoder gave {failure}")


def _inflated_frame(frame: bytes, header: Header, shape: Shape) -> Frame:
    """Decode a frame of Deflated Image Frame Compression (PS3.5 A.4.12)."""
    length = (shape.frame_bits + 7) // 8
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(frame, length + 2)
    if len(data) not in (length, length + length % 2):
        raise Withheld(REASON, "a deflated frame has not the size of Rows and Columns")
    if shape.bits == 1:
        return _unpacked(data, shape)
    return _arranged(np.frombuffer(data[:length], _dtype(header, shape, big=False)), shape)

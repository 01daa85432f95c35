"""Make DICOM images of every kind of pixel data, with codecs that are not the house's."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROOT = "1.2.840.10008.1.2"
IMPLICIT, EXPLICIT, DEFLATED, BIG = ROOT, f"{ROOT}.1", f"{ROOT}.1.99", f"{ROOT}.2"
RLE = f"{ROOT}.5"
Frames = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Kind:
    """What the pixels are like: attributes of the Image Pixel module (PS3.3 C.7.6.3)."""

    photometric: str = "MONOCHROME2"
    bits: int = 8
    stored: int = 8
    signed: bool = False
    planar: int = 0
    frames: int = 1
    rows: int = 24
    columns: int = 30

    @property
    def colour(self) -> bool:
        """Whether there are three samples."""
        return self.photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of one sample."""
        return np.dtype(f"{'i' if self.signed else 'u'}{max(8, self.bits) // 8}")


def pixels(kind: Kind) -> Frames:
    """Return frames, rows, columns (and samples) of values that use the whole range."""
    shape = (kind.frames, kind.rows, kind.columns, *((3,) if kind.colour else ()))
    noise = np.random.default_rng(7).integers(0, 1 << kind.stored, shape, np.int64)
    smooth = np.indices(shape).sum(axis=0) * ((1 << kind.stored) // 64 + 1) % (1 << kind.stored)
    made = np.where(np.indices(shape)[1] < kind.rows // 2, smooth, noise)
    return (made - (1 << (kind.stored - 1) if kind.signed else 0)).astype(kind.dtype)


def image(kind: Kind, syntax: str, data: bytes, *, compressed: bool = False) -> Dataset:
    """Return a secondary capture that holds this pixel data."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SECONDARY_CAPTURE, "1.2.3.4"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3", "1.2.3.5"
    made.Modality, made.ConversionType, made.PatientID = "OT", "WSD", "1203565678"
    made.PatientName, made.ImageType = "Abernethy^Fionnlagh", ["DERIVED", "SECONDARY"]
    made.PatientBirthDate, made.PatientSex, made.StudyDate = "19560312", "M", "20240305"
    made.StudyTime, made.AccessionNumber, made.StudyID = "101112", "RX77812", "77"
    made.ReferringPhysicianName, made.InstanceNumber, made.SeriesNumber = "", "1", "1"
    made.PatientOrientation = ""
    made.SamplesPerPixel = 3 if kind.colour else 1
    made.PhotometricInterpretation = kind.photometric
    if kind.colour:
        made.PlanarConfiguration = kind.planar
    if kind.frames > 1:
        made.NumberOfFrames = str(kind.frames)
    made.Rows, made.Columns, made.BitsAllocated = kind.rows, kind.columns, kind.bits
    made.BitsStored, made.HighBit = kind.stored, kind.stored - 1
    made.PixelRepresentation = int(kind.signed)
    if kind.photometric == "PALETTE COLOR":
        ramp = np.arange(255, -1, -1).astype("<u2") * 257
        for name in ("Red", "Green", "Blue"):
            setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(made, f"{name}PaletteColorLookupTableData", ramp.tobytes())
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.PixelData = data
    made["PixelData"].VR = "OB" if compressed or kind.bits == 8 else "OW"
    made["PixelData"].is_undefined_length = compressed
    return made


def as_bytes(dataset: Dataset) -> bytes:
    """Return a data set as a file."""
    buffer = io.BytesIO()
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    syntax = meta.TransferSyntaxUID
    newer = not syntax.is_transfer_syntax
    if newer:  # than pydicom, which then refuses to write it
        meta.TransferSyntaxUID = UID(f"{ROOT}.4.90")
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    meta.TransferSyntaxUID = syntax
    stand_in = _head_of(f"{ROOT}.4.90")
    return buffer.getvalue().replace(stand_in, _head_of(syntax), 1) if newer else buffer.getvalue()


def _head_of(syntax: str) -> bytes:
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    return b"UI" + len(value).to_bytes(2, "little") + value


def native(kind: Kind, syntax: str, frames: Frames | None = None) -> Dataset:
    """Return an image whose pixels are not compressed, laid out as the kind says."""
    frames = pixels(kind) if frames is None else frames
    if kind.bits == 1:
        data = np.packbits(frames.astype(np.uint8).ravel(), bitorder="little").tobytes()
    elif kind.photometric == "YBR_FULL_422":
        pairs = frames.reshape(kind.frames, kind.rows, kind.columns // 2, 2, 3)
        luma, chroma = pairs[..., 0], pairs[..., 0, 1:]
        data = np.concatenate([luma, chroma], axis=-1).tobytes()
    else:
        laid = np.moveaxis(frames, -1, 1) if kind.planar else frames
        order = ">" if syntax == BIG else "<"
        data = laid.astype(laid.dtype.newbyteorder(order)).tobytes()
    data += b"\0" * (len(data) % 2)
    if syntax == BIG and kind.bits == 1:
        data = np.frombuffer(data, ">u2").astype("<u2").tobytes()
    return image(kind, syntax, data)


Encoder = Callable[[Frames], bytes]


def _jpeg_ls(near: int) -> Encoder:
    return lambda frame: imagecodecs.jpegls_encode(frame, level=near)


def _jpeg_2000(**options: Any) -> Encoder:
    return lambda frame: imagecodecs.jpeg2k_encode(frame, codecformat="j2k", **options)


def _jpeg(**options: Any) -> Encoder:
    return lambda frame: imagecodecs.jpeg8_encode(frame, **options)


def _deflate(frame: Frames) -> bytes:
    return zlib.compress(frame.tobytes(), wbits=-15)


def _rle(frame: Frames) -> bytes:
    """Compress with pydicom's own encoder."""
    colour = frame.ndim == 3
    return RLELosslessEncoder.encode(
        frame,
        rows=frame.shape[0], columns=frame.shape[1], samples_per_pixel=3 if colour else 1,
        bits_allocated=8 * frame.itemsize, bits_stored=8 * frame.itemsize,
        pixel_representation=int(frame.dtype.kind == "i"), number_of_frames=1,
        photometric_interpretation="RGB" if colour else "MONOCHROME2", planar_configuration=0,
    )  # fmt: skip


GREY, GREY16, GREY12 = Kind(), Kind(bits=16, stored=16), Kind(bits=16, stored=12)
INVERTED = Kind("MONOCHROME1", 16, 12)
SIGNED = Kind(bits=16, stored=16, signed=True)
SIGNED12 = Kind(bits=16, stored=12, signed=True)
RGB, RGB16, PALETTE = Kind("RGB"), Kind("RGB", 16, 16), Kind("PALETTE COLOR")
YBR = Kind("YBR_FULL")

_EXACT = {"level": 0, "reversible": True}
COMPRESSED: dict[str, tuple[Kind, str, Encoder]] = {
    "RLE grey": (GREY, RLE, _rle),
    "RLE 16 bits": (GREY16, RLE, _rle),
    "RLE signed": (SIGNED, RLE, _rle),
    "RLE inverted": (INVERTED, RLE, _rle),
    "RLE palette": (PALETTE, RLE, _rle),
    "RLE RGB": (Kind("RGB", planar=1), RLE, _rle),
    "RLE RGB 16 bits": (RGB16, RLE, _rle),
    "RLE YBR_FULL": (Kind("YBR_FULL", planar=1), RLE, _rle),
    "JPEG-LS grey": (GREY, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS 16 bits": (GREY16, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS 12 bits": (GREY12, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS inverted": (INVERTED, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS signed": (SIGNED, f"{ROOT}.4.80", lambda f: _jpeg_ls(0)(f.view("u2"))),
    "JPEG-LS signed 12 bits": (
        SIGNED12, f"{ROOT}.4.80", lambda f: _jpeg_ls(0)(f.view("u2") & 4095)
    ),
    "JPEG-LS RGB": (RGB, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS YBR_FULL": (YBR, f"{ROOT}.4.80", _jpeg_ls(0)),
    "JPEG-LS near": (GREY, f"{ROOT}.4.81", _jpeg_ls(3)),
    "JPEG 2000 grey": (GREY, f"{ROOT}.4.90", _jpeg_2000(**_EXACT)),
    "JPEG 2000 12 bits": (GREY12, f"{ROOT}.4.90", _jpeg_2000(bitspersample=12, **_EXACT)),
    "JPEG 2000 16 bits": (GREY16, f"{ROOT}.4.90", _jpeg_2000(**_EXACT)),
    "JPEG 2000 signed": (SIGNED12, f"{ROOT}.4.90", _jpeg_2000(bitspersample=12, **_EXACT)),
    "JPEG 2000 RCT": (Kind("YBR_RCT"), f"{ROOT}.4.90", _jpeg_2000(mct=True, **_EXACT)),
    "JPEG 2000 RGB": (RGB, f"{ROOT}.4.90", _jpeg_2000(mct=False, **_EXACT)),
    "JPEG 2000 palette": (PALETTE, f"{ROOT}.4.90", _jpeg_2000(**_EXACT)),
    "JPEG 2000 lossy grey": (GREY12, f"{ROOT}.4.91", _jpeg_2000(level=40, bitspersample=12)),
    "JPEG 2000 lossy ICT": (
        Kind("YBR_ICT"), f"{ROOT}.4.91", _jpeg_2000(level=35, mct=True, reversible=False)
    ),
    "HTJ2K grey": (GREY, f"{ROOT}.4.201", imagecodecs.htj2k_encode),
    "HTJ2K 12 bits": (GREY12, f"{ROOT}.4.201", imagecodecs.htj2k_encode),
    "HTJ2K RCT": (
        Kind("YBR_RCT"), f"{ROOT}.4.201", lambda f: imagecodecs.htj2k_encode(f, rgb=True)
    ),
    "HTJ2K lossy": (
        GREY16, f"{ROOT}.4.203", lambda f: imagecodecs.htj2k_encode(f, level=0.01, reversible=False)
    ),
    "JPEG lossless grey": (GREY, f"{ROOT}.4.70", _jpeg(lossless=True)),
    "JPEG lossless 12 bits": (GREY12, f"{ROOT}.4.70", _jpeg(lossless=True, bitspersample=12)),
    "JPEG lossless 16 bits": (GREY16, f"{ROOT}.4.57", _jpeg(lossless=True, predictor=4)),
    "JPEG lossless RGB": (RGB, f"{ROOT}.4.70", _jpeg(lossless=True)),
    "JPEG lossless YBR_FULL": (YBR, f"{ROOT}.4.70", _jpeg(lossless=True)),
    "JPEG baseline grey": (GREY, f"{ROOT}.4.50", _jpeg(level=80)),
    "JPEG baseline inverted": (Kind("MONOCHROME1"), f"{ROOT}.4.50", _jpeg(level=80)),
    "JPEG baseline YBR": (Kind("YBR_FULL_422"), f"{ROOT}.4.50", _jpeg(level=80, subsampling="422")),
    "JPEG baseline RGB": (RGB, f"{ROOT}.4.50", _jpeg(level=80, outcolorspace="RGB")),
    "JPEG extended 12 bits": (GREY12, f"{ROOT}.4.51", _jpeg(level=80, bitspersample=12)),
    "JPEG XL grey": (GREY, f"{ROOT}.4.110", lambda f: imagecodecs.jpegxl_encode(f, lossless=True)),
    "JPEG XL lossy": (GREY, f"{ROOT}.4.112", lambda f: imagecodecs.jpegxl_encode(f, level=80)),
    "deflated frames": (GREY12, f"{ROOT}.8.1", _deflate),
}  # fmt: skip


def compressed(name: str, frames: int = 1, *, table: str = "basic") -> Dataset:
    """Return the compressed image of this name; ``table``: basic, extended, none or fragmented."""
    kind, syntax, encode = COMPRESSED[name]
    kind = Kind(**{**vars(kind), "frames": frames})
    coded = [bytes(encode(np.ascontiguousarray(frame))) for frame in pixels(kind)]
    if table == "extended":
        data, offsets, lengths = encapsulate_extended(coded)
        made = image(kind, syntax, data, compressed=True)
        made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = offsets, lengths
        return made
    parts = 2 if table == "fragmented" else 1
    data = encapsulate(coded, fragments_per_frame=parts, has_bot=table != "none")
    return image(kind, syntax, data, compressed=True)

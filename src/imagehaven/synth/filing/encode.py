"""From an instance to the bytes of a file in one of seven transfer syntaxes (PS3.10, PS3.5 A)."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from imagehaven.synth.images import Instance

SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg": JPEGBaseline8Bit,
    "jpeg2000": JPEG2000Lossless,
}
"""Transfer syntaxes by the nicknames that protocols use."""

IMPLEMENTATION_UID = UID("2.25.190234818713487511398452377013217551")
PRIVATE_INFORMATION_UID = "2.25.190234818713487511398452377013217552"


def _jpeg(frame: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=92, subsampling=1)
    return buffer.getvalue()


def _jpeg2000(frame: NDArray[np.generic], bits: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, bitspersample=bits)
    )


def _rle(frame: NDArray[np.generic]) -> bytes:
    """Return an RLE frame (PS3.5 G): one segment a byte plane, most significant byte first."""
    samples = frame.reshape(*frame.shape[:2], -1)
    planes = []
    for sample in range(samples.shape[2]):
        plane = np.ascontiguousarray(samples[..., sample])
        octets = plane.view(np.uint8).reshape(*plane.shape, plane.itemsize)
        planes += [octets[..., byte] for byte in reversed(range(plane.itemsize))]
    segments = [b"".join(_packbits(row) for row in plane) for plane in planes]
    segments = [part + b"\0" * (len(part) % 2) for part in segments]
    offsets = np.zeros(16, dtype="<u4")
    offsets[0] = len(segments)
    offsets[1 : len(segments) + 1] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return offsets.tobytes() + b"".join(segments)


def _packbits(row: NDArray[np.generic]) -> bytes:
    return bytes(imagecodecs.packbits_encode(np.ascontiguousarray(row).tobytes()))


def _compressed(ds: Dataset, nickname: str, frames: NDArray[np.generic]) -> list[bytes]:
    if nickname == "jpeg":
        ds.PhotometricInterpretation = "YBR_FULL_422"
        ds.LossyImageCompression = "01"
        ds.LossyImageCompressionMethod = "ISO_10918_1"
        ds.LossyImageCompressionRatio = "10"
        return [_jpeg(frame) for frame in frames]
    if nickname == "jpeg2000":
        return [_jpeg2000(frame, ds.BitsStored) for frame in frames]
    return [_rle(frame) for frame in frames]


def _put_pixels(instance: Instance, nickname: str) -> None:
    ds, frames = instance.dataset, instance.frames
    if frames is None:
        return
    if nickname in {"rle", "jpeg", "jpeg2000"}:
        ds.PixelData = encapsulate(_compressed(ds, nickname, frames))
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return
    if frames.dtype == bool:
        content = np.packbits(frames.ravel(), bitorder="little").tobytes()
    elif nickname == "big-endian" and frames.dtype.itemsize == 2:
        content = frames.byteswap().tobytes()
    else:
        content = frames.tobytes()
    ds.PixelData = content + b"\0" * (len(content) % 2)
    ds["PixelData"].VR = "OB" if frames.dtype.itemsize == 1 and nickname != "implicit" else "OW"


def encode(instance: Instance, nickname: str, aet: str) -> bytes:
    """Return the whole file of an instance; puts the pixels into its data set on the way."""
    _put_pixels(instance, nickname)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = instance.dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = instance.dataset.SOPInstanceUID
    meta.TransferSyntaxUID = SYNTAXES[nickname]
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "SYNTH_1"
    meta.SourceApplicationEntityTitle = aet
    if instance.private_information:
        meta.PrivateInformationCreatorUID = UID(PRIVATE_INFORMATION_UID)
        meta.PrivateInformation = instance.private_information
    return file_bytes(instance.dataset, meta, instance.preamble)


def file_bytes(ds: Dataset, meta: FileMetaDataset, preamble: bytes = bytes(128)) -> bytes:
    """Return a data set with its file meta as a DICOM file."""
    whole = pydicom.FileDataset("", ds, preamble=preamble, file_meta=meta)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, whole, enforce_file_format=True)
    return buffer.getvalue()

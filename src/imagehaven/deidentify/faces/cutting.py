"""Cut the face out of one instance: the voxels beyond the plane become air, and nothing else.

What goes in is a DICOM file, and what comes out is the same file with other pixels: every voxel
that stays keeps its bits. Compressed frames are encoded again without loss, where that can be done
in their own transfer syntax. The instance then says that it shows no recognisable features and that
the Clean Recognizable Visual Features Option was applied (PS3.15 E.3.2; code 113102 of CID 7050).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from imagehaven.deidentify.faces.decide import Decision, Verdict, undecided
from imagehaven.deidentify.faces.parts import part_of, parts
from imagehaven.deidentify.faces.series import is_volume, series_uid
from imagehaven.deidentify.faces.slices import NotAVolume, Slice, rescale_of, slices_of
from imagehaven.dicom.header import Header, read_header, text_of
from imagehaven.dicom.pixels import Shape, decode_frames, is_native, shape_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.recode import encode_frame, recoding_of
from imagehaven.errors import ImagehavenError, Withheld

REASON: Final = "face-not-removed"
_SOP_CLASS: Final = 0x00080016
_CODE: Final = ("113102", "DCM", "Clean Recognizable Visual Features Option")


def without_face(stream: BinaryIO, decisions: Mapping[str, Decision]) -> BinaryIO:
    """Return the file in ``stream`` without a face: itself where none is, else a changed copy.

    ``decisions`` are those of :func:`imagehaven.deidentify.faces.series.decide_series` by
    SeriesInstanceUID. Raises :class:`Withheld` ``face-not-removed`` where a face may be and cannot
    be cut, and what :func:`read_header` raises.
    """
    stream.seek(0)
    header = read_header(stream, stream.seek(0, io.SEEK_END))
    stream.seek(0)
    with quiet_pydicom():
        decision = _decision(header, decisions)
        if decision.verdict is Verdict.WITHHOLD:
            raise Withheld(REASON, decision.detail)
        if decision.plane is None or header.pixel_tag is None:
            return stream
        try:
            return _cut(stream, header, decision)
        except NotAVolume as error:
            raise Withheld(REASON, str(error)) from None
        except (ImagehavenError, OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - hostile input can raise anything in pydicom
            raise Withheld(REASON, f"cutting failed with {type(error).__name__}") from None


def _decision(header: Header, decisions: Mapping[str, Decision]) -> Decision:
    if is_volume(header):
        unseen = Decision(Verdict.WITHHOLD, "the series was not looked at")
        return decisions.get(series_uid(header), unseen)
    name = parts().other_surfaces.get(text_of(header.dataset, _SOP_CLASS))
    if name is None:
        return Decision(Verdict.NO_FACE, "this class of objects shows no surface")
    return undecided(part_of(header.dataset), "this class of objects may show a face")


def _cut(stream: BinaryIO, header: Header, decision: Decision) -> BinaryIO:
    shape = shape_of(header)
    if shape.samples != 1 or shape.bits not in (8, 16):
        raise NotAVolume("its pixels are not grey values of 8 or 16 bits")
    places = slices_of(header.dataset)
    scales = [rescale_of(header.dataset, place.frame) or (1.0, 0.0) for place in places]
    frames = [
        _without(words, beyond(place, decision), _word(decision.air, scale, shape))
        for place, scale, words in zip(places, scales, decode_frames(stream, header), strict=True)
    ]
    stream.seek(0)
    dataset = dcmread(stream, force=True)
    stream.seek(0)
    _put_pixels(dataset, frames, header, shape)
    _state(dataset)
    made = io.BytesIO()
    dataset.save_as(made, enforce_file_format=True)
    made.seek(0)
    return made


def beyond(place: Slice, decision: Decision) -> npt.NDArray[np.bool_]:
    """Return which pixels of a frame lie in what goes (rows x columns)."""
    plane = decision.plane
    if plane is None:
        return np.zeros((place.rows, place.columns), np.bool_)
    height = place.beyond((0.0, 0.0, 1.0))
    found: npt.NDArray[np.bool_] = place.beyond(plane.normal) > plane.offset
    return found & (height >= plane.floor)


def _without(words: npt.NDArray[Any], gone: npt.NDArray[np.bool_], air: int) -> npt.NDArray[Any]:
    new = words.copy()
    new[gone] = np.array(air).astype(words.dtype)
    return new


def _word(air: float, scale: tuple[float, float], shape: Shape) -> int:
    """Return the stored word of air: the nearest value that the bits can hold."""
    value = round((air - scale[1]) / scale[0])
    least = -(1 << (shape.stored - 1)) if shape.signed else 0
    most = (1 << (shape.stored - 1)) - 1 if shape.signed else (1 << shape.stored) - 1
    return int(min(max(value, least), most)) << (shape.high + 1 - shape.stored)


def _put_pixels(
    dataset: Dataset, frames: list[npt.NDArray[Any]], header: Header, shape: Shape
) -> None:
    if is_native(header.transfer_syntax):
        plain = b"".join(frame.tobytes() for frame in frames)
        dataset["PixelData"].value = plain + b"\0" * (len(plain) % 2)
        return
    recoding = recoding_of(header.transfer_syntax, shape)
    encoded = [encode_frame(frame, recoding, header, shape) for frame in frames]
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    dataset.file_meta.TransferSyntaxUID = UID(recoding.syntax)
    dataset.PhotometricInterpretation = recoding.photometric
    native = recoding.native
    dataset.PixelData = b"".join(encoded) if native else encapsulate(encoded)
    dataset["PixelData"].VR = "OW" if native else "OB"
    dataset["PixelData"].is_undefined_length = not native


def _state(dataset: Dataset) -> None:
    """Say what was done; a small picture of the image goes, since it shows the face too."""
    if "IconImageSequence" in dataset:
        del dataset["IconImageSequence"]
    dataset.RecognizableVisualFeatures = "NO"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _CODE
    held = list(dataset.get("DeidentificationMethodCodeSequence") or [])
    dataset.DeidentificationMethodCodeSequence = [*held, code]

"""A made head of ellipsoids: skin, skull, brain, jaw and nose, as MR or CT values and as DICOM."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

MR, CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"


@dataclass(frozen=True)
class Phantom:
    """Values [z, y, x] on cubes of ``step`` mm, and where brain and nose are."""

    values: np.ndarray
    brain: np.ndarray
    nose: np.ndarray
    step: float = 2.0
    origin: tuple[float, float, float] = (-110.0, -130.0, -140.0)
    shown: dict[str, Any] = field(default_factory=dict)


def head(*, ct: bool = False, brain: bool = True, step: float = 2.0) -> Phantom:
    """Return a head that looks ahead; without ``brain`` its skull is full of air."""
    z, y, x = np.meshgrid(
        np.arange(-140, 101, step), np.arange(-130, 131, step), np.arange(-110, 111, step),
        indexing="ij",
    )  # fmt: skip

    def inside(centre: tuple[float, ...], axes: tuple[float, ...]) -> np.ndarray:
        away = zip((x, y, z), centre, axes, strict=True)
        return np.asarray(sum(((at - mid) / axis) ** 2 for at, mid, axis in away) < 1)

    nose = inside((0, -100, -56), (13, 22, 20))
    jaw = inside((0, -44, -80), (54, 54, 52))
    neck = ((x / 58) ** 2 + ((y - 25) / 62) ** 2 < 1) & (z < -40)
    skin = inside((0, 0, 0), (77, 97, 87)) | nose | jaw | neck
    skull = inside((0, 0, 0), (71, 91, 81)) & (z > -36 + 0.25 * np.abs(y))
    within = inside((0, 2, 2), (64, 83, 74)) & (z > -26 + 0.25 * np.abs(y))
    values = np.full(x.shape, -1000.0 if ct else 3.0)
    values[skin] = 20 if ct else 120
    values[skull] = 900 if ct else 10
    inner = inside((0, 2, 2), (66, 85, 76)) & (z > -28 + 0.25 * np.abs(y))
    values[inner] = (8 if ct else 30) if brain else (-1000 if ct else 3)
    if brain:
        values[within] = 35 if ct else 95
    values += np.random.default_rng(7).normal(0, 4, values.shape)
    return Phantom(values, within, nose, step)


def ball(radius: float, *, step: float = 2.0, value: float = 100.0) -> Phantom:
    """Return a ball without anything inside, such as a melon, for MR."""
    z, y, x = np.meshgrid(*(np.arange(-130, 131, step),) * 3, indexing="ij")
    values = np.where(x**2 + y**2 + z**2 < radius**2, value, 3.0)
    values += np.random.default_rng(7).normal(0, 3, values.shape)
    nothing = np.zeros(values.shape, bool)
    return Phantom(values, nothing, nothing, step, (-130.0, -130.0, -130.0))


def datasets(phantom: Phantom, *, ct: bool = False, **tags: Any) -> list[Dataset]:
    """Return the phantom as axial single-frame instances, in the order of their places."""
    made = []
    for number, plane in enumerate(phantom.values):
        data = Dataset()
        data.SOPClassUID = CT if ct else MR
        data.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.7.{number + 1}"
        data.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.5"
        data.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.6"
        data.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.8"
        data.Modality = "CT" if ct else "MR"
        data.PatientID, data.PatientName = "PHANTOM", "Head^Made"
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Manufacturer = "SIEMENS"
        data.InstanceNumber = number + 1
        x, y, z = phantom.origin
        data.ImagePositionPatient = [x, y, z + number * phantom.step]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing = [phantom.step, phantom.step]
        data.SliceThickness = phantom.step
        shift = 1024 if ct else 0
        data.RescaleSlope, data.RescaleIntercept = 1, -shift
        pixels = np.rint(plane + shift).clip(0, 4095).astype("<u2")
        data.Rows, data.Columns = pixels.shape
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation = 0
        data.PixelData = pixels.tobytes()
        data["PixelData"].VR = "OW"
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        for keyword, value in tags.items():
            setattr(data, keyword, value)
        made.append(data)
    return made


def write(made: list[Dataset], folder: Path) -> Path:
    """Write instances into a folder, so that names say nothing of the order of slices."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(made):
        data.save_as(folder / f"{number * 37 % len(made):04}.dcm", enforce_file_format=True)
    return folder


def enhanced(made: list[Dataset]) -> Dataset:
    """Return single-frame instances as one multi-frame instance (PS3.3 A.36)."""
    whole = Dataset()
    whole.update({element.tag: element for element in made[0] if element.tag.group != 0x7FE0})
    whole.file_meta = made[0].file_meta
    whole.SOPClassUID += ".1"
    whole.NumberOfFrames = len(made)
    frames = []
    for data in made:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = data.ImagePositionPatient
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    whole.PerFrameFunctionalGroupsSequence = frames
    measures, turned, scale, shared = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = made[0].PixelSpacing
    turned.ImageOrientationPatient = made[0].ImageOrientationPatient
    scale.RescaleSlope, scale.RescaleIntercept = made[0].RescaleSlope, made[0].RescaleIntercept
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turned]
    shared.PixelValueTransformationSequence = [scale]
    whole.SharedFunctionalGroupsSequence = [shared]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
                    "RescaleSlope", "RescaleIntercept"):  # fmt: skip
        delattr(whole, keyword)
    whole.PixelData = b"".join(data.PixelData for data in made)
    whole["PixelData"].VR = "OW"
    return whole

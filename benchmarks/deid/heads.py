"""Heads to deface: real anatomy as 1 mm label maps, given the grey values of MR and CT.

The label maps (20 people, whole head with skin, skull, eyes and brain; Billot et al., SynthSeg) say
for each voxel what it is, so what was lost of the brain and left of the eyes can be counted. Each
tissue gets one value a contrast, then partial volume, a bias field and noise.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy import ndimage

CONTRASTS = ("T1", "T2", "FLAIR", "CT")
LABELS = {
    "white": (2, 16, 28, 41, 60),
    "grey": (3, 17, 18, 42, 53, 54),
    "deep": (10, 11, 12, 13, 26, 49, 50, 51, 52, 58),
    "cerebellum": (7, 8, 46, 47),
    "fluid": (4, 5, 14, 15, 24, 25, 43, 44, 57, 72, 136, 137, 163, 164),
    "vein": (30, 62, 514),
    "skin": (511,),
    "soft": (507, 508),
    "bone": (515,),
    "marrow": (516,),
    "eye": (506,),
    "mucosa": (502, 509, 512, 530),
}
VALUES = {  # white, grey, deep, cerebellum, fluid, vein, skin, soft, bone, marrow, eye, mucosa
    "T1": (110, 78, 92, 88, 22, 35, 75, 150, 12, 80, 28, 70),
    "T2": (60, 85, 70, 75, 190, 30, 60, 110, 8, 60, 200, 120),
    "FLAIR": (80, 100, 95, 95, 15, 30, 60, 90, 8, 50, 20, 90),
    "CT": (28, 38, 36, 34, 6, 55, 30, 10, 1000, 500, 12, 40),
}
_CELLS = ("white", "grey", "deep", "cerebellum")
_VENTRICLES = (4, 5, 14, 15, 43, 44)
BRAIN = (*(label for name in _CELLS for label in LABELS[name]), *_VENTRICLES)
EYES = LABELS["eye"]


@dataclass(frozen=True)
class Anatomy:
    """Labels [x, y, z] to the left, back and top (LPS), 1 mm."""

    name: str
    labels: np.ndarray

    def mask(self, labels: tuple[int, ...]) -> np.ndarray:
        """Return where any of the labels is."""
        return np.isin(self.labels, labels)

    def face(self) -> np.ndarray:
        """Return the skin from 10 mm above the eyes downwards, as wide as they are, in front."""
        eyes = np.argwhere(self.mask(EYES))
        middle = eyes.mean(0)
        x, y, z = np.indices(self.labels.shape, np.int16, sparse=True)
        window = (np.abs(x - middle[0]) <= 45) & (y <= middle[1]) & (z <= middle[2] + 10)
        return self.mask(LABELS["skin"]) & window & (z >= middle[2] - 90)


def anatomies(folder: Path) -> list[Anatomy]:
    """Read every label map (NIfTI-1) of a folder."""
    return [
        Anatomy(file.name.split(".")[0][-2:], _labels(file))
        for file in sorted(folder.glob("training_seg_*.nii.gz"))
    ]


def image(anatomy: Anatomy, contrast: str, seed: int = 0) -> np.ndarray:
    """Return the grey values of a contrast, float32 [x, y, z]; CT in Hounsfield units."""
    chance = np.random.default_rng(seed)
    ct = contrast == "CT"
    values = np.full(anatomy.labels.shape, -1000 if ct else 2, np.float32)
    for name, value in zip(LABELS, VALUES[contrast], strict=True):
        values[anatomy.mask(LABELS[name])] = value
    soft = anatomy.mask(LABELS["soft"])  # fat and muscle, in patches
    noise = chance.standard_normal(values.shape, np.float32)
    fat = ndimage.gaussian_filter(noise, 3)[soft] > 0
    values[soft] = np.where(fat, -90 if ct else values[soft], 50 if ct else values[soft] * 0.4)
    values = ndimage.gaussian_filter(values, 0.6)
    if ct:
        return values + 8 * noise
    bias = 1 + 0.25 * np.linspace(-1, 1, values.shape[2], dtype=np.float32)
    return np.abs(values * bias + 4 * noise)


def write_series(folder: Path, values: np.ndarray, contrast: str, thick: int = 1) -> None:
    """Write axial slices, ``thick`` mm each, as one CT or MR series into a new folder."""
    folder.mkdir(parents=True)
    ct = contrast == "CT"
    slices = values.shape[2] // thick
    stack = values[:, :, : slices * thick].reshape(*values.shape[:2], slices, thick).mean(3)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(slices):
        data = Dataset()
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2" if ct else "1.2.840.10008.5.1.4.1.1.4"
        data.SOPInstanceUID = generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID = study, series
        data.FrameOfReferenceUID = frame
        data.Modality, data.BodyPartExamined = ("CT" if ct else "MR"), "HEAD"
        data.PatientID, data.PatientName = "HEAD", "Head^Made"
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Manufacturer = "SIEMENS"
        data.InstanceNumber = number + 1
        data.ImagePositionPatient = [0, 0, number * thick + (thick - 1) / 2]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [1, 1], thick
        data.RescaleSlope, data.RescaleIntercept = 1, -1024 if ct else 0
        pixels = np.rint(stack[:, :, number].T + (1024 if ct else 0)).clip(0, 4095)
        data.Rows, data.Columns = pixels.shape
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation = 0
        data.PixelData = pixels.astype("<u2").tobytes()
        data["PixelData"].VR = "OW"
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.save_as(folder / f"{number:04}.dcm", enforce_file_format=True)


def _labels(file: Path) -> np.ndarray:
    data = gzip.decompress(file.read_bytes())
    shape = struct.unpack("<8h", data[40:56])[1:4]
    dtype = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}
    kind = dtype[struct.unpack("<h", data[70:72])[0]]
    start = int(struct.unpack("<f", data[108:112])[0])
    labels = np.frombuffer(data, kind, int(np.prod(shape)), start).reshape(shape, order="F")
    affine = np.array(
        [struct.unpack("<4f", data[280 + 16 * row : 296 + 16 * row]) for row in range(3)]
    )
    axes = [int(np.abs(affine[row, :3]).argmax()) for row in range(3)]
    labels = labels.transpose(axes).astype(np.int16)
    for axis, wanted in enumerate((-1, -1, 1)):  # NIfTI counts to the right and to the front
        if np.sign(affine[axis, axes[axis]]) != wanted:
            labels = np.flip(labels, axis)
    return np.ascontiguousarray(labels)

"""CT, MR and PET: series of slices with geometry (PS3.3 A.3, A.4, A.21)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from imagehaven.synth.images.instance import Instance, Shoot, code, geometry, grey, reference, start
from imagehaven.synth.images.phantom import head, hot_spots, scaled, shadow, thorax


def ct(shoot: Shoot) -> list[Instance]:
    """Return a CT series: Hounsfield units behind a rescale of 1 and -1024; or one scout."""
    protocol = shoot.protocol
    return [_ct_slice(shoot, place) for place in range(1, protocol["count"] + 1)]


def _ct_slice(shoot: Shoot, place: int) -> Instance:
    protocol = shoot.protocol
    size, scout = protocol["size"], protocol.get("localizer", False)
    ds = start(shoot, CTImageStorage, place)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER" if scout else "AXIAL"]
    grey(ds, size, bits=12)
    geometry(shoot, ds, place, 360 / size, protocol["thickness"])
    ds.KVP = "120"
    ds.XRayTubeCurrent = str(150 + shoot.number("mA", below=200))
    ds.ExposureTime = "500"
    ds.GantryDetectorTilt = "0"
    ds.ConvolutionKernel = protocol["kernel"]
    ds.PatientPosition = "HFS" if protocol["body"] == "HEAD" else "FFS"
    ds.RescaleIntercept = "-1024"
    ds.RescaleSlope = "1"
    ds.RescaleType = "HU"
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    if scout:
        # A localizer's plane is coronal, or it would stack with the slices.
        ds.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
        del ds.SliceLocation
    depth = place / (protocol["count"] + 1)
    rng = shoot.noise("pixels", place)
    if scout:
        units = shadow(size, rng, "CHEST") * 900 - 900
    elif protocol["body"] == "HEAD":
        units = head(size, rng, depth) * 90 - 20
    else:
        units = thorax(size, rng, depth)
    stored = np.clip(np.rint(units) + 1024, 0, 4095).astype(np.uint16)
    return Instance(ds, stored[np.newaxis])


def mr(shoot: Shoot) -> list[Instance]:
    """Return an MR series of axial slices through a head."""
    protocol = shoot.protocol
    made = []
    for place in range(1, protocol["count"] + 1):
        ds = start(shoot, MRImageStorage, place)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        grey(ds, protocol["size"], bits=12)
        geometry(shoot, ds, place, 230 / protocol["size"], 5.0)
        ds.ScanningSequence = ["GR", "IR"] if "tfl" in protocol["sequence"] else "SE"
        ds.SequenceVariant = ["SP", "MP"] if "tfl" in protocol["sequence"] else "SK"
        ds.ScanOptions = ""
        ds.InversionTime = "900"
        ds.SequenceName = protocol["sequence"]
        ds.MRAcquisitionType = "3D" if "tfl" in protocol["sequence"] else "2D"
        ds.RepetitionTime = str(protocol["repetition"])
        ds.EchoTime = str(protocol["echo"])
        ds.EchoTrainLength = "1"
        ds.MagneticFieldStrength = "3"
        ds.FlipAngle = "9"
        ds.PatientPosition = "HFS"
        ds.WindowCenter, ds.WindowWidth = "600", "1200"
        depth = place / (protocol["count"] + 1)
        plane = head(protocol["size"], shoot.noise("pixels", place), depth)
        made.append(Instance(ds, scaled(plane, 1200)[np.newaxis]))
    return made


def pet(shoot: Shoot) -> list[Instance]:
    """Return a PET series with decay and dose, corrected to the start of the scan."""
    protocol = shoot.protocol
    return [_pet_slice(shoot, place) for place in range(1, protocol["count"] + 1)]


def _pet_slice(shoot: Shoot, place: int) -> Instance:
    protocol = shoot.protocol
    ds = start(shoot, PositronEmissionTomographyImageStorage, place)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    grey(ds, protocol["size"], bits=16)
    geometry(shoot, ds, place, 4.07, 3.0)
    ds.PatientPosition = "HFS"
    ds.Units = "BQML"
    ds.CountsSource = "EMISSION"
    ds.SeriesType = ["WHOLE BODY", "IMAGE"]
    ds.NumberOfSlices = protocol["count"]
    ds.ImageIndex = place
    ds.DecayCorrection = "START"
    ds.CorrectedImage = ["DECY", "ATTN", "SCAT"]
    ds.CollimatorType = "NONE"
    ds.ActualFrameDuration = "120000"
    ds.FrameReferenceTime = str((place - 1) * 120000)
    ds.RescaleIntercept, ds.RescaleSlope = "0", "2.5"
    ds.RadiopharmaceuticalInformationSequence = [_tracer(shoot)]
    ds.PatientOrientationCodeSequence = [code("F-10450", "SRT", "recumbent")]
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [
        code("F-10340", "SRT", "supine")
    ]
    ds.PatientGantryRelationshipCodeSequence = [code("F-10470", "SRT", "headfirst")]
    images = shoot.images("CT")
    if images:
        ds.ReferencedImageSequence = [reference(images[min(place, len(images)) - 1])]
    plane = hot_spots(protocol["size"], shoot.noise("pixels", place), place / 4)
    return Instance(ds, scaled(plane, 20000)[np.newaxis])


def _tracer(shoot: Shoot) -> Dataset:
    item = Dataset()
    item.Radiopharmaceutical = "Fluorodeoxyglucose"
    item.RadiopharmaceuticalStartTime = "083000"
    item.RadiopharmaceuticalStartDateTime = f"{shoot.series.when:%Y%m%d}083000"
    item.RadionuclideTotalDose = str(300_000_000 + shoot.number("dose", below=60_000_000))
    item.RadionuclideHalfLife = "6586.2"
    item.RadionuclidePositronFraction = "0.97"
    item.RadionuclideCodeSequence = [code("C-111A1", "SRT", "^18^Fluorine")]
    item.RadiopharmaceuticalCodeSequence = [code("C-B1031", "SRT", "Fluorodeoxyglucose F^18^")]
    return item

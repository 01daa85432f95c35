"""CR, DX, MG, XA, RF and NM: projections, the last three with many frames."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    NuclearMedicineImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from imagehaven.synth.images.instance import Instance, Shoot, code, grey, start
from imagehaven.synth.images.phantom import hot_spots, scaled, shadow, vessels

_CLASSES = {
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "XA": XRayAngiographicImageStorage,
    "RF": XRayRadiofluoroscopicImageStorage,
}
_REGIONS = {
    "CHEST": ("T-D3000", "Chest"),
    "KNEE": ("T-D9200", "Knee"),
    "BREAST": ("T-04000", "Breast"),
}


def radiograph(shoot: Shoot) -> list[Instance]:
    """Return plain radiographs or mammograms, one instance for each view."""
    protocol, modality = shoot.protocol, shoot.series.modality
    made = []
    for place in range(1, protocol["count"] + 1):
        ds = start(shoot, _CLASSES[modality], place)
        ds.ImageType = ["DERIVED" if modality == "MG" else "ORIGINAL", "PRIMARY", ""]
        grey(ds, protocol["size"], bits=12)
        ds.ViewPosition = protocol["view"] if place == 1 else ("CC" if modality == "MG" else "LL")
        ds.PatientOrientation = ["L", "F"] if modality != "MG" else ["A", "FR"]
        ds.KVP = "28" if modality == "MG" else "102"
        ds.Exposure = "4"
        ds.BurnedInAnnotation = "NO"
        if modality == "CR":
            ds.PlateID = f"PLATE{shoot.number('plate', below=1000)}"
            ds.CassetteID = f"C{shoot.number('cassette', below=10000)}"
            ds.ImagerPixelSpacing = ["0.2", "0.2"]
        else:
            _digital(shoot, ds)
        plane = shadow(protocol["size"], shoot.noise("pixels", place), protocol["body"])
        made.append(Instance(ds, scaled(plane, 4000)[np.newaxis]))
    return made


def _digital(shoot: Shoot, ds: Dataset) -> None:
    """Put the DX modules (PS3.3 C.8.11); mammography adds its own."""
    protocol = shoot.protocol
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    ds.DetectorType = "DIRECT"
    ds.DetectorID = f"DET-{shoot.series.scanner.serial}"
    ds.ImagerPixelSpacing = ["0.15", "0.15"]
    ds.ImageLaterality = protocol.get("laterality", "U")
    value, meaning = _REGIONS[protocol["body"]]
    ds.AnatomicRegionSequence = [code(value, "SRT", meaning)]
    ds.AcquisitionContextSequence = []
    ds.PositionerType = "NONE"
    if shoot.series.modality == "MG":
        ds.PositionerType = "MAMMOGRAPHIC"
        ds.OrganExposed = "BREAST"
        ds.BreastImplantPresent = "NO"
        ds.PartialView = "NO"
        view = code("R-10226", "SRT", "medio-lateral oblique")
        if ds.ViewPosition == "CC":
            view = code("R-10242", "SRT", "cranio-caudal")
        view.ViewModifierCodeSequence = []
        ds.ViewCodeSequence = [view]


def angiogram(shoot: Shoot) -> list[Instance]:
    """Return one multi-frame run: coronary arteries (XA) or a swallow (RF)."""
    protocol = shoot.protocol
    frames, size = protocol["frames"], protocol["size"]
    ds = start(shoot, _CLASSES[shoot.series.modality], 1)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    grey(ds, size, bits=8)
    ds.NumberOfFrames = str(frames)
    ds.FrameIncrementPointer = Tag("FrameTime")
    ds.FrameTime = "66.7"
    ds.KVP = "80"
    ds.RadiationSetting = "GR"
    ds.PatientOrientation = ""
    ds.PixelIntensityRelationship = "LIN"
    ds.XRayTubeCurrent = "600"
    ds.ExposureTime = "400"
    if shoot.series.modality == "XA":
        ds.PositionerMotion = "STATIC"
        ds.PositionerPrimaryAngle = "-30"
        ds.PositionerSecondaryAngle = "20"
    rng = shoot.noise("pixels")
    planes = [vessels(size, rng, (turn + 1) / frames) for turn in range(frames)]
    return [Instance(ds, scaled(np.stack(planes), 255, np.uint8))]


def nuclear(shoot: Shoot) -> list[Instance]:
    """Return one tomographic acquisition (PS3.3 C.8.4): a frame for each angle."""
    protocol = shoot.protocol
    frames, size = protocol["frames"], protocol["size"]
    ds = start(shoot, NuclearMedicineImageStorage, 1)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]
    grey(ds, size, bits=16)
    ds.NumberOfFrames = str(frames)
    ds.CountsAccumulated = ""
    vectors = ("EnergyWindowVector", "DetectorVector", "RotationVector", "AngularViewVector")
    ds.FrameIncrementPointer = [Tag(name) for name in vectors]
    ds.EnergyWindowVector = ds.DetectorVector = ds.RotationVector = [1] * frames
    ds.AngularViewVector = list(range(1, frames + 1))
    ds.NumberOfEnergyWindows = ds.NumberOfDetectors = ds.NumberOfRotations = 1
    ds.PixelSpacing = ["6.4", "6.4"]
    window, limits, tracer = Dataset(), Dataset(), Dataset()
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = "126", "154"
    window.EnergyWindowName = protocol["tracer"].split()[0]
    window.EnergyWindowRangeSequence = [limits]
    ds.EnergyWindowInformationSequence = [window]
    tracer.Radiopharmaceutical = protocol["tracer"]
    tracer.RadionuclideCodeSequence = [code("C-163A8", "SRT", "^99m^Technetium")]
    tracer.RadiopharmaceuticalStartTime = "091500"
    ds.RadiopharmaceuticalInformationSequence = [tracer]
    detector = Dataset()
    detector.CollimatorType = "PARA"
    detector.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    detector.ImagePositionPatient = ["-200", "-200", "200"]
    ds.DetectorInformationSequence = [detector]
    rotation = Dataset()
    rotation.StartAngle = "0"
    rotation.AngularStep = f"{360 / frames:.2f}"
    rotation.RotationDirection = "CC"
    rotation.ScanArc = "360"
    rotation.ActualFrameDuration = "20000"
    rotation.NumberOfFramesInRotation = frames
    ds.RotationInformationSequence = [rotation]
    ds.PatientOrientationCodeSequence = [code("F-10450", "SRT", "recumbent")]
    ds.PatientGantryRelationshipCodeSequence = [code("F-10470", "SRT", "headfirst")]
    rng = shoot.noise("pixels")
    planes = [hot_spots(size, rng, 6.283 * turn / frames) for turn in range(frames)]
    return [Instance(ds, scaled(np.stack(planes), 900))]

"""Ultrasound and screen captures: pictures that machines write patient details into."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from imagehaven.synth.images.instance import Instance, Shoot, colour, start
from imagehaven.synth.images.phantom import head, scaled, speckle

BANNER = 36
"""Rows above an ultrasound region in which a machine writes who is being looked at."""


def ultrasound(shoot: Shoot) -> list[Instance]:
    """Return ultrasound stills or a short clip with a region (PS3.3 C.8.5.5) below the banner."""
    protocol = shoot.protocol
    size, frames = protocol["size"], protocol.get("frames", 1)
    made = []
    for place in range(1, protocol["count"] + 1):
        clip = frames > 1
        ds = start(
            shoot, UltrasoundMultiFrameImageStorage if clip else UltrasoundImageStorage, place
        )
        ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
        colour(ds, size, size)
        ds.PatientOrientation = ""
        ds.SequenceOfUltrasoundRegions = [_region(size)]
        if clip:
            ds.NumberOfFrames = str(frames)
            ds.FrameTime = "33.3"
            ds.FrameIncrementPointer = Tag("FrameTime")
        rng = shoot.noise("pixels", place)
        planes = np.stack([scaled(speckle(size, rng), 255, np.uint8) for _ in range(frames)])
        planes[:, :BANNER] = 0
        made.append(Instance(ds, np.repeat(planes[..., np.newaxis], 3, axis=3)))
    return made


def _region(size: int) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat = 1
    item.RegionDataType = 1
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, BANNER
    item.RegionLocationMaxX1 = item.RegionLocationMaxY1 = size - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.05
    return item


def capture(shoot: Shoot) -> list[Instance]:
    """Return a secondary capture: a workstation's screen or a scanner's dose page."""
    protocol = shoot.protocol
    size = protocol["size"]
    ds = start(shoot, SecondaryCaptureImageStorage, 1)
    ds.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    ds.ConversionType = "WSD"
    ds.PatientOrientation = ""
    ds.SecondaryCaptureDeviceManufacturer = shoot.series.scanner.manufacturer
    ds.SecondaryCaptureDeviceManufacturerModelName = shoot.series.scanner.model
    ds.DateOfSecondaryCapture = f"{shoot.series.when:%Y%m%d}"
    ds.TimeOfSecondaryCapture = f"{shoot.series.when:%H%M%S}"
    colour(ds, size, size)
    plane = scaled(head(size, shoot.noise("pixels"), 0.5) * 0.5, 255, np.uint8)
    plane[: 2 * BANNER] = plane[-BANNER:] = 16
    return [Instance(ds, np.repeat(plane[np.newaxis, ..., np.newaxis], 3, axis=3))]

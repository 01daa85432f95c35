"""Objects that point at images: segmentations, structure sets and presentation states."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    GrayscaleSoftcopyPresentationStateStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

from imagehaven.synth.images.instance import Instance, Shoot, code, person_name, reference, start
from imagehaven.synth.images.phantom import ellipse


def _same_series(shoot: Shoot) -> list[Dataset]:
    """Return the slices of the study's last axial series."""
    images = [image for image in shoot.images("CT", "MR") if "AXIAL" in image.ImageType]
    return [image for image in images if image.SeriesInstanceUID == images[-1].SeriesInstanceUID]


def _series_reference(images: list[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = images[0].SeriesInstanceUID
    item.ReferencedInstanceSequence = [reference(image) for image in images]
    return item


def segmentation(shoot: Shoot) -> list[Instance]:
    """Return a binary SEG of the nodule over the study's axial slices (PS3.3 A.51)."""
    images = _same_series(shoot)
    first = images[0]
    ds = start(shoot, SegmentationStorage, 1)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.Rows, ds.Columns = first.Rows, first.Columns
    ds.NumberOfFrames = str(len(images))
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = ds.PixelRepresentation = 0
    ds.LossyImageCompression = "00"
    ds.SegmentationType = "BINARY"
    ds.ContentLabel = "NODULE"
    ds.ContentDescription = "Solid nodule, right upper lobe"
    ds.ContentCreatorName = person_name(shoot, shoot.study.radiologist)
    ds.FrameOfReferenceUID = first.FrameOfReferenceUID
    ds.PositionReferenceIndicator = ""
    ds.SegmentSequence = [_segment()]
    organization = Dataset()
    organization.DimensionOrganizationUID = shoot.uid(1, 1)
    ds.DimensionOrganizationSequence = [organization]
    index = Dataset()
    index.DimensionOrganizationUID = organization.DimensionOrganizationUID
    index.DimensionIndexPointer = 0x00200032
    index.FunctionalGroupPointer = 0x00209113
    ds.DimensionIndexSequence = [index]
    ds.SharedFunctionalGroupsSequence = [_shared(first)]
    ds.PerFrameFunctionalGroupsSequence = [
        _frame(image, place) for place, image in enumerate(images, start=1)
    ]
    ds.ReferencedSeriesSequence = [_series_reference(images)]
    ds.ContentQualification = "RESEARCH"
    mask = ellipse(first.Rows, -0.2, -0.45, 0.07, 0.07)
    return [Instance(ds, np.repeat(mask[np.newaxis], len(images), axis=0))]


def _segment() -> Dataset:
    item = Dataset()
    item.SegmentNumber = 1
    item.SegmentLabel = "Nodule"
    item.SegmentAlgorithmType = "MANUAL"
    item.SegmentedPropertyCategoryCodeSequence = [
        code("M-01000", "SRT", "Morphologically Altered Structure")
    ]
    item.SegmentedPropertyTypeCodeSequence = [code("M-03010", "SRT", "Nodule")]
    return item


def _shared(first: Dataset) -> Dataset:
    item, measures, orientation, segment = Dataset(), Dataset(), Dataset(), Dataset()
    measures.SliceThickness = first.SliceThickness
    measures.PixelSpacing = first.PixelSpacing
    orientation.ImageOrientationPatient = first.ImageOrientationPatient
    segment.ReferencedSegmentNumber = 1
    item.PixelMeasuresSequence = [measures]
    item.PlaneOrientationSequence = [orientation]
    item.SegmentIdentificationSequence = [segment]
    return item


def _frame(image: Dataset, place: int) -> Dataset:
    item, content, position, derivation = Dataset(), Dataset(), Dataset(), Dataset()
    content.DimensionIndexValues = [place]
    content.StackID = "1"
    content.InStackPositionNumber = place
    position.ImagePositionPatient = image.ImagePositionPatient
    source = reference(image)
    source.PurposeOfReferenceCodeSequence = [
        code("121322", "DCM", "Source image for image processing operation")
    ]
    derivation.SourceImageSequence = [source]
    derivation.DerivationCodeSequence = [code("113076", "DCM", "Segmentation")]
    item.FrameContentSequence = [content]
    item.PlanePositionSequence = [position]
    item.DerivationImageSequence = [derivation]
    return item


def structures(shoot: Shoot) -> list[Instance]:
    """Return an RT structure set: one contour on each axial slice (PS3.3 A.19)."""
    images = _same_series(shoot)
    ds = start(shoot, RTStructureSetStorage, 1, image=False)
    ds.OperatorsName = person_name(shoot, shoot.study.operator)
    ds.StructureSetLabel = "CONTOURS"
    ds.StructureSetDate = f"{shoot.series.when:%Y%m%d}"
    ds.StructureSetTime = f"{shoot.series.when:%H%M%S}"
    study, frame = Dataset(), Dataset()
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = shoot.study.uid
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ContourImageSequence = [reference(image) for image in images]
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = images[0].FrameOfReferenceUID
    ds.FrameOfReferenceUID = images[0].FrameOfReferenceUID
    ds.PositionReferenceIndicator = ""
    frame.RTReferencedStudySequence = [study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    roi, observation, contours = Dataset(), Dataset(), Dataset()
    roi.ROINumber = "1"
    roi.ReferencedFrameOfReferenceUID = frame.FrameOfReferenceUID
    roi.ROIName = "GTV"
    roi.ROIGenerationAlgorithm = "MANUAL"
    ds.StructureSetROISequence = [roi]
    contours.ReferencedROINumber = "1"
    contours.ROIDisplayColor = ["255", "0", "0"]
    contours.ContourSequence = [_contour(image) for image in images]
    ds.ROIContourSequence = [contours]
    observation.ObservationNumber = observation.ReferencedROINumber = "1"
    observation.RTROIInterpretedType = "GTV"
    observation.ROIInterpreter = person_name(shoot, shoot.study.radiologist)
    ds.RTROIObservationsSequence = [observation]
    ds.ApprovalStatus = "UNAPPROVED"
    return [Instance(ds, None)]


def _contour(image: Dataset) -> Dataset:
    item = Dataset()
    item.ContourImageSequence = [reference(image)]
    item.ContourGeometricType = "CLOSED_PLANAR"
    z = str(image.ImagePositionPatient[2])
    corners = ((-90, -40), (-70, -40), (-70, -20), (-90, -20))
    item.NumberOfContourPoints = str(len(corners))
    item.ContourData = [part for x, y in corners for part in (str(x), str(y), z)]
    return item


def presentation(shoot: Shoot) -> list[Instance]:
    """Return a presentation state whose text annotation names the patient (PS3.3 A.33)."""
    images = shoot.images()
    ds = start(shoot, GrayscaleSoftcopyPresentationStateStorage, 1, image=False)
    ds.ContentLabel = "MARKS"
    ds.ContentDescription = ""
    ds.PresentationCreationDate = f"{shoot.series.when:%Y%m%d}"
    ds.PresentationCreationTime = f"{shoot.series.when:%H%M%S}"
    ds.ContentCreatorName = person_name(shoot, shoot.study.radiologist)
    ds.ReferencedSeriesSequence = [_referenced_images(images[:1])]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [images[0].Columns, images[0].Rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = ["1", "1"]
    ds.DisplayedAreaSelectionSequence = [area]
    layer, graphic, label = Dataset(), Dataset(), Dataset()
    layer.GraphicLayer = "NOTES"
    layer.GraphicLayerOrder = "1"
    ds.GraphicLayerSequence = [layer]
    where = "GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue"
    template = "Baker's cyst. {listed} {chi} seen by {doctor}"
    text, marks = shoot.telling.render(template, where)
    label.UnformattedTextValue = text
    label.AnchorPointAnnotationUnits = "PIXEL"
    label.AnchorPoint = [10.0, 10.0]
    label.AnchorPointVisibility = "N"
    graphic.GraphicLayer = "NOTES"
    graphic.TextObjectSequence = [label]
    ds.GraphicAnnotationSequence = [graphic]
    ds.PresentationLUTShape = "IDENTITY"
    return [Instance(ds, None, marks)]


def _referenced_images(images: list[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = images[0].SeriesInstanceUID
    item.ReferencedImageSequence = [reference(image) for image in images]
    return item

"""Structured reports and encapsulated PDF (PS3.3 A.35.1, A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage, EncapsulatedPDFStorage

from imagehaven.synth.images.instance import Instance, Shoot, code, person_name, reference, start
from imagehaven.synth.images.pdf import pdf_of
from imagehaven.synth.records.reports import report_parts, report_text


def report(shoot: Shoot) -> list[Instance]:
    """Return the study's report as a Basic Text SR that cites the study's first image."""
    ds = start(shoot, BasicTextSRStorage, 1, image=False)
    when = shoot.series.when
    ds.ContentDate, ds.ContentTime = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    ds.CompletionFlag = "COMPLETE"
    ds.VerificationFlag = "VERIFIED"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    observer = Dataset()
    observer.VerifyingOrganization = shoot.study.hospital.name
    observer.VerificationDateTime = f"{when:%Y%m%d%H%M%S}"
    observer.VerifyingObserverName = person_name(shoot, shoot.study.radiologist)
    observer.VerifyingObserverIdentificationCodeSequence = []
    ds.VerifyingObserverSequence = [observer]
    ds.ValueType = "CONTAINER"
    ds.ContinuityOfContent = "SEPARATE"
    ds.ConceptNameCodeSequence = [code("18748-4", "LN", "Diagnostic Imaging Report")]
    made = Instance(ds, None)
    ds.ContentSequence = [_observer(shoot)]
    for value, meaning, template in report_parts(shoot.plan):
        heading = _item("CONTAINER", value, meaning)
        heading.ContinuityOfContent = "SEPARATE"
        text = _item("TEXT", "121071", "Finding")
        place = len(ds.ContentSequence)
        where = f"ContentSequence[{place}].ContentSequence[0].TextValue"
        text.TextValue, marks = shoot.telling.render(template, where)
        made.marks += marks
        heading.ContentSequence = [text]
        ds.ContentSequence.append(heading)
    images = shoot.images()
    if images:
        _cite(shoot, ds, images[0])
    return [made]


def _item(kind: str, value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = kind
    item.ConceptNameCodeSequence = [code(value, "LN" if "-" in value else "DCM", meaning)]
    return item


def _observer(shoot: Shoot) -> Dataset:
    item = _item("PNAME", "121008", "Person Observer Name")
    item.RelationshipType = "HAS OBS CONTEXT"
    item.PersonName = person_name(shoot, shoot.study.radiologist)
    return item


def _cite(shoot: Shoot, ds: Dataset, image: Dataset) -> None:
    study, series, cited = Dataset(), Dataset(), _item("IMAGE", "121112", "Source of Measurement")
    cited.ReferencedSOPSequence = [reference(image)]
    ds.ContentSequence.append(cited)
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ReferencedSOPSequence = [reference(image)]
    study.StudyInstanceUID = shoot.study.uid
    study.ReferencedSeriesSequence = [series]
    ds.CurrentRequestedProcedureEvidenceSequence = [study]


def document(shoot: Shoot) -> list[Instance]:
    """Return a letter as an encapsulated PDF; its text is a page of the report."""
    ds = start(shoot, EncapsulatedPDFStorage, 1, image=False)
    when = shoot.series.when
    ds.ContentDate, ds.ContentTime = f"{when:%Y%m%d}", f"{when:%H%M%S}"
    ds.AcquisitionDateTime = f"{when:%Y%m%d%H%M%S}"
    ds.ConversionType = "WSD"
    ds.BurnedInAnnotation = "YES"
    made = Instance(ds, None)
    title, marks = shoot.telling.render("Referral {family_upper}", "DocumentTitle")
    ds.DocumentTitle = title
    ds.ConceptNameCodeSequence = [code("57133-1", "LN", "Referral note")]
    text, inside = report_text(shoot.plan, shoot.study, "EncapsulatedDocument", ascii_only=True)
    made.marks += marks + inside
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    content = pdf_of(text.splitlines(), squeeze=shoot.plan.person.index % 2 == 1)
    ds.EncapsulatedDocumentLength = len(content)
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return [made]

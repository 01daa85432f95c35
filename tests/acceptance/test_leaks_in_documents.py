"""Reports, documents, presentation states and radiotherapy plans: withheld, or without identifiers.

A document that may not be released at all is as safe as one that was cleaned; where a kind is
released, its near miss says what has to stay.
"""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leak_documents import code, content, document, encapsulated, pdf, report
from leak_runs import (
    BORN,
    CHI,
    STRANGER,
    STRANGER_CHI,
    Released,
    Trap,
    as_bytes,
    has,
    item,
    real,
    release_all,
    survivors,
    trap,
)

_UID = "1.2.826.0.1.3680043.8.498.20240305101112"
_SECRETS = (STRANGER, "Munro", STRANGER_CHI)

_CDA = (
    "<?xml version='1.0'?><ClinicalDocument xmlns='urn:hl7-org:v3'><recordTarget><patientRole>"
    f"<id extension='{STRANGER_CHI}'/><patient><name><given>Fiona</given><family>{STRANGER}"
    "</family></name><birthTime value='19510307'/></patient></patientRole></recordTarget>"
    "</ClinicalDocument>"
).encode()


def _presentation() -> bytes:
    text = item(
        UnformattedTextValue=f"{STRANGER} {STRANGER_CHI}", BoundingBoxAnnotationUnits="PIXEL"
    )
    layer = item(GraphicLayer=STRANGER.upper(), GraphicLayerDescription=f"by {STRANGER}")
    drawn = item(GraphicLayer=STRANGER.upper(), TextObjectSequence=Sequence([text]))
    return as_bytes(
        document(
            "11.1",
            "PR",
            ContentLabel="MACFARLANE",
            ContentDescription=f"Seen by {STRANGER}",
            ContentCreatorName="Munro^Kirsty",
            GraphicLayerSequence=Sequence([layer]),
            GraphicAnnotationSequence=Sequence([drawn]),
        )
    )


def _plan(dataset: Dataset) -> None:
    dataset.RTPlanLabel, dataset.RTPlanName = STRANGER, f"{STRANGER} boost"
    dataset.RTPlanDescription = f"{STRANGER} {STRANGER_CHI}"
    dataset.OperatorsName, dataset.ReviewerName = "Munro^K", "Munro^K"
    dataset.ApprovalStatus, dataset.ReviewDate = "APPROVED", "20240305"
    for beam in dataset.BeamSequence:
        beam.BeamName, beam.BeamDescription = f"{STRANGER} AP", STRANGER_CHI
        beam.TreatmentMachineName = "MUNRO_LINAC"


def _plain_plan(dataset: Dataset) -> None:
    dataset.RTPlanGeometry = "PATIENT"
    dataset.ReferringPhysicianName = ""


def _structures() -> bytes:
    roi = item(
        ROINumber=1, ROIName=STRANGER, ROIDescription=f"by {STRANGER}", ROIGenerationAlgorithm=""
    )
    seen = item(ObservationNumber=1, ReferencedROINumber=1, ROIInterpreter="Munro^K")
    seen.ROIObservationLabel, seen.RTROIInterpretedType = STRANGER, "GTV"
    return as_bytes(
        document(
            "481.3",
            "RTSTRUCT",
            StructureSetLabel=STRANGER,
            StructureSetName=f"{STRANGER} {STRANGER_CHI}",
            StructureSetDate="20240305",
            StructureSetROISequence=Sequence([roi]),
            RTROIObservationsSequence=Sequence([seen]),
        )
    )


_TEXT = content("TEXT", "121071", "Finding", TextValue=f"{STRANGER} fell. {STRANGER_CHI}")
_OBSERVER = content("PNAME", "121008", "Person Observer Name", PersonName="Munro^Kirsty")
_ORGANISATION = content(
    "TEXT", "121009", "Person Observer's Organization Name", TextValue=f"{STRANGER} Infirmary"
)
_UIDREF = content("UIDREF", "121012", "Device Observer UID", UID=_UID)
_DATE = content("DATETIME", "121125", "DateTime of Recording", DateTime="20240305101112+0100")
_LOCAL = content("CODE", "121071", "Finding", ConceptCodeSequence=code("X1", f"of {STRANGER}"))
_DEEP = content("CONTAINER", "121070", "Findings", ContinuityOfContent="SEPARATE")
_DEEP.ContentSequence = Sequence([content("CONTAINER", "121070", "Findings")])
_DEEP.ContentSequence[0].ContentSequence = Sequence([_TEXT, _OBSERVER, _UIDREF])
_VERIFIED = item(
    VerifyingObserverName="Munro^Kirsty",
    VerifyingOrganization=f"{STRANGER} Infirmary",
    VerificationDateTime="20240305101112",
    VerifyingObserverIdentificationCodeSequence=code("S12", STRANGER),
)

TRAPS: dict[str, Trap] = {
    "text of a report": Trap(report(_TEXT), _SECRETS),
    "observers of a report": Trap(report(_OBSERVER, _ORGANISATION), _SECRETS),
    "UID in a report": Trap(report(_UIDREF), (_UID, "20240305")),
    "date in a report": Trap(report(_DATE), ("20240305",)),
    "code meaning in a report": Trap(report(_LOCAL), _SECRETS),
    "three deep in a report": Trap(report(_DEEP), (*_SECRETS, _UID)),
    "who verified a report": Trap(
        report(VerifyingObserverSequence=Sequence([_VERIFIED])), (*_SECRETS, "20240305")
    ),
    "PDF": Trap(
        encapsulated(
            "104.1",
            "application/pdf",
            pdf(f"{STRANGER}^Fiona {STRANGER_CHI}", STRANGER, f"Report of {STRANGER_CHI}"),
            f"for {STRANGER}",
        ),
        _SECRETS,
    ),
    "CDA": Trap(
        encapsulated("104.2", "text/XML", _CDA, f"for {STRANGER}"), (*_SECRETS, "19510307")
    ),
    "presentation state": Trap(_presentation(), _SECRETS),
    "radiotherapy plan": trap(
        _plan,
        (*_SECRETS, "MUNRO", "20240305"),
        _plain_plan,
        has("RTPlanGeometry", "PATIENT"),
        file="rtplan.dcm",
    ),
    "structure set": Trap(_structures(), (*_SECRETS, "20240305")),
}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("documents"), TRAPS)


@pytest.mark.parametrize("name", TRAPS)
def test_a_document_is_withheld_or_names_nobody(name: str, outcome: Released) -> None:
    secrets = (*TRAPS[name].secrets, "drummond", CHI, BORN)
    assert (name in outcome.files) != (name in outcome.reasons)
    assert not survivors(outcome.bytes_of(name), secrets)


@pytest.mark.parametrize("name", ["radiotherapy plan", "structure set"])
def test_radiotherapy_is_released(name: str, outcome: Released) -> None:
    assert outcome.dataset(name).PatientIdentityRemoved == "YES"


def test_the_geometry_of_a_plan_is_kept(outcome: Released) -> None:
    new = outcome.dataset("radiotherapy plan near")
    assert TRAPS["radiotherapy plan"].kept(new)
    assert len(new.BeamSequence) == len(real("rtplan.dcm").BeamSequence)


def test_the_roi_stays_without_its_name(outcome: Released) -> None:
    (roi,) = outcome.dataset("structure set").StructureSetROISequence
    assert roi.ROINumber == 1


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []

"""The near misses of documents: findings, measurements and drawings without a person stay.

Each is released by the public call beside a twin that names somebody, which loses only that.
"""

from __future__ import annotations

import pypdfium2
import pytest
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
    item,
    release_all,
    survivors,
)

_SECRETS = (STRANGER, STRANGER_CHI, "Munro", "drummond", CHI, BORN)
_FINDING = (
    "No focal lesion. Baker's cyst behind the left knee, 12 mm. Hodgkin lymphoma in remission."
)
_IMAGE = "1.2.826.0.1.3680043.8.498.77"


def _tree(more: str = "", who: str = "") -> bytes:
    """A report with a finding in words, one in code, a measurement, and an image that it cites."""
    unit = Sequence([item(CodeValue="mm", CodingSchemeDesignator="UCUM", CodeMeaning="millimeter")])
    length = content("NUM", "121206", "Distance")
    length.MeasuredValueSequence = Sequence(
        [item(NumericValue="12.5", MeasurementUnitsCodeSequence=unit)]
    )
    coded = content("CODE", "121071", "Finding", ConceptCodeSequence=code("121077", "Conclusion"))
    cited = content("IMAGE", "121112", "Source of Measurement")
    cited.ReferencedSOPSequence = Sequence(
        [item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=_IMAGE)]
    )
    text = content("TEXT", "121071", "Finding", TextValue=f"{_FINDING}{more}")
    parts = [text, coded, length, cited]
    if who:
        parts.append(content("PNAME", "121008", "Person Observer Name", PersonName=who))
    return report(*parts)


_CDA = (
    "<?xml version='1.0'?><ClinicalDocument xmlns='urn:hl7-org:v3'>{who}<component><structuredBody>"
    "<component><section><title>Findings</title><text>No focal lesion in the liver.{more}</text>"
    "</section></component></structuredBody></component></ClinicalDocument>"
)
_WHO = (
    f"<recordTarget><patientRole><id extension='{STRANGER_CHI}'/><patient><name>{STRANGER}</name>"
    "</patient></patientRole></recordTarget>"
)


def _cda(who: str = "", more: str = "") -> bytes:
    body = _CDA.format(who=who, more=more).encode()
    return encapsulated("104.2", "text/XML", body, "Report")


_LINE = "No focal lesion in the liver"


def _page(author: str, title: str) -> bytes:
    return encapsulated("104.1", "application/pdf", pdf(_LINE, author, title), "Report")


def _drawing(label: str, by: str) -> bytes:
    """A presentation state with a polyline, a window and a layer called ``label``."""
    line = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[1.0, 2.0, 30.0, 40.0],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    drawn = item(GraphicLayer=label, GraphicObjectSequence=Sequence([line]))
    layer = item(GraphicLayer=label, GraphicLayerOrder=1)
    window = item(WindowCenter="40", WindowWidth="400")
    return as_bytes(
        document(
            "11.1",
            "PR",
            ContentLabel="ANNOTATION",
            ContentCreatorName=by,
            GraphicLayerSequence=Sequence([layer]),
            GraphicAnnotationSequence=Sequence([drawn]),
            SoftcopyVOILUTSequence=Sequence([window]),
        )
    )


TWINS: dict[str, tuple[bytes, bytes]] = {
    "report": (_tree(), _tree(f" Seen by Dr {STRANGER}, {STRANGER_CHI}.", "Munro^Kirsty")),
    "CDA": (_cda(), _cda(_WHO, f" Dictated by Dr {STRANGER}.")),
    "PDF": (_page("", ""), _page(STRANGER, f"Report of {STRANGER_CHI}")),
    "presentation state": (_drawing("LAYER1", ""), _drawing("MACFARLANE", "Munro^Kirsty")),
}
TRAPS = {name: Trap(named, _SECRETS, plain) for name, (plain, named) in TWINS.items()}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return release_all(tmp_path_factory.mktemp("near"), TRAPS)


@pytest.mark.parametrize("name", TWINS)
def test_the_twin_that_names_somebody_is_released_without(name: str, outcome: Released) -> None:
    assert name in outcome.files, outcome.reasons.get(name)
    assert not survivors(outcome.bytes_of(name), _SECRETS)


def _both(name: str) -> list[str]:
    return [name, f"{name} near"]


@pytest.mark.parametrize("name", _both("report"))
def test_what_a_report_finds_and_measures_stays(name: str, outcome: Released) -> None:
    text, coded, length, cited = outcome.dataset(name).ContentSequence[:4]
    for phrase in ("No focal lesion", "Baker's cyst", "left knee, 12 mm", "Hodgkin lymphoma"):
        assert phrase in text.TextValue
    assert coded.ConceptCodeSequence[0].CodeValue == "121077"
    (measured,) = length.MeasuredValueSequence
    assert measured.NumericValue == 12.5
    assert measured.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert cited.ReferencedSOPSequence[0].ReferencedSOPInstanceUID.startswith("2.25.")


def test_a_report_without_a_name_keeps_every_word(outcome: Released) -> None:
    assert outcome.dataset("report near").ContentSequence[0].TextValue == _FINDING


@pytest.mark.parametrize("name", _both("CDA"))
def test_what_a_cda_document_finds_stays(name: str, outcome: Released) -> None:
    assert b"No focal lesion in the liver." in outcome.dataset(name).EncapsulatedDocument


def _ink(data: bytes) -> int:
    """Dark pixels of the first page."""
    page = pypdfium2.PdfDocument(data)[0].render(scale=2).to_numpy()
    return int((page[..., :3].mean(axis=-1) < 128).sum())


@pytest.mark.parametrize("name", _both("PDF"))
def test_a_harmless_line_of_a_page_stays_and_its_metadata_goes(
    name: str, outcome: Released
) -> None:
    made = bytes(outcome.dataset(name).EncapsulatedDocument)
    assert _ink(made) > 0.8 * _ink(pdf(_LINE, "", ""))
    assert not pypdfium2.PdfDocument(made).get_metadata_dict(skip_empty=True).get("Author")


@pytest.mark.parametrize("name", _both("presentation state"))
def test_a_drawing_and_its_window_stay(name: str, outcome: Released) -> None:
    new = outcome.dataset(name)
    (drawn,) = new.GraphicAnnotationSequence
    assert list(drawn.GraphicObjectSequence[0].GraphicData) == [1.0, 2.0, 30.0, 40.0]
    assert new.SoftcopyVOILUTSequence[0].WindowWidth == 400
    assert drawn.GraphicLayer == new.GraphicLayerSequence[0].GraphicLayer


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []

"""Encapsulated PDF and CDA: what a reader sees stays where it is harmless, everything else goes."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from imagehaven.deidentify import Pseudonyms, load
from imagehaven.deidentify.documents import Terms
from imagehaven.deidentify.documents.cda import clean_cda
from imagehaven.deidentify.documents.pdf import clean_pdf
from imagehaven.deidentify.text import KnownPeople
from imagehaven.errors import Withheld
from imagehaven.synth.images.pdf import pdf_of

KNOWN = KnownPeople.of(names=["McLeod^Eilidh"], identifiers=["0101901232"])
TERMS = Terms(KNOWN, Pseudonyms(b"k" * 32), timedelta(days=-2), load("research").options)
REPORT = [
    "RADIOLOGY REPORT",
    "Patient: Eilidh McLeod CHI 010190 1232",
    "There is a 12 mm nodule in the right upper lobe.",
    "Reported by Dr Hamish Tulloch",
]
V3 = "{urn:hl7-org:v3}"
CDA = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="1.2.826.0.1.99" extension="E7781"/>
<code code="18782-3" codeSystem="2.16.840.1.113883.6.1" displayName="Study of Eilidh McLeod"/>
<effectiveTime value="20210312101500+0000"/>
<recordTarget><patientRole><id extension="0101901232" root="2.16.840.1"/>
<addr><streetAddressLine>12 High Street</streetAddressLine></addr><telecom value="tel:01382660111"/>
<patient><name><given>Eilidh</given><family>McLeod</family></name><birthTime value="19900101"/>
</patient></patientRole></recordTarget>
<component><structuredBody><component><section><title>Findings</title>
<text>There is a 12 mm nodule in Eilidh McLeod. <content>No effusion.</content></text>
<entry><observation classCode="OBS" moodCode="EVN">
<value xsi:type="PQ" value="12" unit="mm"/></observation></entry>
</section></component></structuredBody></component></ClinicalDocument>"""


def ink(pdf: bytes) -> list[int]:
    """How many dark pixels each line of text of the first page has, from top to bottom."""
    page = np.array(pypdfium2.PdfDocument(pdf)[0].render(scale=2).to_pil().convert("L"))
    rows = (page < 128).sum(axis=1)
    lines, current = [], 0
    for count in rows:
        if count:
            current += int(count)
        elif current:
            lines.append(current)
            current = 0
    return lines


def test_harmless_lines_of_a_report_stay_and_the_patients_go() -> None:
    before = pdf_of(REPORT, squeeze=True)
    after = clean_pdf(before, KNOWN)
    told, kept = ink(before), ink(after)
    assert len(kept) == len(told) == 4
    for number, share in enumerate(now / then for now, then in zip(kept, told, strict=True)):
        assert (share > 0.85) if number in (0, 2) else (share < 0.75), (number, share)


def test_the_new_pdf_has_no_text_layer_no_metadata_and_the_same_bytes_each_time() -> None:
    before = pdf_of(REPORT, squeeze=False).replace(
        b"/Type /Catalog", b"/Type /Catalog /Note (Eilidh McLeod)"
    )
    after = clean_pdf(before, KNOWN)
    document = pypdfium2.PdfDocument(after)
    assert document[0].get_textpage().count_chars() == 0
    assert not any(document.get_metadata_dict().values())
    assert not re.search(rb"Eilidh|McLeod|CreationDate", after)
    assert after == clean_pdf(before, KNOWN)


def test_a_scanned_page_loses_its_words_whatever_its_text_layer_says() -> None:
    page = Image.new("L", (1240, 1754), 255)
    ImageDraw.Draw(page).text((150, 200), "EILIDH MCLEOD", font=ImageFont.load_default(48), fill=0)
    scan = io.BytesIO()
    page.save(scan, "PDF", resolution=150)
    assert sum(ink(scan.getvalue())) > 1000
    assert sum(ink(clean_pdf(scan.getvalue(), KNOWN))) < 20


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 torn", b"MZ" * 40])
def test_what_is_no_pdf_is_withheld(data: bytes) -> None:
    with pytest.raises(Withheld) as outcome:
        clean_pdf(data, KNOWN)
    assert outcome.value.reason == "document-unreadable"


def test_a_cda_document_keeps_its_findings_and_masks_its_people() -> None:
    made = clean_cda(CDA.encode(), TERMS)
    assert not re.search(rb"Eilidh|McLeod|0101901232|High Street|01382|1990|E7781|20210312", made)
    root = ElementTree.fromstring(made)
    assert root.find(f".//{V3}title").text == "Findings"  # type: ignore[union-attr]
    assert "12 mm nodule" in root.find(f".//{V3}section/{V3}text").text  # type: ignore[union-attr,operator]
    assert root.find(f".//{V3}content").text == "No effusion."  # type: ignore[union-attr]
    assert root.find(f".//{V3}value").get("value") == "12"  # type: ignore[union-attr]
    assert root.find(f"{V3}effectiveTime").get("value") == "20210310"  # type: ignore[union-attr]
    assert root.find(f".//{V3}patient/{V3}name").get("nullFlavor") == "MSK"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "document",
    [
        b"not xml",
        b"<html/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><ClinicalDocument xmlns="urn:hl7-org:v3"/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a []><a/>'.encode("utf-16"),
        CDA.replace("structuredBody", "nonXMLBody").encode(),
    ],
)
def test_what_cannot_be_read_as_cda_is_withheld(document: bytes) -> None:
    with pytest.raises(Withheld) as outcome:
        clean_cda(document, TERMS)
    assert outcome.value.reason == "document-unreadable"


@settings(max_examples=60)
@given(
    st.from_regex(r"[A-Za-z]{2,12}", fullmatch=True), st.sampled_from(["id", "name", "x", "text"])
)
def test_no_attribute_of_an_unknown_name_survives(word: str, element: str) -> None:
    secret = f"zq{word}zq"
    document = (
        f'<ClinicalDocument xmlns="urn:hl7-org:v3"><{element} own="{secret}" value="{secret}" '
        f'root="{secret}" extension="{secret}"><deep note="{secret}"/></{element}>'
        "</ClinicalDocument>"
    )
    assert secret.encode() not in clean_cda(document.encode(), TERMS)

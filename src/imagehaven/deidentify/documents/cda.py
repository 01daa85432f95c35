"""Clean an encapsulated HL7 CDA document: masked people, cleaned narrative, shifted times.

Every element stays, so that the document keeps its shape; every text and attribute goes through a
rule, and what no rule knows is left out. Names, addresses and the like become HL7's own null
flavour MSK, "masked" (HL7 v3 vocabulary NullFlavor).
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from imagehaven.deidentify.documents.terms import Terms
from imagehaven.deidentify.text import clean_text
from imagehaven.errors import Withheld

_V3: Final = "urn:hl7-org:v3"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
#: Elements that name or number somebody or something; their content is masked.
_MASKED: Final = frozenset(
    {
        "id", "setId", "name", "given", "family", "prefix", "suffix", "addr", "telecom",
        "streetAddressLine", "city", "postalCode", "birthplace", "signatureCode",
        "standardIndustryClassCode", "desc",
    }
)  # fmt: skip
#: Attributes that hold structure or coded terms and are kept as they are, when well-formed.
_STRUCTURE: Final = frozenset(
    {
        "classCode", "moodCode", "typeCode", "determinerCode", "nullFlavor", "unit", "operator",
        "inversionInd", "negationInd", "contextControlCode", "contextConductionInd", "styleCode",
        "listType", "colspan", "rowspan", "align", "valign", "border", "width", "mediaType",
        "use", "qualifier", "partType", "independentInd",
    }
)  # fmt: skip
_CODED: Final = frozenset({"code", "codeSystem", "codeSystemName", "codeSystemVersion"})
#: Which template and which HL7 model a document follows: registered, the same for everybody.
_TEMPLATE: Final = frozenset({("root", "templateId"), ("root", "typeId"), ("extension", "typeId")})
_CDA_SCHEMA: Final = "POCD_HD000040"
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_:%/.\[\]{}*^+-]{0,30}|\d{1,3}%?")
_CODE: Final = re.compile(r"[A-Z]{0,4}[0-9]{1,9}(?:[.-][0-9A-Z]{1,4}){0,3}|[A-Z]{1,8}")
_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*)){2,}")
#: Code systems whose codes name no person: SNOMED CT, LOINC, DCM, UCUM, ICD-10, and HL7's own.
_STANDARD: Final = (
    "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.1", "1.2.840.10008.2.16.4",
    "2.16.840.1.113883.6.8", "2.16.840.1.113883.6.3", "2.16.840.1.113883.5.",
)  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,6})?")
_DECLARATION: Final = re.compile(r"<!\s*[A-Za-z]")
_TIME: Final = re.compile(r"(\d{8})\d{0,6}(?:\.\d+)?(?:[+-]\d{4})?")


def clean_cda(data: bytes, terms: Terms) -> bytes:
    """Return the document without identifiers.

    Raises :class:`Withheld` ``document-unreadable`` when it is no CDA, declares entities, or
    carries a body that is not XML.
    """
    try:
        text = data.rstrip(b"\0 ").decode("utf-8-sig")
        if _DECLARATION.search(text):
            raise Withheld("document-unreadable", "the document declares a type or entities")
        root = ElementTree.fromstring(text)  # noqa: S314 - nothing in it declares an entity
    except (ElementTree.ParseError, ValueError):
        raise Withheld(
            "document-unreadable", "the document is not well-formed XML in UTF-8"
        ) from None
    if root.tag != f"{{{_V3}}}ClinicalDocument":
        raise Withheld("document-unreadable", "the document is not an HL7 CDA document")
    if root.find(f".//{{{_V3}}}nonXMLBody") is not None:
        raise Withheld("document-unreadable", "the body is not XML and cannot be read")
    ElementTree.register_namespace("", _V3)
    ElementTree.register_namespace("xsi", _XSI)
    cleaned = _element(root, terms)
    return bytes(ElementTree.tostring(cleaned, encoding="utf-8", xml_declaration=True))


def _element(source: ElementTree.Element, terms: Terms) -> ElementTree.Element:
    name = source.tag.rpartition("}")[2]
    if not source.tag.startswith(f"{{{_V3}}}") or not name.isidentifier():
        # An extension of somebody's own: nothing is known of it.
        return ElementTree.Element(f"{{{_V3}}}text", {"nullFlavor": "MSK"})
    made = ElementTree.Element(source.tag)
    if name in _MASKED:
        made.set("nullFlavor", "MSK")
        return made
    made.attrib.update(_attributes(source, name, terms))
    made.text = _text(source.text, terms)
    for child in source:
        kept = _element(child, terms)
        kept.tail = _text(child.tail, terms)
        made.append(kept)
    return made


def _text(text: str | None, terms: Terms) -> str | None:
    return clean_text(text, terms.known).text if text and text.strip() else text


def _attributes(source: ElementTree.Element, name: str, terms: Terms) -> dict[str, str]:
    kept: dict[str, str] = {}
    standard = (source.get("codeSystem") or "").startswith(_STANDARD)
    for key, value in source.attrib.items():
        if key == f"{{{_XSI}}}type" or key in _STRUCTURE:
            if _WORD.fullmatch(value):
                kept[key] = value
        elif key in _CODED:
            form = _OID if key == "codeSystem" else _CODE if key == "code" else _WORD
            if standard and form.fullmatch(value):
                kept[key] = value
        elif key == "displayName":
            kept[key] = clean_text(value, terms.known).text
        elif (key, name) in _TEMPLATE and (_OID.fullmatch(value) or value == _CDA_SCHEMA):
            kept[key] = value
        elif key == "value":
            kept |= _value(source, name, value, terms)
    return kept


def _value(source: ElementTree.Element, name: str, value: str, terms: Terms) -> dict[str, str]:
    """Return the attribute of a quantity or a time; a time that cannot be moved becomes null."""
    if "unit" in source.attrib and _NUMBER.fullmatch(value):
        return {"value": value}
    time = _TIME.fullmatch(value)
    moved = terms.moved(time[1], "DA") if time and name != "birthTime" else None
    return {"value": moved} if moved else {"nullFlavor": "MSK"}

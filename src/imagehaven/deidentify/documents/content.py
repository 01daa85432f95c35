"""Clean the content tree of a structured report (PS3.3 section C.17.3, PS3.15 section E.3.4).

Each content item is made anew from what its value type allows: text is cleaned word by word, names
of people go, times move with the patient's dates, references keep pointing at what is released, and
codes stay where a standard terminology has them. An item whose concept stands in PS3.15 table
E.3.4-1 ends as that table says; what cannot be cleaned is left out with everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from imagehaven.deidentify.documents.codes import cleaned_code
from imagehaven.deidentify.documents.terms import PACKING, Terms
from imagehaven.deidentify.elements.values import element, form_is_valid, is_registered, join_text
from imagehaven.deidentify.rulebook.table import ContentRow, content_table
from imagehaven.dicom import keyword_to_tag, vr_of
from imagehaven.dicom.uids import SourceUID
from imagehaven.errors import Withheld

_DEEPEST: Final = 60
#: Elements that say how items hang together and how numbers are meant; nobody is named by them.
_SHAPE: Final = (
    "RelationshipType", "ValueType", "ContinuityOfContent", "ReferencedContentItemIdentifier",
    "GraphicType", "GraphicData", "TemporalRangeType", "ReferencedSamplePositions",
    "ReferencedTimeOffsets", "PixelOriginInterpretation", "NumericValue", "FloatingPointValue",
    "RationalNumeratorValue", "RationalDenominatorValue", "ReferencedFrameNumber",
    "ReferencedSegmentNumber", "MappingResource", "TemplateIdentifier", "ObservationDateTime",
    "ReferencedDateTime",
)  # fmt: skip
_CODES: Final = (
    "ConceptNameCodeSequence", "ConceptCodeSequence", "MeasurementUnitsCodeSequence",
    "NumericValueQualifierCodeSequence", "PurposeOfReferenceCodeSequence",
)  # fmt: skip
_NESTED: Final = ("MeasuredValueSequence", "ReferencedSOPSequence", "ContentTemplateSequence")
_UIDS: Final = (
    "UID", "ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "ReferencedFrameOfReferenceUID",
    "ObservationUID", "TrackingUID",
)  # fmt: skip
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_VALUES: Final = {
    "TEXT": "TextValue", "PNAME": "PersonName", "DATE": "Date", "TIME": "Time",
    "DATETIME": "DateTime", "UIDREF": "UID",
}  # fmt: skip
_TIMES: Final = {"DATE": "DA", "DATETIME": "DT", "TIME": "TM"}
_DUMMIES: Final = {"TEXT": "REMOVED", "PNAME": "REMOVED^"}


def clean_content(source: Dataset, terms: Terms) -> list[Dataset]:
    """Return the items of ContentSequence of a report, or of any content item, cleaned.

    Raises :class:`Withheld` ``content-too-deep`` for a tree that no report has.
    """
    return _items(source, terms, 0)


def clean_code(source: Dataset, terms: Terms) -> Dataset:
    """Return one code sequence item, cleaned."""
    shown = cleaned_code(
        _one(source, "CodeValue"),
        _one(source, "CodingSchemeDesignator"),
        _one(source, "CodeMeaning"),
        terms,
    )
    return Dataset(dict(sorted(_elements(dict(zip(_CODE, shown, strict=True)), terms).items())))


def _items(source: Dataset, terms: Terms, depth: int) -> list[Dataset]:
    if depth > _DEEPEST:
        raise Withheld("content-too-deep", "the content tree is nested deeper than any report's")
    found = (_item(item, terms, depth + 1) for item in source.get("ContentSequence") or ())
    return [item for item in found if item is not None]


def _item(source: Dataset, terms: Terms, depth: int) -> Dataset | None:
    action, kind = _action(source, terms), _one(source, "ValueType")
    if action == "X":
        return None
    made = _kept(source, terms)
    keyword = _VALUES.get(kind)
    if keyword is not None:
        value = _value(_one(source, keyword), kind, action, terms)
        if value is None:
            return None
        made |= _elements({keyword: value}, terms)
    children = _items(source, terms, depth)
    if children:
        made |= _sequence("ContentSequence", children)
    return Dataset(dict(sorted(made.items())))


def _kept(source: Dataset, terms: Terms) -> dict[BaseTag, Any]:
    """Return what an item may have beside its value and its children."""
    made = _elements(
        {key: shown for key in _SHAPE if (shown := _shape(source, key, terms)) is not None}, terms
    )
    made |= _elements(
        {key: _uid(_one(source, key), terms) for key in _UIDS if key in source and key != "UID"},
        terms,
    )
    for key in _CODES:
        if key in source:
            codes = [clean_code(item, terms) for item in source[key].value or ()]
            made |= _sequence(key, codes)
    for key in _NESTED:
        if key in source:
            nested = [_kept(item, terms) for item in source[key].value or ()]
            made |= _sequence(key, [Dataset(dict(sorted(item.items()))) for item in nested])
    return made


def _shape(source: Dataset, keyword: str, terms: Terms) -> Any:
    """Return a structural value as it may stand: numbers as stored, words that are well-formed."""
    if keyword not in source:
        return None
    vr, value = vr_of(keyword), source[keyword].value
    if vr == "DT":
        return terms.moved(str(value or ""), vr)
    if vr in ("CS", "DS", "IS"):
        values = [str(one) for one in (value if _many(value) else [value]) if one is not None]
        return values if values and all(form_is_valid(one, vr) for one in values) else None
    return value if isinstance(value, int | float) or _many(value) else None


def _value(text: str, kind: str, action: str, terms: Terms) -> str | None:
    if action in ("D", "Z") and kind in _DUMMIES:
        return _DUMMIES[kind]
    if kind == "TEXT":
        return terms.cleaned(text) or None
    if kind == "PNAME":
        return _DUMMIES["PNAME"]
    if kind == "UIDREF":
        return _uid(text, terms)
    return terms.moved(text, _TIMES[kind]) if text and kind in _TIMES else None


def _action(source: Dataset, terms: Terms) -> str:
    """Return what table E.3.4-1 says of an item's concept under the profile's options, C if not."""
    name = next(iter(source.get("ConceptNameCodeSequence") or ()), None)
    if name is None:
        return "C"
    concept = _one(name, "CodingSchemeDesignator"), _one(name, "CodeValue")
    row = _rows().get((*concept, _one(source, "ValueType"))) or _rows().get((*concept, ""))
    if row is None:
        return "C"
    for action in ("K", "C"):
        if any(row.options.get(option) == action for option in terms.options):
            return action
    return row.basic[0]


@cache
def _rows() -> Mapping[tuple[str, str, str], ContentRow]:
    """Return the rows by scheme, code and value type; '' for a concept's item of any other type."""
    exact = {(row.scheme, row.code, row.value_type): row for row in content_table()}
    return {(row.scheme, row.code, ""): row for row in content_table()} | exact


def _uid(text: str, terms: Terms) -> str:
    return text if not text or is_registered(text) else terms.pseudonyms.uid(SourceUID(text))


def _one(source: Dataset, keyword: str) -> str:
    """Return the text of an element, the first where there are several, empty where none is."""
    value = source.get(keyword)
    if _many(value):
        value = next(iter(value), None)
    return "" if value is None else str(value).strip(" \0")


def _many(value: Any) -> bool:
    return not isinstance(value, str | bytes) and isinstance(value, Iterable)


def _elements(values: Mapping[str, Any], terms: Terms) -> dict[BaseTag, Any]:
    return dict(_element(keyword, value, terms) for keyword, value in values.items())


def _element(keyword: str, value: Any, terms: Terms) -> tuple[BaseTag, Any]:
    tag, vr = Tag(keyword_to_tag(keyword)), vr_of(keyword)
    values = list(value) if _many(value) else [value]
    if vr in PACKING:
        return tag, element(tag, vr, terms.packed(vr, values), terms.little)
    texts = [str(one) for one in values]
    return tag, element(tag, vr, join_text(texts, vr), terms.little)


def _sequence(keyword: str, items: list[Dataset]) -> dict[BaseTag, Any]:
    tag = Tag(keyword_to_tag(keyword))
    return {tag: DataElement(tag, "SQ", Sequence(items))}

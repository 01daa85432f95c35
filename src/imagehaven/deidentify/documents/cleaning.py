"""Put the cleaned content of a document into a data set that was de-identified without it.

Comes in: the source data set and the cleaned one, in which the document is a dummy. Goes out: the
cleaned one with a document that may be released.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify.documents.cda import clean_cda
from imagehaven.deidentify.documents.content import clean_content
from imagehaven.deidentify.documents.kinds import OPTIONS, REASONS, document_kinds
from imagehaven.deidentify.documents.pdf import clean_pdf
from imagehaven.deidentify.documents.terms import Terms
from imagehaven.deidentify.elements.stored import tags
from imagehaven.deidentify.elements.values import element
from imagehaven.errors import Withheld

_CHARACTER_SET, _CONTENT = 0x00080005, 0x0040A730
_DOCUMENT, _LENGTH = 0x00420011, 0x00420015


def with_document(source: Dataset, cleaned: Dataset, sop_class: str, terms: Terms) -> Dataset:
    """Return ``cleaned`` with the document of ``source``, without identifiers.

    Data sets that hold no document come back as they are. Raises :class:`Withheld` when the
    document cannot be cleaned, or the profile does not ask for it.
    """
    kind = document_kinds().get(sop_class)
    if kind is None:
        return cleaned
    if OPTIONS[kind] not in terms.options:
        raise Withheld(REASONS[kind], f"the profile has not the option {OPTIONS[kind]}")
    if kind == "annotations":
        return cleaned
    source = _copied(source)
    made = _content(source, terms) if kind == "content-tree" else _file(source, kind, terms)
    held: dict[BaseTag, Any] = {BaseTag(tag): cleaned.get_item(tag) for tag in tags(cleaned)}
    for tag in (_CONTENT, _DOCUMENT, _LENGTH):
        held.pop(BaseTag(tag), None)
    return Dataset(dict(sorted((held | made).items())))


def _copied(source: Dataset) -> Dataset:
    # A copy, since pydicom changes a data set when it decodes its values.
    wanted = (_CHARACTER_SET, _CONTENT, _DOCUMENT, _LENGTH)
    return Dataset({BaseTag(tag): source.get_item(tag) for tag in wanted if tag in source})


def _content(source: Dataset, terms: Terms) -> dict[BaseTag, Any]:
    items = clean_content(source, terms)
    if not items:
        return {}
    return {BaseTag(_CONTENT): DataElement(_CONTENT, "SQ", Sequence(items))}


def _file(source: Dataset, kind: str, terms: Terms) -> dict[BaseTag, Any]:
    data = bytes(source.get("EncapsulatedDocument") or b"")
    length = source.get("EncapsulatedDocumentLength")
    if isinstance(length, int) and 0 < length <= len(data):
        data = data[:length]
    made = clean_pdf(data, terms.known) if kind == "pdf" else clean_cda(data, terms)
    padded = made + b"\0" * (len(made) % 2)
    order = "<" if terms.little else ">"
    return {
        BaseTag(_DOCUMENT): element(_DOCUMENT, "OB", padded, terms.little),
        BaseTag(_LENGTH): element(_LENGTH, "UL", pack(f"{order}L", len(made)), terms.little),
    }

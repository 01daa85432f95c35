"""Read elements of a data set as the bytes that they were stored as.

pydicom converts an element when it is looked at; what it converted is written back to bytes here,
so that every rule sees bytes, whoever looked before.
"""

from __future__ import annotations

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag

from imagehaven.dicom.quiet import quiet_pydicom

Element = RawDataElement | DataElement
"""A raw element, or a :class:`DataElement` that is a sequence."""


def tags(dataset: Dataset) -> list[int]:
    """Return the tags of a data set in order, without converting an element."""
    return sorted(int(tag) for tag in dataset.keys())  # noqa: SIM118 - iterating converts


def stored(dataset: Dataset, tag: int, *, little: bool = True) -> Element | None:
    """Return an element as stored, None when there is none; ``little`` is its byte order."""
    element = dataset.get_item(BaseTag(tag)) if BaseTag(tag) in dataset else None
    if element is None or isinstance(element, RawDataElement) or element.VR == "SQ":
        return element
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = little, True
    with quiet_pydicom():
        write_data_element(buffer, element, encodings_of(dataset))
    value = buffer.getvalue()[8:]
    return RawDataElement(BaseTag(tag), str(element.VR), len(value), value, 0, False, little)


def encodings_of(dataset: Dataset) -> list[str]:
    """Return Python's names of the character sets that text in ``dataset`` is stored in."""
    known = dataset.original_character_set or dataset._character_set or "iso8859"
    return [known] if isinstance(known, str) else list(known)


def text_of(dataset: Dataset, tag: int) -> str:
    """Return the first value of a coded element (CS, UI, IS, ...), '' when it has none."""
    found = stored(dataset, tag)
    if found is None or not isinstance(found.value, bytes):
        return ""
    return found.value.decode("latin-1").split("\\")[0].strip(" \0")


def texts_of(dataset: Dataset, tag: int) -> list[str]:
    """Return the values of a coded element without empty ones."""
    found = stored(dataset, tag)
    if found is None or not isinstance(found.value, bytes):
        return []
    parts = (part.strip(" \0") for part in found.value.decode("latin-1").split("\\"))
    return [part for part in parts if part]


def items_of(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a sequence; none when it is absent or could not be parsed as one."""
    found = stored(dataset, tag)
    return list(found.value or ()) if isinstance(found, DataElement) else []

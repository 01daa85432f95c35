"""Where a value stands, written as the challenge writes it, and what stands there.

``<(0010,0010)>`` at the top, ``<(0008,1140)>[<0000>]<(0008,1155)>`` in the first item of a
sequence, ``<(0019,"CREATOR",92)>`` for a private element by its creator and the last two digits of
its element. Values are the text of pydicom's reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

_BULK = {0x7FE00010, 0x7FE00008, 0x7FE00009}
_STEP = re.compile(r"(?:\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)|(\w+))(?:\[(\d+)\])?")


def walk(dataset: Dataset, above: str = "") -> Iterator[tuple[str, DataElement]]:
    """Yield every element with its place, sequences before their items."""
    for element in dataset:
        place = above + _own(element)
        yield place, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value or []):
                yield from walk(item, f"{place}[<{number:04}>]")


def _own(element: DataElement) -> str:
    group, number = element.tag.group, element.tag.element
    creator = element.private_creator if element.tag.is_private else None
    if creator:
        return f'<({group:04x},"{str(creator).upper()}",{number & 0xFF:02x})>'
    return f"<({group:04x},{number:04x})>"


def written(element: DataElement) -> str:
    """The value as text; empty for an empty one, and for bulk data only that it is there."""
    if element.tag in _BULK or (
        element.tag.group & 0xFF01 == 0x6000 and element.tag.element == 0x3000
    ):
        return "REMOVED"
    value = element.value
    if value is None or element.VR == "SQ":
        return ""
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    return str(value).strip()


def flat(dataset: Dataset) -> dict[str, str]:
    """Every value of a data set by its place; sequences are present with an empty value."""
    return {place: written(element) for place, element in walk(dataset)}


def place_of(dataset: Dataset, location: str) -> str:
    """The place of a path of keywords, such as ``RequestAttributesSequence[0].CodeMeaning``.

    Empty where the data set has no such element.
    """
    here, made = dataset, ""
    for step in location.split("."):
        found = _STEP.fullmatch(step)
        if found is None:
            return ""
        group, element, keyword, number = found.groups()
        tag = int(group + element, 16) if group else tag_for_keyword(keyword)
        if tag is None or tag not in here:
            return ""
        made += _own(here[tag])
        if number is not None and here[tag].VR == "SQ":
            if int(number) >= len(here[tag].value):
                return ""
            made += f"[<{int(number):04}>]"
            here = here[tag].value[int(number)]
    return made

"""The machine that made a picture, as its header says: who wrote into the pixels, and how large.

Names are those that a file of device rules uses, so that what is learned from a finding can be
written as such a rule.
"""

from __future__ import annotations

from typing import Any, Final

from pydicom import Dataset
from pydicom.multival import MultiValue

#: The elements (PS3.6) that device rules compare.
TAGS: Final = {
    "manufacturer": "00080070",
    "model": "00081090",
    "software": "00181020",
    "modality": "00080060",
    "sop_class": "00080016",
    "rows": "00280010",
    "columns": "00280011",
}
TEXTS: Final = ("manufacturer", "model", "software", "modality", "sop_class")
FORMAT: Final = ("rows", "columns")


def machine_of(dataset: Dataset) -> dict[str, str]:
    """What a header says of its machine and of the size of the picture."""
    found = {name: dataset.get(int(tag, 16)) for name, tag in TAGS.items()}
    return {name: joined(getattr(element, "value", None)) for name, element in found.items()}


def joined(value: Any) -> str:
    """An element's values with a space between them; empty where there are none."""
    if value is None:
        return ""
    several = value if isinstance(value, list | tuple | MultiValue) else [value]
    return " ".join(str(one).strip() for one in several)

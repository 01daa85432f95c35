"""Keywords, tags and VRs from the data dictionary (PS3.6), and look-up in stored elements.

Rooms that may not import pydicom ask here. A tag is written as the DICOM JSON Model writes it
(PS3.18 F.2.2): eight upper-case hexadecimal digits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from imagehaven.errors import UserError


@cache
def keyword_to_tag(keyword: str) -> str:
    """Return the eight-digit tag of ``keyword``; :class:`UserError` when PS3.6 has none."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise UserError(
            f"{keyword!r} is not a DICOM keyword: write one from PS3.6, such as 'PatientID'."
        )
    return f"{tag:08X}"


@cache
def tag_to_keyword(tag: str) -> str:
    """Return the keyword of an eight-digit ``tag``, or '' for private and unknown tags."""
    return keyword_for_tag(int(tag, 16))


@cache
def vr_of(keyword: str) -> str:
    """Return the VR of ``keyword``, such as ``UI``; the first choice where PS3.6 allows several.

    Raises :class:`UserError` when PS3.6 has no such keyword.
    """
    return dictionary_VR(int(keyword_to_tag(keyword), 16)).split(" or ")[0]


def first_value(elements: dict[str, Any], keyword: str) -> str | None:
    """Return the first value of a top-level element as text, or None if absent or empty.

    ``elements`` is what :func:`imagehaven.dicom.to_elements` returned. A person name gives its
    alphabetic group, or else its first group; sequences and long binary values give None.
    """
    element = elements.get(keyword_to_tag(keyword))
    if element is None or element["vr"] == "SQ":
        return None
    values = element.get("Value")
    if not values or values[0] is None:
        return None
    value = values[0]
    if isinstance(value, dict):
        groups = (value.get(name) for name in ("Alphabetic", "Ideographic", "Phonetic"))
        return next((group for group in groups if group), None)
    return str(value)

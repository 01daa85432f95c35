"""What a de-identified instance says of itself (PS3.15 section E.1.1, PS3.3 C.7.1.1 and C.12.1)."""

from __future__ import annotations

from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.stored import Element
from imagehaven.deidentify.elements.values import element, join_text
from imagehaven.deidentify.rulebook.profile import Profile

_BASIC: Final = ("113100", "Basic Application Confidentiality Profile")
_CODES: Final = {
    "clean_recognizable_visual_features": (
        "113102",
        "Clean Recognizable Visual Features Option",
    ),
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_structured_content": ("113104", "Clean Structured Content Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_longitudinal_full_dates": (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    "retain_longitudinal_modified_dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain_patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain_device_identity": ("113109", "Retain Device Identity Option"),
    "retain_uids": ("113110", "Retain UIDs Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
    "retain_institution_identity": ("113112", "Retain Institution Identity Option"),
}
"""CID 7050 De-identification Method (PS3.16), by the option of Table E.1-1."""


def method_statement(profile: Profile, little: bool) -> dict[BaseTag, Element]:
    """Return the elements that say: de-identified, how, and what became of the dates."""
    options = [_CODES[option] for option in _CODES if option in profile.options]
    items = [_code(code, meaning, little) for code, meaning in (_BASIC, *options)]
    sequence = DataElement(0x00120064, "SQ", Sequence(items))
    method = f"imagehaven {profile.name} {profile.digest[:12]}"
    return {
        **_text(0x00120062, "CS", "YES", little),
        **_text(0x00120063, "LO", method, little),
        BaseTag(0x00120064): sequence,
        **_text(0x00280303, "CS", _temporal(profile), little),
    }


def _temporal(profile: Profile) -> str:
    if "retain_longitudinal_full_dates" in profile.options:
        return "UNMODIFIED"
    return "MODIFIED" if "retain_longitudinal_modified_dates" in profile.options else "REMOVED"


def _code(code: str, meaning: str, little: bool) -> Dataset:
    return Dataset(
        {
            **_text(0x00080100, "SH", code, little),
            **_text(0x00080102, "SH", "DCM", little),
            **_text(0x00080104, "LO", meaning, little),
        }
    )


def _text(tag: int, vr: str, text: str, little: bool) -> dict[BaseTag, Element]:
    return {BaseTag(tag): element(tag, vr, join_text([text], vr), little)}

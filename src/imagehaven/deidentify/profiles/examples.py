"""Inline examples of a profile: an element and its value go in, and what is expected comes out.

Each example is put into the header of a fictional patient and cleaned by the pass itself, so what a
profile promises is tried on what will run.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.dataset import context_of, deidentify_dataset
from imagehaven.deidentify.elements.stored import stored
from imagehaven.deidentify.elements.values import PLACEHOLDERS, WIDTHS, dummy
from imagehaven.deidentify.pseudonyms import KEY_BYTES, Pseudonyms
from imagehaven.deidentify.rulebook.layers import Example
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import decide
from imagehaven.errors import UserError

_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_PATIENT = {
    0x00080016: ("UI", _CT_IMAGE),
    0x00080020: ("DA", "20240305"),
    0x00080060: ("CS", "CT"),
    0x00080070: ("LO", "SIEMENS"),
    0x00080090: ("PN", "Corstorphine^Ailsa"),
    0x00100010: ("PN", "Abernethy^Fionnlagh"),
    0x00100020: ("LO", "1203565678"),
    0x0020000D: ("UI", "1.2.3"),
}


@dataclass(frozen=True)
class Tried:
    """How one example came out; the values are those of the profile's own text."""

    element: str
    value: str
    expected: str
    found: str
    passed: bool
    where: str


def try_examples(profile: Profile) -> list[Tried]:
    """Try every example of a profile's chain, the base's first."""
    return [_try(example, profile) for example in profile.examples]


def _try(example: Example, profile: Profile) -> Tried:
    tag = tag_for_keyword(example.element)
    vr = dictionary_VR(example.element).split(" or ")[0]
    if tag is None or vr == "SQ" or vr in WIDTHS:
        raise UserError(f"{example.where}: {example.element} holds no text; try another element.")
    given = dict(_PATIENT)
    context = example.context
    for place, chosen in (
        (0x00080016, context.sop_class),
        (0x00080060, context.modality),
        (0x00080070, context.manufacturer),
    ):
        if chosen:
            given[place] = (given[place][0], chosen)
    given[tag] = (vr, example.value)
    source = Dataset({BaseTag(one): _element(one, *value) for one, value in given.items()})
    cleaned = deidentify_dataset(source, profile, Pseudonyms(b"example " * (KEY_BYTES // 8)))
    after = stored(cleaned.dataset, tag)
    text = None if after is None else bytes(after.value or b"").decode("ascii").rstrip(" \0")
    action = decide(profile, tag, profile.normal(context_of(source))).action
    state = _state(text, example.value, action, vr)
    return Tried(
        element=example.element,
        value=example.value,
        expected=example.expect or f"becomes {example.becomes}",
        found=state if example.expect else f"becomes {text if text is not None else '(removed)'}",
        passed=state == example.expect if example.expect else text == example.becomes,
        where=example.where,
    )


def _state(text: str | None, before: str, action: str, vr: str) -> str:
    """Return which of the expectations of an example came true."""
    if not text:
        return "removed" if text is None else "emptied"
    if text == before:
        return "kept"
    dummies = {dummy(vr, word).decode("ascii").rstrip(" \0") for word in PLACEHOLDERS}
    return "replaced" if action in ("D", "P", "U") or text in dummies else "changed"


def _element(tag: int, vr: str, text: str) -> RawDataElement:
    value = text.encode("ascii")
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)

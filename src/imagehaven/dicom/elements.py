"""Turn a data set into stored elements in the shape of the DICOM JSON Model (PS3.18 Annex F).

The raw bytes are decoded here, not by pydicom's converters: a value that breaks its VR must stay
as it was written, and one bad value must never lose the file. Differences from Annex F, each for
losslessness: DS and IS keep their text, a binary value has ``Length`` and ``SHA256`` with
``InlineBinary`` only when short, and a value that breaks its VR has ``"Invalid": true`` beside its
text and its bytes.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Sequence
from struct import unpack
from typing import Any, Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from imagehaven.dicom.parse import LargeValue, dictionary_vr
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.text import NAME_DELIMITERS, TEXT_DELIMITERS, decode

INLINE_BINARY: Final = 256
MAX_NUMBERS: Final = 65_536  # bytes of a numeric value above which it is stored like a binary one

Element = dict[str, Any]

_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_NUMBERS = {
    "FD": ("d", 8), "FL": ("f", 4), "SL": ("i", 4), "SS": ("h", 2), "SV": ("q", 8),
    "UL": ("I", 4), "US": ("H", 2), "UV": ("Q", 8),
}  # fmt: skip
_CODED = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})
_SINGLE = frozenset({"LT", "ST", "UT", "UR"})
_MULTIPLE = frozenset({"LO", "SH", "UC"})
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def to_elements(dataset: Dataset) -> dict[str, Element]:
    """Return every element of ``dataset``, at every depth, keyed by eight-digit upper-case tag.

    No element is left out and none raises: what cannot be decoded has ``"Invalid": true`` with
    its bytes, or with their length and hash where they are many.
    """
    with quiet_pydicom():
        return _elements(dataset, None)


def _elements(dataset: Dataset, signed: bool | None) -> dict[str, Element]:
    signed = _signed(dataset, signed)
    encodings = _encodings(dataset)
    result: dict[str, Element] = {}
    for tag in sorted(dataset.keys()):
        element = dataset.get_item(tag)
        if isinstance(element, DataElement) and element.VR == "SQ":
            items = [_elements(item, signed) for item in element.value or ()]
            result[f"{tag:08X}"] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
            continue
        raw = element if isinstance(element, RawDataElement) else _encoded(element, encodings)
        vr = _vr(raw, dataset, signed)
        result[f"{tag:08X}"] = _stored(raw, vr, encodings)
    return result


def _stored(raw: RawDataElement, vr: str, encodings: Sequence[str]) -> Element:
    value: bytes | LargeValue | None = raw.value
    element: Element
    if isinstance(value, LargeValue):
        element = {"vr": vr, "Length": value.length, "SHA256": value.sha256}
    elif not value:
        element = {"vr": vr}
    elif vr in _NUMBERS:
        element = _numbers(vr, value, raw.is_little_endian)
    elif vr == "AT":
        element = _tags(value, raw.is_little_endian)
    elif vr == "PN":
        element = _names(value, encodings)
    elif vr in _CODED:
        element = _text(vr, value, ("ascii",), split=True)
    elif vr in _MULTIPLE or vr in _SINGLE:
        element = _text(vr, value, encodings, split=vr in _MULTIPLE)
    else:
        element = _bytes(vr, raw.tag, value)
    return element


def _bytes(vr: str, tag: int, value: bytes) -> Element:
    element: Element = {"vr": vr, **_binary(value)}
    # The parser keeps a sequence that it cannot parse as bytes; pixel-like OB has no such entry.
    if vr not in _BINARY or (vr == "OB" and dictionary_vr(tag, None) == "SQ"):
        element["Invalid"] = True
    return element


def _binary(value: bytes, inline: int = INLINE_BINARY) -> Element:
    element: Element = {"Length": len(value), "SHA256": hashlib.sha256(value).hexdigest()}
    if len(value) <= inline:
        element["InlineBinary"] = base64.b64encode(value).decode("ascii")
    return element


def _numbers(vr: str, value: bytes, little: bool) -> Element:
    code, width = _NUMBERS[vr]
    if len(value) % width:
        return {"vr": vr, **_binary(value, MAX_NUMBERS), "Invalid": True}
    if len(value) > MAX_NUMBERS:
        return {"vr": vr, **_binary(value)}
    numbers = unpack(f"{'<' if little else '>'}{len(value) // width}{code}", value)
    if code in "fd":
        return {"vr": vr, "Value": [n if math.isfinite(n) else _non_finite(n) for n in numbers]}
    return {"vr": vr, "Value": list(numbers)}


def _non_finite(number: float) -> str:
    """Write what JSON has no number for as text (PS3.18 F.2.7)."""
    return "NaN" if math.isnan(number) else ("inf" if number > 0 else "-inf")


def _tags(value: bytes, little: bool) -> Element:
    if len(value) % 4:
        return {"vr": "AT", **_binary(value, MAX_NUMBERS), "Invalid": True}
    if len(value) > MAX_NUMBERS:
        return {"vr": "AT", **_binary(value)}
    halves = unpack(f"{'<' if little else '>'}{len(value) // 2}H", value)
    pairs = zip(halves[::2], halves[1::2], strict=True)
    return {"vr": "AT", "Value": [f"{group:04X}{element:04X}" for group, element in pairs]}


def _text(vr: str, value: bytes, encodings: Sequence[str], *, split: bool) -> Element:
    text, valid = decode(value, encodings, TEXT_DELIMITERS)
    text = text.rstrip(" \0")
    parts = text.split("\\") if split else [text]
    if vr in ("AE", "DS", "IS"):  # leading spaces are padding in these alone (PS3.5 6.2)
        parts = [part.lstrip(" \0") for part in parts]
    values = [part.rstrip(" \0") or None for part in parts]
    if vr in ("DS", "IS"):
        pattern = _DECIMAL if vr == "DS" else _INTEGER
        valid = valid and all(part is None or pattern.fullmatch(part) for part in values)
    element: Element = {"vr": vr}
    if text:
        element["Value"] = values
    if not valid:
        element |= {**_binary(value, len(value)), "Invalid": True}
    return element


def _names(value: bytes, encodings: Sequence[str]) -> Element:
    text, valid = decode(value, encodings, NAME_DELIMITERS)
    text = text.rstrip(" \0")
    names: list[dict[str, str] | None] = []
    for part in text.split("\\"):
        groups = [group.rstrip(" \0") for group in part.split("=", 2)]
        valid = valid and "=" not in groups[-1]
        pairs = zip(_GROUPS, groups, strict=False)
        names.append({name: group for name, group in pairs if group} or None)
    element: Element = {"vr": "PN"}
    if text:
        element["Value"] = names
    if not valid:
        element |= {**_binary(value, len(value)), "Invalid": True}
    return element


def _vr(raw: RawDataElement, dataset: Dataset, signed: bool | None) -> str:
    """Resolve the VR of an element from its own, the dictionaries and the pixel representation."""
    tag = int(raw.tag)
    vr = raw.VR
    if vr is None or (vr == "UN" and (tag >> 16 & 1 or raw.length < 0xFFFF)):
        creator = None
        if tag >> 16 & 1:
            creator = _creator(dataset, tag)
        vr = dictionary_vr(tag, creator)
    if " or " not in vr:
        return vr if vr != "SQ" else "OB"
    if "OW" in vr:
        return "US" if raw.length <= 2 and vr.startswith("US") else "OW"
    return "SS" if signed else "US"


def _creator(dataset: Dataset, tag: int) -> str | None:
    block = dataset.get_item(tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8)
    value: object = block.value if block is not None else None
    if isinstance(value, bytes):
        value = value.decode("iso8859")
    return value.rstrip(" \0") if isinstance(value, str) else None


def _signed(dataset: Dataset, inherited: bool | None) -> bool | None:
    """Tell whether PixelRepresentation, here or in a data set around, says signed pixels."""
    element = dataset.get_item(0x00280103) if 0x00280103 in dataset else None
    if element is None:
        return inherited
    value: object = element.value
    return any(value[:2]) if isinstance(value, bytes) else bool(value)


def _encodings(dataset: Dataset) -> list[str]:
    known = dataset.original_character_set or dataset._character_set
    return [known] if isinstance(known, str) else list(known)


def _encoded(element: DataElement, encodings: Sequence[str]) -> RawDataElement:
    """Write an element that pydicom has already converted back to bytes, in explicit little."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, True
    write_data_element(buffer, element, list(encodings))
    value = buffer.getvalue()[8:]
    return RawDataElement(element.tag, element.VR, len(value), value, 0, True, True)

"""Every value of a data set at every depth, as text to be scanned.

Values are taken as the raw bytes that pydicom read, and decoded here: by the declared character
set, and by others where the bytes are not plain ASCII, because a wrong declaration is common and
must not hide a name. pydicom's conversion to Python values is not needed, so a value that breaks
it is scanned like any other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.verify.known.matcher import Context
from imagehaven.verify.read.byte_search import readable_runs

_CONTEXTS: Final = {
    **dict.fromkeys(("LO", "LT", "SH", "ST", "UC", "UR", "UT"), Context.TEXT),
    **dict.fromkeys(("AE", "AS", "CS"), Context.CODE),
    **dict.fromkeys(("DA", "DT", "TM"), Context.DATE),
    **dict.fromkeys(("DS", "IS"), Context.NUMBER),
    "PN": Context.NAME,
    "UI": Context.UID,
}
# What a value of these kinds may consist of; anything else in it is scanned as free text too.
_EXPECTED: Final = {
    Context.DATE: re.compile(r"[0-9.:+\- \0\"]*"),
    Context.NUMBER: re.compile(r"[0-9eE+.\- \0]*"),
    Context.UID: re.compile(r"[0-9. \0]*"),
    Context.CODE: re.compile(r"[A-Za-z0-9_./ \0-]{0,16}"),
}
_ONE_VALUE: Final = frozenset({"LT", "ST", "UT", "UR"})
# Integers and floats that can hold seven digits and more.
_NUMBERS: Final = {"UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FD": "d"}
_INTEGERS: Final = frozenset({"US", "SS", "UL", "SL", "UV", "SV"})
_SMALLEST_NUMBER: Final = 1_000_000
_LARGEST_NUMBER: Final = 10**15
_MOST_NUMBERS: Final = 4096
_DEEPEST: Final = 256
# Characters after which the first character set holds again (PS3.5 6.1.2.5.3).
_DELIMITERS: Final = {ord(ch) for ch in "\r\n\t\f\\^="}
_OTHER_ENCODINGS: Final = ("utf-8", "latin-1")


class Value(NamedTuple):
    """One text of one element: where it stands and what kind of value it is."""

    location: str
    path: str
    keyword: str
    vr: str
    context: Context
    text: str


class TooDeepError(Exception):
    """The data set nests deeper than any real one; it is not followed further."""


def values(dataset: Dataset, location: str = "", path: str = "") -> Iterator[Value]:
    """Yield every text of every element, private and nested ones included.

    Raises:
        TooDeepError: sequences nest deeper than 256.
        Exception: whatever pydicom raises on items that it cannot read.
    """
    yield from _values(dataset, location, path, ["iso8859"], 0)


def _values(
    dataset: Dataset, location: str, path: str, inherited: list[str], depth: int
) -> Iterator[Value]:
    if depth > _DEEPEST:
        raise TooDeepError
    # All of them first: reading one sequence makes pydicom convert other elements.
    elements = [(tag, dataset.get_item(tag)) for tag in sorted(dataset.keys())]
    encodings = _encodings(dataset, inherited)
    for tag, element in elements:
        name = name_of(int(tag))
        here = f"{location}.{name}" if location else name
        plain = f"{path}.{name}" if path else name
        vr = _vr(element, tag)
        if vr == "SQ":
            items = dataset[tag].value
            for number, item in enumerate(items if isinstance(items, Sequence) else ()):
                yield from _values(item, f"{here}[{number}]", plain, encodings, depth + 1)
            continue
        for context, text in texts_of(element, vr, encodings):
            yield Value(here, plain, name, vr, context, text)


@lru_cache(maxsize=16384)
def name_of(tag: int) -> str:
    """Return an element's keyword, or its tag where it has none."""
    return keyword_for_tag(tag) or f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def _vr(element: Any, tag: BaseTag) -> str:
    if element.VR:
        return str(element.VR)
    try:
        return str(dictionary_VR(tag)).split(" ", maxsplit=1)[0]
    except KeyError:
        return "LO" if tag.is_private_creator else "UN"


def _encodings(dataset: Dataset, inherited: list[str]) -> list[str]:
    if 0x00080005 not in dataset:
        return inherited
    try:
        charset = dataset[0x00080005]
    except (LookupError, ValueError, TypeError):
        return inherited
    return encodings_of(charset, inherited)


def encodings_of(charset: DataElement, inherited: list[str]) -> list[str]:
    """Return the encodings that Specific Character Set names; ``inherited`` where it cannot be."""
    try:
        declared = charset.value
        names = list(declared) if isinstance(declared, MultiValue | list) else [str(declared or "")]
        return list(convert_encodings(names))
    except (LookupError, ValueError, TypeError):
        return inherited


def text_at(dataset: Dataset, keyword: str) -> bytes:
    """Return the bytes of an element's value, without converting it: it is scanned as it came."""
    tag = tag_for_keyword(keyword)
    element = dataset.get_item(tag) if tag is not None else None
    value = getattr(element, "value", None)
    return value if isinstance(value, bytes) else str(value or "").encode("utf-8", "replace")


def texts_of(
    element: RawDataElement | DataElement, vr: str, encodings: list[str]
) -> Iterator[tuple[Context, str]]:
    """Yield the texts of one element that is no sequence, each with its kind."""
    raw = element.value
    if isinstance(raw, bytes):
        yield from texts_in(raw, vr, encodings, little=getattr(element, "is_little_endian", True))
    elif raw is not None:
        # pydicom has converted it already (Specific Character Set, file meta): use its text.
        for part in raw if isinstance(raw, MultiValue | list) else [raw]:
            yield from _typed(str(part), vr)


def texts_in(
    raw: bytes, vr: str, encodings: list[str], *, little: bool = True
) -> Iterator[tuple[Context, str]]:
    """Yield the texts in the bytes of one value, each with its kind."""
    if vr in _CONTEXTS:
        for text in decodings(raw, encodings):
            for part in [text] if vr in _ONE_VALUE else text.split("\\"):
                yield from _typed(part, vr)
    else:
        yield from _numbers(raw, vr, little)
        for _, run in readable_runs(raw, 0, len(raw)):
            yield Context.BINARY, run


def _typed(text: str, vr: str) -> Iterator[tuple[Context, str]]:
    context = _CONTEXTS.get(vr, Context.INTEGER if vr in _INTEGERS else Context.TEXT)
    yield context, text
    expected = _EXPECTED.get(context)
    if expected and not expected.fullmatch(text):
        yield Context.TEXT, text


def decodings(raw: bytes, encodings: list[str]) -> list[str]:
    """Return the readings of ``raw``: as declared, and as UTF-8 and Latin-1 where they differ."""
    if raw.isascii() and b"\x1b" not in raw:
        return [raw.decode("ascii")]
    found: dict[str, None] = {}
    try:
        found.setdefault(decode_bytes(raw, encodings, _DELIMITERS))
    except (LookupError, UnicodeError, ValueError):
        found.clear()  # an unusable declaration: the readings below stand alone
    for encoding in _OTHER_ENCODINGS:
        try:
            found.setdefault(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return list(found)


def _numbers(raw: bytes, vr: str, little: bool) -> Iterator[tuple[Context, str]]:
    """Yield the large whole numbers of a binary value."""
    code = _NUMBERS.get(vr)
    if not code:
        return
    order = "<" if little else ">"
    count = min(len(raw) // struct.calcsize(order + code), _MOST_NUMBERS)
    for number in struct.unpack_from(f"{order}{count}{code}", raw):
        if _SMALLEST_NUMBER <= abs(number) < _LARGEST_NUMBER and number == int(number):
            yield Context.INTEGER, str(int(number))

"""A bounded parser of DICOM data sets (PS3.5 section 7) for files that nobody vouches for.

It builds pydicom's own :class:`~pydicom.dataset.Dataset` of raw elements, as pydicom's reader does,
with the same tolerance of what vendors write. What it adds is bounds: no declared length is
believed before it is compared with what is there, nesting and element counts have a limit, and a
large value is hashed where it lies instead of being held in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from struct import Struct
from typing import BinaryIO, Final

from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from imagehaven.errors import Quarantine

MAX_DEPTH: Final = 64
MAX_NODES: Final = 2_000_000
LARGE_VALUE: Final = 64 * 2**20
HELD_VALUES: Final = 256 * 2**20
HOSTILE_LENGTH: Final = 256 * 2**20
UNDEFINED: Final = 0xFFFFFFFF
BLOCK: Final = 2**20

_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_ITEM_BYTES = b"\xfe\xff\x00\xe0"
_CHARACTER_SET = 0x00080005
_KNOWN_VRS = {vr.value.encode(): vr.value for vr in VR if len(vr.value) == 2}
_LONG_VRS = frozenset(vr.value for vr in EXPLICIT_VR_LENGTH_32)
_IMPLICIT = {True: Struct("<HHL"), False: Struct(">HHL")}
_EXPLICIT = {True: Struct("<HH2sH"), False: Struct(">HH2sH")}
_LENGTH = {True: Struct("<L"), False: Struct(">L")}


@dataclass(frozen=True)
class LargeValue:
    """Stands in a raw element for a value too large to hold: where it lies, and its hash."""

    offset: int
    length: int
    sha256: str

    def __len__(self) -> int:
        """Return the length in bytes of the value that this stands for."""
        return self.length


@dataclass(frozen=True)
class Encoding:
    """How a data set is encoded: with implicit VRs or explicit ones, in which byte order."""

    implicit: bool
    little: bool


@dataclass(frozen=True)
class Place:
    """An element that parsing stopped in front of: where it starts and where its value does."""

    tag: int
    vr: str | None
    length: int
    start: int
    value: int


@dataclass(frozen=True)
class Scope:
    """What holds for a data set: where it must end, how it is encoded, how deep it lies."""

    end: int
    encoding: Encoding
    depth: int
    charset: list[str]


class Parser:
    """Parses data sets out of one stream of ``size`` bytes; offsets count from its beginning."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self.size = size
        self.stopped: Place | None = None
        # Small files come in memory, where slicing is quicker than seeking and reading.
        self._memory = stream.getvalue() if isinstance(stream, BytesIO) else None
        self._nodes = 0
        self._held = 0

    def top_level(
        self, start: int, encoding: Encoding, stop: Callable[[int], bool], charset: list[str]
    ) -> tuple[Dataset, int]:
        """Parse elements from ``start`` until ``stop(tag)`` or the end; return them and where.

        Where it stopped stands in ``self.stopped``, None at the end of the stream. Raises
        :class:`Quarantine` with ``truncated``, ``malformed``, ``too-deep`` or ``hostile-length``.
        """
        self.stopped = None
        return self._dataset(start, Scope(self.size, encoding, 0, charset), stop=stop)

    def skip_fragments(self, position: int, end: int, little: bool) -> int:
        """Walk the items of an encapsulated value (PS3.5 A.4); return where its delimiter ends."""
        while True:
            tag, length = self._item_head(position, end, little)
            position += 8
            if tag == _SEQUENCE_END:
                return position
            if tag != _ITEM or length == UNDEFINED:
                raise Quarantine("malformed", "an encapsulated value has something but fragments")
            self._claim(position, length, end, 0)
            position += length

    def _dataset(
        self,
        position: int,
        around: Scope,
        *,
        stop: Callable[[int], bool] | None = None,
        open_ended: bool = False,
    ) -> tuple[Dataset, int]:
        """Parse one data set; ``open_ended`` when an item delimiter must close it."""
        encoding = self._real_encoding(position, around)
        scope = around if encoding is around.encoding else replace(around, encoding=encoding)
        end, depth = scope.end, scope.depth
        found: dict[BaseTag, RawDataElement | DataElement] = {}
        raw: RawDataElement | DataElement
        closed = False
        while end - position >= 8:
            place = self._element_head(position, end, encoding)
            if place.tag == _ITEM_END and depth:
                position, closed = place.value, True
                break
            if place.tag >> 16 == 0xFFFE:
                # A stray delimiter at the top level is a common vendor slip and carries nothing.
                if depth or place.length:
                    raise Quarantine("malformed", "a delimiter stands where an element belongs")
                position = place.value
                continue
            if stop is not None and stop(place.tag):
                self.stopped = place
                break
            raw, position = self._element(place, scope, found)
            if place.tag == _CHARACTER_SET and isinstance(raw, RawDataElement):
                scope = replace(scope, charset=_charset(raw.value))
            found[BaseTag(place.tag)] = raw
        else:
            self._check_rest(position, end, depth)
        if open_ended and not closed:
            raise Quarantine("truncated", "an item of undefined length has no delimiter")
        dataset = Dataset(found, parent_encoding=around.charset)
        dataset.set_original_encoding(encoding.implicit, encoding.little, scope.charset)
        return dataset, position

    def _element_head(self, position: int, end: int, encoding: Encoding) -> Place:
        """Read tag, VR and length at ``position``, where at least 8 bytes remain."""
        self._count()
        head = self._read(position, 8)
        little = encoding.little
        if not encoding.implicit:
            group, element, code, length = _EXPLICIT[little].unpack(head)
            vr = _KNOWN_VRS.get(code)
            if vr is not None:
                value = position + 8
                if vr in _LONG_VRS:
                    if end - value < 4:
                        raise Quarantine("truncated", "an element's length field is cut off")
                    (length,) = _LENGTH[little].unpack(self._read(value, 4))
                    value += 4
                return Place(group << 16 | element, vr, length, position, value)
            if code.isalpha() and code.isupper():  # a later edition's: two bytes of length
                return Place(group << 16 | element, code.decode(), length, position, position + 8)
        group, element, length = _IMPLICIT[little].unpack(head)
        return Place(group << 16 | element, None, length, position, position + 8)

    def _element(
        self,
        place: Place,
        scope: Scope,
        found: dict[BaseTag, RawDataElement | DataElement],
    ) -> tuple[RawDataElement | DataElement, int]:
        """Read the value at ``place``; return its element and the position behind it."""
        encoding = scope.encoding
        defined = place.length != UNDEFINED
        if defined:
            self._claim(place.value, place.length, scope.end, scope.depth)
        vr = _effective_vr(place, found)
        if vr == "UN" and (place.length >= 8 or not defined):
            # Items inside an unknown value: a sequence in implicit VR little endian (PS3.5 6.2.2).
            # So is every UN of undefined length, even when it has no item.
            looks = self._read(place.value, 4, lenient=True) == _ITEM_BYTES
            if looks or (place.vr == "UN" and not defined):
                vr = "SQ"
        if vr == "SQ":
            inner = scope
            if place.vr == "UN":
                inner = replace(scope, encoding=Encoding(True, True))
            element = self._sequence(place, inner)
            if element is not None:
                return element
            if place.vr == "SQ" or dictionary_vr(place.tag, None) == "SQ":
                # Under its own VR pydicom would try these bytes again, at the first access.
                place = replace(place, vr="OB")
        if defined:
            value = self._value(place)
            return self._raw(place, value, encoding), place.value + place.length
        after = self.skip_fragments(place.value, scope.end, encoding.little)
        whole = Place(place.tag, vr, after - 8 - place.value, place.start, place.value)
        return self._raw(whole, self._value(whole), encoding, length=UNDEFINED), after

    def _sequence(self, place: Place, scope: Scope) -> tuple[DataElement, int] | None:
        """Parse a sequence; None when one of defined length holds no well-formed items.

        Its bytes are then kept whole as an unreadable value: one vendor's slip must not lose the
        file. That cannot be said of an undefined length, whose end nobody knows.
        """
        if scope.depth >= MAX_DEPTH:
            raise Quarantine("too-deep", f"sequences nest deeper than {MAX_DEPTH} levels")
        defined = place.length != UNDEFINED
        end = place.value + place.length if defined else scope.end
        inner = replace(scope, end=end, depth=scope.depth + 1)
        try:
            items, position = self._items(place.value, inner, defined)
        except Quarantine as fault:
            if defined and fault.reason in ("malformed", "truncated"):
                return None
            raise
        sequence = Sequence(items)
        sequence.is_undefined_length = not defined
        element = DataElement(
            BaseTag(place.tag), "SQ", sequence, place.value, is_undefined_length=not defined
        )
        return element, position

    def _items(self, position: int, scope: Scope, defined: bool) -> tuple[list[Dataset], int]:
        items: list[Dataset] = []
        end = scope.end
        while not defined or position < end:
            tag, length = self._item_head(position, end, scope.encoding.little)
            position += 8
            if tag == _SEQUENCE_END:
                return items, (end if defined else position)
            if tag != _ITEM:
                raise Quarantine("malformed", "a sequence has something but items")
            open_ended = length == UNDEFINED
            if not open_ended:
                self._claim(position, length, end, scope.depth)
            limit = end if open_ended else position + length
            inner = replace(scope, end=limit)
            item, position = self._dataset(position, inner, open_ended=open_ended)
            item.is_undefined_length_sequence_item = open_ended
            items.append(item)
            position = position if open_ended else limit
        return items, position

    def _item_head(self, position: int, end: int, little: bool) -> tuple[int, int]:
        self._count()
        if end - position < 8:
            raise Quarantine("truncated", "a sequence or encapsulated value ends without delimiter")
        group, element, length = _IMPLICIT[little].unpack(self._read(position, 8))
        return group << 16 | element, length

    def _real_encoding(self, position: int, scope: Scope) -> Encoding:
        """Look at the first element for the real VR encoding: writers declare the wrong one."""
        encoding = scope.encoding
        if scope.end - position < 8 or (scope.depth and encoding.implicit):
            return encoding
        head = self._read(position, 6)
        implicit = not (0x40 < head[4] < 0x5B and 0x40 < head[5] < 0x5B)
        if implicit == encoding.implicit:
            return encoding
        return Encoding(implicit, encoding.little)

    def _raw(
        self,
        place: Place,
        value: bytes | LargeValue | None,
        encoding: Encoding,
        length: int | None = None,
    ) -> RawDataElement:
        return RawDataElement(
            BaseTag(place.tag),
            place.vr,
            place.length if length is None else length,
            value,  # type: ignore[arg-type]  # a LargeValue stands for bytes; to_elements knows it
            place.value,
            encoding.implicit,
            encoding.little,
        )

    def _value(self, place: Place) -> bytes | LargeValue:
        length = place.length
        if length > LARGE_VALUE or (length > BLOCK and self._held + length > HELD_VALUES):
            return LargeValue(place.value, length, hash_range(self.stream, place.value, length))
        self._held += length
        return self._read(place.value, length)

    def _claim(self, position: int, length: int, end: int, depth: int) -> None:
        """Refuse a declared length that reaches beyond what is there, before anything is read."""
        if position + length <= end:
            return
        if length > HOSTILE_LENGTH and position + length > self.size:
            raise Quarantine("hostile-length", "an element declares far more bytes than exist")
        if end < self.size and depth:
            raise Quarantine("malformed", "an element reaches beyond the item that holds it")
        raise Quarantine("truncated", "an element reaches beyond the end of the file")

    def _check_rest(self, position: int, end: int, depth: int) -> None:
        """Judge up to seven bytes behind the last element: padding is fine, a cut element isn't."""
        if position < end and (depth or any(self._read(position, end - position))):
            raise Quarantine("truncated", "the data set ends within an element's header")

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Quarantine("hostile-length", f"more than {MAX_NODES} elements in one file")

    def _read(self, position: int, length: int, lenient: bool = False) -> bytes:
        if self._memory is not None:
            data = self._memory[position : position + length]
        else:
            self.stream.seek(position)
            data = self.stream.read(length)
        if len(data) < length and not lenient:
            raise Quarantine("truncated", "the file ends earlier than its size says")
        return data


def hash_range(stream: BinaryIO, position: int, length: int) -> str:
    """Return the SHA-256 of ``length`` bytes from ``position``, read in blocks."""
    digest = hashlib.sha256()
    stream.seek(position)
    while length > 0:
        block = stream.read(min(BLOCK, length))
        if not block:
            raise Quarantine("truncated", "the file ends earlier than its size says")
        digest.update(block)
        length -= len(block)
    return digest.hexdigest()


def dictionary_vr(tag: int, creator: str | None) -> str:
    """Return the VR that PS3.6, or pydicom's dictionary of private creators, gives ``tag``."""
    group, element = tag >> 16, tag & 0xFFFF
    try:
        if group % 2 == 0:
            return "UL" if element == 0 else dictionary_VR(tag)
        if 0x10 <= element <= 0xFF:
            return "LO"
        return private_dictionary_VR(tag, creator) if creator else "UN"
    except KeyError:
        return "UN"


def _effective_vr(place: Place, found: dict[BaseTag, RawDataElement | DataElement]) -> str:
    if place.vr is not None and place.vr != "UN":
        return place.vr
    creator = None
    if place.tag >> 16 & 1:
        block = found.get(BaseTag(place.tag & 0xFFFF0000 | (place.tag & 0xFFFF) >> 8))
        if isinstance(block, RawDataElement) and isinstance(block.value, bytes):
            creator = block.value.decode(default_encoding).rstrip(" \0")
    elif place.vr == "UN" and UNDEFINED > place.length >= 0xFFFF:
        # An explicit UN this long was a writer's way round a two-byte length, as pydicom takes it.
        return "UN"
    return dictionary_vr(place.tag, creator)


def _charset(value: bytes | LargeValue | None) -> list[str]:
    """Return the Python encodings that a raw (0008,0005) Specific Character Set names."""
    if not isinstance(value, bytes):
        return [default_encoding]
    terms = [term.strip(" \0") for term in value.decode(default_encoding).split("\\")]
    try:
        return list(convert_encodings(terms))
    except ValueError:  # a NUL within a term
        return [default_encoding]

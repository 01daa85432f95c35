"""What was found clean in one file of a patient is not scanned again in the next.

The files of a series say the same again and again. The compiled reader walks a file and keeps, for
a patient and a set of rules, which values were clean at which elements; only the others are
decoded and scanned, by the same code as without it. So the findings are the same, and a series
costs little more than its first file.

What depends on more than the value is never taken as known: an element where the source held an
identifier is compared with what this very source held, and one that identifies by its nature with
what the project wrote into this very file; a value that was only waived or permitted is scanned
each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.tag import Tag

from imagehaven.verify.detect.plugins import installed_detectors
from imagehaven.verify.detect.rules import Rules
from imagehaven.verify.detect.text import fold
from imagehaven.verify.findings import Finding
from imagehaven.verify.known.known_sources import known_sources
from imagehaven.verify.known.matcher import (
    SHORTEST_ID_AS_NUMBER,
    Context,
    Places,
    candidates,
)
from imagehaven.verify.read.elements import Value, encodings_of, name_of, texts_in
from imagehaven.verify.read.layout import Bytes, Layout
from imagehaven.verify.read.native import reader
from imagehaven.verify.read.native.dictionary import public_tags
from imagehaven.verify.scan import AllowedValues, Scanner
from imagehaven.verify.standalone import by_nature, stands_there, unexpected

#: What else of a file decides how it is checked (see :func:`look_at`).
FACTS: Final = (
    "SOPClassUID", "SOPInstanceUID", "NumberOfFrames", "ImageType", "BurnedInAnnotation",
    "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Manufacturer",
    "ManufacturerModelName", "EncapsulatedDocument",
)  # fmt: skip


_CONVERTED: Final = frozenset({0x00020010, 0x00080005})


class Told(NamedTuple):
    """A value that the reader does not know to be clean.

    ``number`` is what it was remembered by (0: not), ``steps`` are the tags and item numbers of
    the sequences around it, ``charsets`` the Specific Character Sets that hold, the outer first.
    """

    number: int
    key: bytes | None
    in_meta: int
    steps: tuple[int, ...]
    tag: int
    vr: str
    charsets: list[bytes]
    raw: bytes


@dataclass(frozen=True)
class Read:
    """What the reader brings of one file: values to be scanned, where pixels lie, and facts."""

    values: list[Told]
    layout: Layout
    facts: dict[str, bytes]


@dataclass(frozen=True)
class _Watched:
    """A clean value at an element where the file's own knowledge has a say."""

    path: str
    by_nature: bool
    texts: frozenset[str]
    forms: frozenset[str]

    def is_clean(self, places: Places, allowed: AllowedValues | None) -> bool:
        if self.by_nature and allowed is not None and not self.texts <= allowed.values:
            return False
        return not any((self.path, form) in places for form in self.forms)


@dataclass
class Remembered:
    """The clean values of one patient's files, under one set of rules and decisions.

    One memory serves one thread, and one history of known identifiers.
    """

    seen: Any = field(repr=False)
    paths: set[str] = field(default_factory=set, repr=False)
    tags: set[int] = field(default_factory=set, repr=False)
    watched: list[_Watched] = field(default_factory=list, repr=False)

    @classmethod
    def under(cls, rules: Rules) -> Remembered:
        """Return an empty memory; call it only where there is a :func:`reader`."""
        sources = known_sources()
        tags = tuple(int(tag_for_keyword(keyword) or 0) for keyword in FACTS)
        kinds = "".join(sorted(sources.by_vr))
        made = cls(reader().Seen(public_tags(), tags, kinds, _digits_that_prove_nothing(rules)))
        for keyword in sources.by_keyword:
            if tag := tag_for_keyword(keyword):
                made.seen.watch(int(tag))
        return made

    def read(self, data: Bytes, places: Places) -> Read | None:
        """Read a file; None where it takes pydicom to read it.

        ``places`` are those of the source: what stands there is looked at in every file.
        """
        for path, _ in places:
            if path not in self.paths:
                tag = _tag_of(path)
                if tag is None or not self.seen.watch(tag):
                    return None
                self.paths.add(path)
                self.tags.add(tag)
        found = self.seen.read(data)
        if found is None:
            return None
        values, pixels, tail, facts = found
        said = {name: fact for name, fact in zip(FACTS, facts, strict=True) if fact is not None}
        return Read(list(map(Told._make, values)), Layout(pixels, tail, None), said)

    def findings(self, read: Read, scanner: Scanner, places: Places) -> Iterator[Finding]:
        """Yield the findings of the values, and remember those that have none."""
        for told in read.values:
            number = told.number
            if not number or not self.watched[number - 1].is_clean(places, scanner.allowed):
                yield from self._scanned(told, scanner, places)

    def _scanned(self, told: Told, scanner: Scanner, places: Places) -> Iterator[Finding]:
        values = list(_values(told))
        before = sum(scanner.waived.values()), scanner.permitted
        clean = True
        for value in values:
            if item := unexpected(value, scanner.allowed):
                clean = False
                yield stands_there(scanner, value, item)
            for finding in scanner.scan(
                value.text, value.context, value.location, value.path, value.keyword
            ):
                clean = False
                yield finding
        if clean and told.key and before == (sum(scanner.waived.values()), scanner.permitted):
            self._remember(told.key, told, values)

    def _remember(self, key: bytes, told: Told, values: list[Value]) -> None:
        """Remember a value as clean anywhere, or with what it depends on in each file."""
        source = known_sources().source_of(name_of(told.tag), told.vr)
        # By its tag: another file's source may have held something there in another sequence.
        if told.tag not in self.tags and source is None:
            self.seen.remember(key, 0)
        elif self.seen.remember(key, len(self.watched) + 1):
            folded = (fold(value.text) for value in values)
            self.watched.append(
                _Watched(
                    _path(told),
                    any(map(by_nature, values)),
                    frozenset(value.text.strip(" \0") for value in values),
                    frozenset(form for text in folded for form in candidates(text)),
                )
            )


def _digits_that_prove_nothing(rules: Rules) -> int:
    """Return the count of letters and digits below which no check has a say on a number."""
    if installed_detectors():
        return 0
    asked = [rule.needs.digits for rule in rules.rules if Context.NUMBER in rule.where]
    return min([SHORTEST_ID_AS_NUMBER, *asked])


@lru_cache(maxsize=4096)
def _tag_of(path: str) -> int | None:
    """Return the tag of a path's element; None for a keyword that several tags have."""
    name = path.rpartition(".")[2]
    if name.startswith("("):
        return int(name.strip("()").replace(",", ""), 16)
    tag = tag_for_keyword(name)
    return None if tag is None else int(tag)


def _path(told: Told) -> str:
    names = [name_of(tag) for tag in (*told.steps[::2], told.tag)]
    return ".".join(["file-meta", *names] if told.in_meta else names)


def _values(told: Told) -> Iterator[Value]:
    """Yield the texts of a value as :func:`imagehaven.verify.read.elements.values` does."""
    steps = zip(told.steps[::2], told.steps[1::2], strict=True)
    places = [f"{name_of(tag)}[{item}]" for tag, item in steps]
    keyword, path = name_of(told.tag), _path(told)
    location = ".".join([*(["file-meta"] if told.in_meta else []), *places, keyword])
    encodings = list(_encodings(tuple(told.charsets)))
    # pydicom has converted these two before anybody asks, without their padding.
    raw = told.raw.rstrip(b" \0") if told.tag in _CONVERTED else told.raw
    for context, text in texts_in(raw, told.vr, encodings):
        yield Value(location, path, keyword, told.vr, context, text)


@lru_cache(maxsize=256)
def _encodings(charsets: tuple[bytes, ...]) -> tuple[str, ...]:
    found = ["iso8859"]
    for raw in charsets:
        found = encodings_of(_charset(raw), found)
    return tuple(found)


def _charset(raw: bytes) -> DataElement:
    element = RawDataElement(Tag(0x00080005), "CS", len(raw), raw, 0, False, True)
    with config.disable_value_validation():
        return convert_raw_data_element(element)

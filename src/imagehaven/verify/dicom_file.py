"""Verify one DICOM file: every string of every element, every byte that is no pixel, and pixels."""

from __future__ import annotations

import mmap
import warnings
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydicom import dcmread

from imagehaven.verify.decided import Decided
from imagehaven.verify.detect.rules import Rules, default_rules
from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import Context, PatientMatcher
from imagehaven.verify.pixels import pixel_findings
from imagehaven.verify.pixels.look import Look, look_at, stated
from imagehaven.verify.pixels.pages import page_findings
from imagehaven.verify.read.byte_search import known_in_bytes, readable_runs
from imagehaven.verify.read.elements import TooDeepError, text_at, values
from imagehaven.verify.read.layout import Bytes, Layout, layout
from imagehaven.verify.read.native import reader
from imagehaven.verify.remembered import Remembered
from imagehaven.verify.scan import AllowedValues, Scanner, distinct
from imagehaven.verify.standalone import OwnIdentifiers, stands_there, unexpected

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEVICE: Final = ("Manufacturer", "ManufacturerModelName")
_LARGEST_INFLATED: Final = 1 << 30
_LONG_META_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_UNDEFINED: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class Verified:
    """The findings of a file, and how often each waiver (or a reviewer) took one away."""

    findings: list[Finding]
    waived: dict[str, int]


def verify_file(
    path: Path,
    known: KnownIdentifiers | None = None,
    rules: Rules | None = None,
    allowed: AllowedValues | None = None,
    *,
    root: Path | None = None,
    with_values: bool = False,
    standalone: bool = False,
    decided: Decided | None = None,
    compiled: bool = True,
) -> list[Finding]:
    """Return every finding of one DICOM file; an empty list is the only way to pass.

    What cannot be checked (unreadable, too large, nested too deep) is a finding of the rule
    ``could-not-check``; this function raises nothing on hostile input.

    Args:
        path: the file as it was written.
        known: the identifiers of the patient, from the source instance.
        rules: the rules; the built-in ones by default.
        allowed: pseudonyms and shifted dates that the project wrote itself. Where they are
            given, an element that holds an identifier by its nature may hold nothing else.
        root: the folder that the file is released under; the folder names below it are scanned
            with the file's name, and findings name the file relative to it.
        with_values: put the values found into the findings (for review inside the vault only).
        standalone: nothing is known of the patient. Elements that hold identifiers by their
            nature are findings, and what they hold is looked for in the rest of the file.
        decided: what reviewers have decided: values that are harmless, and values that must be
            nowhere.
        compiled: let the compiled reader skip what was clean in another file of the patient, with
            the same result. It does so where ``known`` has a history.
    """
    return verify(
        path, known, rules, allowed, root=root, with_values=with_values,
        standalone=standalone, decided=decided, compiled=compiled,
    ).findings  # fmt: skip


def verify(
    path: Path,
    known: KnownIdentifiers | None = None,
    rules: Rules | None = None,
    allowed: AllowedValues | None = None,
    *,
    root: Path | None = None,
    with_values: bool = False,
    standalone: bool = False,
    decided: Decided | None = None,
    compiled: bool = True,
) -> Verified:
    """Verify one DICOM file as :func:`verify_file`, and count what was waived."""
    name = str(path.relative_to(root)) if root else path.name
    decided = decided or Decided()
    if known is not None:
        known |= decided.denied
    scanner = Scanner(name, rules or default_rules(), known, allowed, with_values, decided)
    memory = _memory(scanner) if compiled and not standalone else None
    found = distinct(_verify(path, name, scanner, standalone, memory))
    return Verified(found, dict(scanner.waived))


def _memory(scanner: Scanner) -> Remembered | None:
    """Return what is remembered of the patient's files, where their history is known."""
    if scanner.known is None or scanner.known.history is None or reader() is None:
        return None
    kept = scanner.known.history.kept
    under = scanner.rules.digest, scanner.decided
    if under not in kept:
        kept[under] = Remembered.under(scanner.rules)
    memory: Remembered = kept[under]
    return memory


def _verify(
    path: Path, name: str, scanner: Scanner, standalone: bool, memory: Remembered | None
) -> Iterator[Finding]:
    yield from scanner.scan(name, Context.FILE_NAME, "file-name")
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                yield could_not_check(name, "file", "empty")
                return
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from verify_bytes(data, name, scanner, standalone=standalone, memory=memory)
    except (OSError, ValueError) as error:
        yield could_not_check(name, "file", type(error).__name__)


def verify_bytes(
    data: Bytes,
    name: str,
    scanner: Scanner,
    *,
    standalone: bool = False,
    memory: Remembered | None = None,
) -> Iterator[Finding]:
    """Yield the findings of a DICOM file that is in memory or mapped into it.

    ``memory`` is what is remembered of the patient's other files; with one, the compiled reader
    reads the file if it can.
    """
    if data[128:132] != b"DICM":
        yield could_not_check(name, "file", "not-dicom")
        return
    with warnings.catch_warnings():
        # Real archives break the standard in thousands of ways; here only identifiers count.
        warnings.simplefilter("ignore")
        try:
            if memory is None or not (yield from _verify_remembered(data, scanner, memory)):
                yield from _verify_parsed(data, name, scanner, standalone)
        except Exception as error:  # noqa: BLE001 - hostile input: whatever stops the check blocks the file
            why = "too-deep" if isinstance(error, TooDeepError) else type(error).__name__
            yield could_not_check(name, "dataset", why)


def _verify_remembered(
    data: Bytes, scanner: Scanner, memory: Remembered
) -> Generator[Finding, None, bool]:
    """Yield the findings of a file that the compiled reader reads; return whether it did."""
    known = scanner.known
    if known is None or not isinstance(known.matcher, PatientMatcher):
        return False
    places = known.matcher.places
    read = memory.read(data, places)
    said = stated(read.facts) if read and "EncapsulatedDocument" not in read.facts else None
    if read is None or said is None:
        return False
    if scanner.with_values:
        scanner.device = _device(read.facts.get(keyword, b"") for keyword in _DEVICE)
    yield from scan_runs(scanner, data, 0, 128, "preamble")
    yield from memory.findings(read, scanner, places)
    yield from scan_runs(scanner, data, read.layout.tail, len(data), "trailing")
    if "Rows" in said and look_at(said) is not Look.NOTHING:
        dataset = dcmread(_stream(data), stop_before_pixels=True)
        yield from pixel_findings(_stream(data), len(data), dataset, scanner)
    yield from _search_bytes(scanner, known, data, data, read.layout)
    return True


def _device(texts: Iterable[bytes]) -> str:
    return " ".join(text.decode("utf-8", "replace").strip(" \0") for text in texts).strip()


def _verify_parsed(data: Bytes, name: str, scanner: Scanner, standalone: bool) -> Iterator[Finding]:
    dataset = dcmread(_stream(data), stop_before_pixels=True)
    if scanner.with_values:
        scanner.device = _device(text_at(dataset, keyword) for keyword in _DEVICE)
    start = _end_of_file_meta(data)
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", _IMPLICIT))
    body: Bytes = data
    if syntax == _DEFLATED:
        body, rest = _inflated(data, start)
        yield from scan_runs(scanner, rest, 0, len(rest), "trailing")
        start = 0
    where = layout(body, start, implicit=syntax == _IMPLICIT, little=syntax != _BIG_ENDIAN)
    if where.lost is not None or len(dataset) == 0:
        # Its bytes are searched below, but bytes that are no elements may hold anything.
        why = "no-elements" if where.lost is None else "not-elements"
        yield could_not_check(name, f"bytes@{where.lost or start}", why)
    document = text_at(dataset, "EncapsulatedDocument")
    if document.lstrip().startswith(b"%PDF"):
        yield from page_findings(document, scanner)
    skip: frozenset[str] = frozenset()
    if standalone:
        own = OwnIdentifiers.of(dataset)
        yield from own.findings(scanner)
        skip, scanner.known = own.locations, own.known | scanner.decided.denied
        yield from scanner.scan(name, Context.FILE_NAME, "file-name")
    yield from scan_runs(scanner, data, 0, 128, "preamble")
    for value in chain(values(dataset.file_meta, "file-meta", "file-meta"), values(dataset)):
        if not standalone and (item := unexpected(value, scanner.allowed)):
            yield stands_there(scanner, value, item)
        if value.location not in skip:
            yield from scanner.scan(
                value.text, value.context, value.location, value.path, value.keyword
            )
    yield from scan_runs(scanner, body, where.tail, len(body), "trailing")
    yield from pixel_findings(_stream(data), len(data), dataset, scanner)
    if not standalone and scanner.known:
        yield from _search_bytes(scanner, scanner.known, data, body, where)


def _stream(data: Bytes) -> BinaryIO:
    if isinstance(data, mmap.mmap):
        data.seek(0)
        return cast(BinaryIO, data)
    return BytesIO(bytes(data[:]))


def _end_of_file_meta(data: Bytes) -> int:
    """Return the offset of the data set. File meta is explicit little endian (PS3.10 7.1).

    Raises:
        ValueError: it holds a value of undefined length, and so cannot be checked.
    """
    position = 132
    while data[position : position + 2] == b"\x02\x00":
        if data[position + 4 : position + 6] in _LONG_META_VRS:
            length = int.from_bytes(data[position + 8 : position + 12], "little")
            if length == _UNDEFINED:
                raise ValueError
            position += 12 + length
        else:
            position += 8 + int.from_bytes(data[position + 6 : position + 8], "little")
    return position


def _inflated(data: Bytes, start: int) -> tuple[bytes, bytes]:
    """Return the inflated data set and what stands behind it (PS3.5 A.5).

    Raises:
        ValueError: it inflates beyond the limit, and so cannot be checked.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    body = inflater.decompress(data[start : len(data)], _LARGEST_INFLATED)
    if inflater.unconsumed_tail:
        raise ValueError
    return body, inflater.unused_data


def scan_runs(scanner: Scanner, data: Bytes, start: int, end: int, place: str) -> Iterator[Finding]:
    """Yield the findings of the readable runs between two offsets, told as ``PLACE@OFFSET``."""
    for offset, run in readable_runs(data, start, end):
        location = place if place == "preamble" else f"{place}@{offset}"
        yield from scanner.scan(run, Context.BINARY, location)


def _search_bytes(
    scanner: Scanner, known: KnownIdentifiers, data: Bytes, body: Bytes, where: Layout
) -> Iterator[Finding]:
    """Yield known identifiers in bytes that no element showed (each only once per file)."""
    edges = [0, *(edge for pixels in where.pixels for edge in pixels), len(body)]
    spans = [(body, begin, stop) for begin, stop in zip(edges[::2], edges[1::2], strict=True)]
    if body is not data:
        spans.append((data, 0, _end_of_file_meta(data)))
    for part, begin, stop in spans:
        for hit in known_in_bytes(part, begin, stop, known):
            item = hit.identifier
            if (item.kind, item.text) in scanner.met:
                continue
            scanner.note(item)
            yield scanner.finding(
                f"bytes@{hit.offset}",
                item.value_class,
                "known-bytes",
                item.text,
                None,
                detector="bytes",
            )

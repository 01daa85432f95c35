"""Reads the sources of one chunk, in a worker process: one :class:`Row` for each planned item."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from imagehaven.acquire import Problem, Source, open_sources, read_source, referenced_files
from imagehaven.acquire.reading import Reading
from imagehaven.catalogue.loading.compiled import rows_of_contents, rows_of_files
from imagehaven.catalogue.loading.items import Item, found_of
from imagehaven.catalogue.loading.rows import Row, readable, unreadable
from imagehaven.dicom import keyword_to_tag
from imagehaven.dicom.scan import core_works
from imagehaven.errors import Quarantine

#: A member of an archive up to this size is read whole for the core; about so much at once.
_SMALL: Final = 16 * 2**20
_HELD: Final = 32 * 2**20

#: Why a DICOMDIR cannot be catalogued: it lists instances and is none itself.
MEDIA_DIRECTORY = "media-directory"


@dataclass(frozen=True)
class ReadContext:
    """What a worker needs to know: the keywords whose values become columns.

    ``compiled`` lets the compiled core read what it can; without it pydicom reads everything.
    """

    keywords: tuple[str, ...]
    compiled: bool = True


def read_chunk(context: ReadContext, items: list[Item]) -> list[Row]:
    """Read every item; the rows stand in the items' order. Nothing in a file raises."""
    rows: dict[str, Row] = {}
    sources: list[Source] = []
    for item in items:
        if item.get("recovered"):
            rows[item["source"]] = Row("container", item["source"], None, "[]", None, 0)
            continue
        found = found_of(item)
        if isinstance(found, Problem):
            rows[found.location] = unreadable(item, found.reason, found.detail)
        else:
            sources.append(found)
    planned = {item["source"]: item for item in items}
    if context.compiled and core_works():
        rows |= rows_of_files(context.keywords, planned, sources)
        sources = [source for source in sources if source.location not in rows]
    for batch in _batches(context, open_sources(sources)):
        swift = [(source, content) for source, content in batch if isinstance(content, memoryview)]
        rows |= rows_of_contents(context.keywords, planned, swift)
        for source, stream in batch:
            if source.location not in rows:
                rows[source.location] = _read(context, planned[source.location], source, stream)
    return [rows[item["source"]] for item in items]


#: A source with its stream, all of its bytes, or why it has neither.
_Opened = tuple[Source, BinaryIO | memoryview | Quarantine]


def _batches(
    context: ReadContext, opened: Iterable[tuple[Source, BinaryIO | Quarantine]]
) -> Iterator[list[_Opened]]:
    """Gather small members of archives for the core: a stream closes when the next is opened."""
    batch: list[_Opened] = []
    held = 0
    swift = context.compiled and core_works()
    for source, stream in opened:
        small = bool(source.members) and 0 <= source.size <= _SMALL
        if not swift or not small or isinstance(stream, Quarantine):
            yield [(source, stream)]
            continue
        batch.append((source, memoryview(stream.read())))
        held += source.size
        if held > _HELD:
            yield batch
            batch, held = [], 0
    yield batch


def _read(
    context: ReadContext, item: Item, source: Source, stream: BinaryIO | memoryview | Quarantine
) -> Row:
    try:
        if isinstance(stream, Quarantine):
            raise stream
        if isinstance(stream, memoryview):
            stream = io.BytesIO(stream)
        reading = read_source(stream, source)
    except Quarantine as fault:
        if fault.reason == MEDIA_DIRECTORY and not source.members:
            fault = _completeness(Path(source.path), fault)
        return unreadable(item, fault.reason, fault.detail)
    return _readable(context, item, source, reading)


def _completeness(dicomdir: Path, fault: Quarantine) -> Quarantine:
    """Say so where files are missing that a DICOMDIR names: somebody may still have the disc."""
    existing, missing = referenced_files(dicomdir)
    if not missing:
        return fault
    total = len(existing) + len(missing)
    return Quarantine(
        "media-incomplete", f"{len(missing)} of the {total} files it names are missing"
    )


def _readable(context: ReadContext, item: Item, source: Source, reading: Reading) -> Row:
    return readable(
        item,
        source,
        tuple(promoted(reading.elements, keyword) for keyword in context.keywords),
        size=reading.size,
        content_sha256=reading.content_sha256,
        dataset_sha256=reading.dataset_sha256,
        transfer_syntax=reading.transfer_syntax,
        pixel_offset=reading.pixel_offset,
        pixel_length=reading.pixel_length,
        meta=_json(reading.meta),
        elements=_json(reading.elements),
    )


def promoted(elements: dict[str, Any], keyword: str) -> str | None:
    """A top-level element as one text: its values joined by backslashes, None when there is none.

    A NUL within a value is left out: the catalogue's stores take none. ``elements`` keeps it.
    """
    element = elements.get(keyword_to_tag(keyword))
    values = element.get("Value") if element is not None and element["vr"] != "SQ" else None
    if not values:
        return None
    text = "\\".join(map(_text, values)).replace("\0", "")
    return text or None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        groups = (value.get(name) for name in ("Alphabetic", "Ideographic", "Phonetic"))
        return next((str(group) for group in groups if group), "")
    return str(value)


def _json(value: dict[str, Any]) -> str:
    # A lone surrogate cannot be stored as UTF-8; it stays as its escape.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, separators=(",", ":"))
    return text

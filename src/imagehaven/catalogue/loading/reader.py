"""Reads the sources of one chunk, in a worker process: one :class:`Row` for each planned item."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from imagehaven.acquire import Problem, Source, open_sources, read_source, referenced_files
from imagehaven.acquire.reading import Reading
from imagehaven.catalogue.loading.items import Item, found_of, path_text
from imagehaven.dicom import keyword_to_tag
from imagehaven.errors import Quarantine

Kind = Literal["read", "quarantined", "container"]

#: Why a DICOMDIR cannot be catalogued: it lists instances and is none itself.
MEDIA_DIRECTORY = "media-directory"


@dataclass(frozen=True)
class ReadContext:
    """What a worker needs to know: the keywords whose values become columns."""

    keywords: tuple[str, ...]


class Row(NamedTuple):
    """What became of one planned item. ``meta`` and ``elements`` are JSON texts (PS3.18 F).

    ``values`` holds one text for each keyword of the context. ``archives`` counts the archives
    that begin with this item.
    """

    kind: Kind
    source: str
    path: str | None
    members: str
    size: int | None
    archives: int
    reason: str | None = None
    detail: str | None = None
    content_sha256: str | None = None
    dataset_sha256: str | None = None
    transfer_syntax: str | None = None
    pixel_offset: int | None = None
    pixel_length: int | None = None
    meta: str | None = None
    elements: str | None = None
    values: tuple[str | None, ...] = ()


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
    for source, stream in open_sources(sources):
        rows[source.location] = _read(context, planned[source.location], source, stream)
    return [rows[item["source"]] for item in items]


def unreadable(item: Item, reason: str, detail: str) -> Row:
    """The row of an item that goes to the quarantine."""
    path = None if "reason" in item else path_text(str(item.get("path", item["source"])))
    members = json.dumps(item.get("members", []))
    known = item["size"] if item.get("size", -1) >= 0 else None
    archives = item.get("containers", 0)
    return Row(
        "quarantined", item["source"], path, members, known, archives, reason=reason, detail=detail
    )


def _read(context: ReadContext, item: Item, source: Source, stream: BinaryIO | Quarantine) -> Row:
    try:
        if isinstance(stream, Quarantine):
            raise stream
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
    return Row(
        "read",
        source.location,
        path_text(source.path),
        json.dumps(source.members),
        reading.size,
        item.get("containers", 0),
        content_sha256=reading.content_sha256,
        dataset_sha256=reading.dataset_sha256,
        transfer_syntax=reading.transfer_syntax,
        pixel_offset=reading.pixel_offset,
        pixel_length=reading.pixel_length,
        meta=_json(reading.meta),
        elements=_json(reading.elements),
        values=tuple(promoted(reading.elements, keyword) for keyword in context.keywords),
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

"""Rows by the compiled core; what it declines has none here, and is read by pydicom after all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from imagehaven.acquire import Source
from imagehaven.catalogue.loading.items import Item
from imagehaven.catalogue.loading.rows import Row, readable
from imagehaven.dicom.scan import Scanned, scan_files

#: Files in one call: the core holds their JSON a second time until its rows are made.
_AT_ONCE: Final = 100

#: The columns of a scan that are fields of a row.
_FIELDS: Final = (
    "size",
    "content_sha256",
    "dataset_sha256",
    "transfer_syntax",
    "pixel_offset",
    "pixel_length",
    "meta",
    "elements",
)


def rows_of_files(
    keywords: tuple[str, ...], planned: Mapping[str, Item], sources: Sequence[Source]
) -> dict[str, Row]:
    """The rows, by location, of those ``sources`` that are files of their own."""
    files = [source for source in sources if not source.members]
    rows: dict[str, Row] = {}
    for start in range(0, len(files), _AT_ONCE):
        some = files[start : start + _AT_ONCE]
        paths: list[bytes | memoryview] = [os.fsencode(source.path) for source in some]
        rows |= _rows(planned, some, scan_files(paths, keywords), keywords)
    return rows


def rows_of_contents(
    keywords: tuple[str, ...],
    planned: Mapping[str, Item],
    contents: Sequence[tuple[Source, memoryview]],
) -> dict[str, Row]:
    """The rows, by location, of sources whose bytes are at hand."""
    if not contents:
        return {}
    scanned = scan_files([content for _, content in contents], keywords)
    return _rows(planned, [source for source, _ in contents], scanned, keywords)


def _rows(
    planned: Mapping[str, Item],
    sources: Sequence[Source],
    scanned: Scanned,
    keywords: tuple[str, ...],
) -> dict[str, Row]:
    fields = [scanned.columns[name].to_pylist() for name in _FIELDS]
    texts = [scanned.columns[keyword].to_pylist() for keyword in keywords]
    rows: dict[str, Row] = {}
    for place, source in enumerate(sources):
        if scanned.declined[place] is None:
            of_core = {name: column[place] for name, column in zip(_FIELDS, fields, strict=True)}
            values = tuple(column[place] for column in texts)
            rows[source.location] = readable(planned[source.location], source, values, **of_core)
    return rows

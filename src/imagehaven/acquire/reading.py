"""Read one source whole: its header, its elements and its hashes."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from imagehaven.acquire.source import Source
from imagehaven.dicom import read_header, to_elements
from imagehaven.dicom.scan import core_works, scan_content
from imagehaven.errors import Quarantine

IN_MEMORY: Final = 16 * 2**20
_BLOCK = 2**20


@dataclass(frozen=True)
class Reading:
    """What one source holds, ready for the catalogue.

    Offsets and lengths are in bytes. ``content_sha256`` covers the whole file;
    ``dataset_sha256`` what follows the file meta, so that two files of one instance that differ in
    their preamble or file meta only can be told from a conflict. ``pixel_offset`` and
    ``pixel_length`` are as in :class:`imagehaven.dicom.Header`; ``meta`` and ``elements`` as
    :func:`imagehaven.dicom.to_elements` returns them, elements behind the pixel data included.
    """

    location: str
    size: int
    content_sha256: str
    dataset_sha256: str
    transfer_syntax: str
    pixel_offset: int | None
    pixel_length: int | None
    meta: dict[str, Any]
    elements: dict[str, Any]


def read_source(
    stream: BinaryIO, source: Source, *, compiled: bool = False, whole_only: bool = False
) -> Reading:
    """Read ``stream``, opened by ``open_sources``, into a :class:`Reading`.

    With ``compiled`` the core reads what it can, with the same result. With ``whole_only`` only
    the whole file is hashed, and ``dataset_sha256`` stays empty. Memory stays bounded whatever the
    file's size. Raises :class:`Quarantine` with a reason of :func:`imagehaven.dicom.read_header`,
    or ``unreadable`` when the disk fails meanwhile.
    """
    try:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if size <= IN_MEMORY:
            stream = io.BytesIO(stream.read())  # one read for header and hashes
            size = len(stream.getbuffer())
            found = _by_core(stream, source, whole_only) if compiled and core_works() else None
            if found is not None:
                return found
        header = read_header(stream, size)
        content, dataset = _hashes(stream, None if whole_only else header.dataset_offset)
    except OSError as error:
        detail = f"the system reports {error.strerror or type(error).__name__} while reading"
        raise Quarantine("unreadable", detail) from None
    elements = to_elements(header.dataset)
    if len(header.trailing):
        elements = dict(sorted((elements | to_elements(header.trailing)).items()))
    return Reading(
        location=source.location,
        size=size,
        content_sha256=content,
        dataset_sha256=dataset,
        transfer_syntax=header.transfer_syntax,
        pixel_offset=header.pixel_offset,
        pixel_length=header.pixel_length,
        meta=to_elements(header.file_meta),
        elements=elements,
    )


def _by_core(stream: io.BytesIO, source: Source, whole_only: bool) -> Reading | None:
    """Read a file in memory with the compiled core; None where it declines."""
    content = stream.getbuffer()
    row: dict[str, Any] | None = scan_content(content, hashing=not whole_only)
    if row is None:
        return None
    if whole_only:
        row |= {"content_sha256": hashlib.sha256(content).hexdigest(), "dataset_sha256": ""}
    meta, elements = json.loads(row.pop("meta")), json.loads(row.pop("elements"))
    del row["dataset_offset"]
    return Reading(source.location, meta=meta, elements=elements, **row)


def _hashes(stream: BinaryIO, dataset_offset: int | None) -> tuple[str, str]:
    """Return the SHA-256 of the whole stream, and of what follows ``dataset_offset`` if any."""
    stream.seek(0)
    whole, dataset = hashlib.sha256(stream.read(dataset_offset or 0)), hashlib.sha256()
    while block := stream.read(_BLOCK):
        whole.update(block)
        if dataset_offset is not None:
            dataset.update(block)
    return whole.hexdigest(), "" if dataset_offset is None else dataset.hexdigest()

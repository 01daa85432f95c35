"""Scan many headers at once with the compiled core, straight into Arrow columns.

The reference is :func:`imagehaven.dicom.read_header` with :func:`imagehaven.dicom.to_elements`:
what the core reads, it reads exactly so, and what it does not, it declines.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

import numpy as np
import pyarrow as pa

from imagehaven.dicom.keywords import keyword_to_tag
from imagehaven.dicom.native.dictionary import packed_dictionary

TEXTS: Final = ("meta", "elements", "transfer_syntax", "content_sha256", "dataset_sha256")
_ONE, _TWO = struct.Struct("=q"), struct.Struct("=qq")
NUMBERS: Final = ("size", "dataset_offset", "pixel_offset", "pixel_length")


@dataclass(frozen=True)
class Scanned:
    """What a scan of some files brought, a row for each.

    ``declined`` says for each file why the core left it alone, None where it was read. ``columns``
    has a column for each of :data:`TEXTS`, :data:`NUMBERS` and the keywords asked for; a declined
    file has only nulls.
    """

    declined: list[str | None]
    columns: pa.Table


def core_works() -> bool:
    """Say whether the compiled core was built."""
    return load_core() is not None


def scan_files(
    files: Sequence[bytes | memoryview], keywords: Sequence[str], *, hashing: bool = True
) -> Scanned:
    """Scan ``files``, each a path (bytes) or the content of a file (memoryview).

    ``keywords`` are top-level elements that get a text column of their own, as ``promoted`` in the
    catalogue writes it. ``hashing`` reads each file whole, for its SHA-256; without it only the
    header is read. Call it only where :func:`core_works`.
    """
    tags = tuple(int(keyword_to_tag(keyword), 16) for keyword in keywords)
    declined, texts, numbers = load_core().scan_files(list(files), tags, hashing)
    count = len(files)
    arrays: dict[str, pa.Array] = {}
    for name, (present, offsets, values) in zip((*TEXTS, *keywords), texts, strict=True):
        buffers = [pa.py_buffer(present), pa.py_buffer(offsets), pa.py_buffer(values)]
        arrays[name] = pa.Array.from_buffers(pa.large_string(), count, buffers)
    for name, values in zip(NUMBERS, numbers, strict=True):
        known = np.frombuffer(values, np.int64)
        arrays[name] = pa.array(known, mask=known < 0)
    return Scanned(declined, pa.table(arrays))


def scan_content(
    content: memoryview, *, hashing: bool = True
) -> dict[str, str | int | None] | None:
    """Scan one file in memory; None where the core declines.

    The same values as a row of :func:`scan_files` without keywords, at a fraction of its cost.
    """
    declined, texts, numbers = load_core().scan_files([content], (), hashing)
    if declined[0] is not None:
        return None
    row: dict[str, str | int | None] = {}
    for name, (present, offsets, values) in zip(TEXTS, texts, strict=True):
        _, end = _TWO.unpack_from(offsets)
        row[name] = bytes(values[:end]).decode() if present[0] else None
    for name, values in zip(NUMBERS, numbers, strict=True):
        (number,) = _ONE.unpack_from(values)
        row[name] = number if number >= 0 else None
    return row


@cache
def load_core() -> Any:
    """Return the compiled core, None where it was not built."""
    try:
        core = import_module("imagehaven.dicom.native._core")
    except ImportError:  # no compiler when this was installed
        return None
    core.set_dictionary(packed_dictionary())
    return core

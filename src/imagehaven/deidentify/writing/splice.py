"""Write a de-identified file: new head, cleaned data set, and the source's pixel bytes unchanged.

Pixels are copied in blocks, so memory does not grow with the file, and nothing is decoded or
compressed again. Nothing of the source that follows its pixel data is written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.pixels.regions import Blanking
from imagehaven.deidentify.writing.encode import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    UNDEFINED,
    element_head,
    encode,
    file_head,
    has_long_values,
)
from imagehaven.dicom.header import Header, plain_stream
from imagehaven.errors import Quarantine, TransientError

BLOCK: Final = 2**20
_PIXEL_VRS: Final = {0x7FE00008: "OF", 0x7FE00009: "OD"}


@dataclass(frozen=True)
class Content:
    """What to write: the cleaned data set, its SOP class and new SOP Instance UID, and what to
    blank of the pixels, None for nothing.
    """

    dataset: Dataset
    sop_class: str
    instance: str
    blanking: Blanking | None


@dataclass(frozen=True)
class Written:
    """What stands in the new file: its length in bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def output_syntax(header: Header, dataset: Dataset) -> str:
    """Return the transfer syntax to write: mostly the source's.

    Implicit VR becomes explicit, so that every VR can be read off the file, unless a value is too
    long for that; and a deflated data set is written plain.
    """
    if header.deflated:
        return EXPLICIT_LITTLE
    if header.transfer_syntax == IMPLICIT_LITTLE and not has_long_values(dataset):
        return EXPLICIT_LITTLE
    return header.transfer_syntax


def write_file(destination: Path, stream: BinaryIO, header: Header, content: Content) -> Written:
    """Write ``content`` and the pixels of ``header`` to ``destination``, all of it or nothing.

    Raises :class:`TransientError` when the destination cannot be written.
    """
    syntax = output_syntax(header, content.dataset)
    digest, size = hashlib.sha256(), 0
    draft = destination.with_name(f".{destination.name}.{os.getpid()}.draft")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            for block in _blocks(stream, header, content, syntax):
                digest.update(block)
                size += len(block)
                file.write(block)
        draft.replace(destination)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise TransientError(
            f"{destination.parent} cannot be written ({error.strerror}): mend that, then run the "
            "same command again."
        ) from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Written(size, digest.hexdigest())


def _blocks(stream: BinaryIO, header: Header, content: Content, syntax: str) -> Iterator[bytes]:
    yield file_head(content.sop_class, content.instance, syntax)
    yield encode(content.dataset, syntax)
    if header.pixel_tag is None or header.pixel_offset is None or header.pixel_end is None:
        return
    length = header.pixel_end - header.pixel_offset
    padding = length % 2
    vr = _PIXEL_VRS.get(header.pixel_tag) or header.pixel_vr or "OW"
    declared = UNDEFINED if header.pixel_length == UNDEFINED else length + padding
    yield element_head(header.pixel_tag, vr, declared, syntax)
    plain = plain_stream(stream, header)
    if content.blanking is not None:
        yield from content.blanking.frames(plain, header.pixel_offset, length)
    else:
        yield from _copied(plain, header.pixel_offset, length)
    yield bytes(padding)


def _copied(stream: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    while length:
        try:
            stream.seek(start)
            block = stream.read(min(BLOCK, length))
        except OSError as error:
            # Not the destination's fault, which every other OSError is taken for.
            raise Quarantine("unreadable", f"the system reports {error.strerror}") from error
        if not block:
            raise Quarantine("truncated", "the source became shorter while it was read")
        start, length = start + len(block), length - len(block)
        yield block

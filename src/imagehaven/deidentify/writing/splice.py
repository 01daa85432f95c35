"""Write a de-identified file: new head, cleaned data set, and the source's pixel bytes.

Pixels that do not change are copied in blocks, so memory does not grow with the file, and nothing
is decoded or compressed again; of those that change, memory holds one frame. Nothing of the source
that follows its pixel data is written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.deidentify.writing.encapsulated import (
    Encoded,
    encode_frames,
    fragments,
    plain_frames,
    put_offsets,
)
from imagehaven.deidentify.writing.encode import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    UNDEFINED,
    element_head,
    encode,
    file_head,
    has_long_values,
)
from imagehaven.deidentify.writing.native import native_frames
from imagehaven.dicom.header import Header, plain_stream
from imagehaven.dicom.pixels import is_native
from imagehaven.errors import Quarantine, TransientError

BLOCK: Final = 2**20
_PIXEL_VRS: Final = {0x7FE00008: "OF", 0x7FE00009: "OD"}


@dataclass(frozen=True)
class Content:
    """What to write: the cleaned data set, its SOP class and new SOP Instance UID, and how the
    pixels change, None where they do not; ``strip`` where compressed frames carry text beside
    their picture, which has to be cut out.
    """

    dataset: Dataset
    sop_class: str
    instance: str
    redaction: Redaction | None
    strip: bool = False


@dataclass(frozen=True)
class Written:
    """What stands in the new file: its length in bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def output_syntax(header: Header, content: Content) -> str:
    """Return the transfer syntax to write: mostly the source's.

    Implicit VR becomes explicit, so that every VR can be read off the file, unless a value is too
    long for that; a deflated data set is written plain; and changed frames may need another one.
    """
    if header.deflated:
        return EXPLICIT_LITTLE
    if header.transfer_syntax == IMPLICIT_LITTLE and not has_long_values(content.dataset):
        return EXPLICIT_LITTLE
    return content.redaction.recoding.syntax if content.redaction else header.transfer_syntax


def write_file(destination: Path, stream: BinaryIO, header: Header, content: Content) -> Written:
    """Write ``content`` and the pixels of ``header`` to ``destination``, all of it or nothing.

    Raises :class:`TransientError` when the destination cannot be written.
    """
    digest, size = hashlib.sha256(), 0
    draft = destination.with_name(f".{destination.name}.{os.getpid()}.draft")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with (
            _encoded(stream, header, content, destination.parent) as encoded,
            draft.open("wb") as file,
        ):
            for block in _blocks(stream, header, content, encoded):
                digest.update(block)
                size += len(block)
                file.write(block)
        draft.replace(destination)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise not_writable(destination.parent, error) from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Written(size, digest.hexdigest())


def not_writable(folder: Path, error: OSError) -> TransientError:
    """Return what to raise when a folder cannot be written to."""
    return TransientError(
        f"{folder} cannot be written ({error.strerror}): mend that, then run the "
        "same command again."
    )


@contextmanager
def _encoded(
    stream: BinaryIO, header: Header, content: Content, folder: Path
) -> Iterator[Encoded | None]:
    """Write anew the frames of compressed pixel data that changes; None where none does."""
    changes = content.redaction is not None or content.strip
    if not changes or is_native(header.transfer_syntax):
        yield None
        return
    encoded = encode_frames(plain_stream(stream, header), header, content.redaction, folder)
    put_offsets(content.dataset, encoded)
    with encoded.file:
        yield encoded


def _blocks(
    stream: BinaryIO, header: Header, content: Content, encoded: Encoded | None
) -> Iterator[bytes]:
    syntax = output_syntax(header, content)
    yield file_head(content.sop_class, content.instance, syntax)
    yield encode(content.dataset, syntax)
    if header.pixel_tag is None or header.pixel_offset is None or header.pixel_end is None:
        return
    length = header.pixel_end - header.pixel_offset
    vr = _PIXEL_VRS.get(header.pixel_tag) or header.pixel_vr or "OW"
    if encoded is not None and is_native(syntax):
        wide = content.redaction is not None and content.redaction.shape.bits > 8
        length, vr = encoded.size, "OW" if wide else "OB"
    padding = length % 2
    compressed = header.pixel_length == UNDEFINED and not is_native(syntax)
    yield element_head(header.pixel_tag, vr, UNDEFINED if compressed else length + padding, syntax)
    plain = plain_stream(stream, header)
    if encoded is not None:
        yield from fragments(encoded) if compressed else plain_frames(encoded)
        padding = 0 if compressed else padding
    elif content.redaction is not None:
        written = 0
        for block in native_frames(plain, header, content.redaction):
            written += len(block)
            yield block
        yield bytes(length - written)  # the byte that makes the length even
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

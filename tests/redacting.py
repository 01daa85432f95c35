"""Blank areas of an image through the house's own writer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset

import made_pixels as made
from imagehaven.deidentify import Pseudonyms, deidentify_dataset, load
from imagehaven.deidentify.elements.stored import text_of
from imagehaven.deidentify.pixels.areas import Area, fitted
from imagehaven.deidentify.pixels.black import Darkest
from imagehaven.deidentify.pixels.cleaning import CleanPixels, stated
from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.deidentify.writing.splice import Content, write_file
from imagehaven.dicom import Header, read_header
from imagehaven.dicom.pixels import Frame, decode_frames, decoded_photometric, shape_of, values_of
from imagehaven.dicom.recode import recoding_of

KEY = Pseudonyms(b"k" * 32)
AREAS = (Area(3, 5, 12, 9), Area(20, 0, 40, 3))
"""One inside, one that goes over the edge."""


def header_of(data: bytes) -> Header:
    return read_header(io.BytesIO(data), len(data))


def frames_of(data: bytes) -> list[Frame]:
    """The values of each frame."""
    header = header_of(data)
    frames = decode_frames(io.BytesIO(data), header)
    return [values_of(frame, shape_of(header)) for frame in frames]


def redacted(
    source: Dataset,
    folder: Path,
    *,
    only: int | None = None,
    areas: Sequence[Area] = AREAS,
    data: bytes = b"",
) -> bytes:
    """Return the file with the areas blanked on all frames, or on one."""
    data = data or made.as_bytes(source)
    header = header_of(data)
    shape = shape_of(header)
    little = header.transfer_syntax != made.BIG
    photometric = decoded_photometric(shape, header.transfer_syntax)
    darkest = Darkest(header.dataset, shape, photometric, little=little)
    for frame in decode_frames(io.BytesIO(data), header):
        darkest.see(frame)
    fit = fitted(areas, shape)
    each = tuple(fit if only in (None, number) else () for number in range(shape.frames))
    recoding = recoding_of(header.transfer_syntax, shape)
    change = Redaction(shape, each, darkest.fill(), False, recoding)
    dataset = deidentify_dataset(header.dataset, load(), KEY, little=little).dataset
    dataset = stated(dataset, CleanPixels(change, searched=False), little=little)
    content = Content(dataset, made.SECONDARY_CAPTURE, text_of(dataset, 0x00080018), change)
    write_file(folder / "new.dcm", io.BytesIO(data), header, content)
    return (folder / "new.dcm").read_bytes()

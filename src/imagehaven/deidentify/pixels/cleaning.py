"""Judge the pixels of one instance, search them, and say how they change.

Comes in: a file and its header. Goes out: a :class:`Redaction`, or nothing where the pixels stay;
and the statement that belongs to it. Every frame is decoded: what cannot be is withheld.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.stored import Element, items_of, tags, text_of
from imagehaven.deidentify.elements.values import element, join_text
from imagehaven.deidentify.pixels.areas import Area
from imagehaven.deidentify.pixels.beside.spare_bits import SpareBits
from imagehaven.deidentify.pixels.black import Darkest
from imagehaven.deidentify.pixels.devices import Devices
from imagehaven.deidentify.pixels.drawn import may_be_drawn_on
from imagehaven.deidentify.pixels.policy import Plan, check_pixels, policy
from imagehaven.deidentify.pixels.reading import reader_of
from imagehaven.deidentify.pixels.redaction import Redaction
from imagehaven.deidentify.pixels.search import Reader, search
from imagehaven.deidentify.writing.encode import EXPLICIT_BIG
from imagehaven.dicom.header import Header
from imagehaven.dicom.pixels import (
    check_decodable,
    decode_frames,
    decoded_photometric,
    is_native,
    shape_of,
)
from imagehaven.dicom.recode import recoding_of
from imagehaven.errors import Withheld

_NOTHING_FOUND: Final = "declared-text-not-found"
_BURNED_IN, _METHODS = 0x00280301, 0x00120064
_PHOTOMETRIC, _PLANAR = 0x00280004, 0x00280006
_INTEGERS: Final = 0x7FE00010


@dataclass(frozen=True)
class CleanPixels:
    """How the pixels change, None when they stay as they are, and whether they were searched."""

    redaction: Redaction | None
    searched: bool


def clean_pixels(
    stream: BinaryIO, header: Header, sop_class: str, known: Devices | None = None
) -> CleanPixels:
    """Return how the pixels of an instance have to change before it may be released.

    ``known`` is what is known of devices, where it is more than the built-in rules.

    Raises :class:`Withheld` where the policy does not let it out, where a frame cannot be decoded,
    where text remains (``text-remains``), and where the header owns up to text that nobody finds
    (``declared-text-not-found``).
    """
    plan = check_pixels(header, sop_class, known=known)
    if header.pixel_tag is None:
        return CleanPixels(None, searched=False)
    shape = shape_of(header)
    little = header.transfer_syntax != EXPLICIT_BIG
    spare = SpareBits(header.dataset, shape, little=little)
    photometric = decoded_photometric(shape, header.transfer_syntax)
    darkest = Darkest(header.dataset, shape, photometric, little=little)
    integers = header.pixel_tag == _INTEGERS
    acquired = plan is None and integers and policy().kinds.get(sop_class) == "acquired"
    if acquired and may_be_drawn_on(decode_frames(stream, header), shape):
        plan = Plan(shape, (), search=True, declared=False)
    if plan is not None and not integers:
        raise Withheld("photometric-unknown", "pixels of floating point cannot be shown")
    if plan is None and is_native(header.transfer_syntax) and not (integers and spare.possible):
        check_decodable(stream, header)  # nothing of it has to be looked at
        return CleanPixels(None, searched=False)
    for frame in decode_frames(stream, header):
        if integers:
            spare.see(frame)
        if plan is not None:
            darkest.see(frame)
    areas: tuple[tuple[Area, ...], ...]
    if plan is None:
        areas, fill = ((),) * shape.frames, (0,) * shape.samples
    else:
        fill = darkest.fill()
        areas = _areas(stream, header, plan, reader_of(header, shape, photometric))
    recoding = recoding_of(header.transfer_syntax, shape)
    redaction = Redaction(shape, areas, fill, spare.used, recoding)
    changes = spare.used or any(areas)
    return CleanPixels(redaction if changes else None, plan is not None and plan.search)


def _areas(
    stream: BinaryIO, header: Header, plan: Plan, reader: Reader
) -> tuple[tuple[Area, ...], ...]:
    """Return what is blanked in each frame: what always is, and what a search finds."""
    if not plan.search:
        return (plan.areas,) * plan.shape.frames
    found = search(lambda: decode_frames(stream, header), plan, reader)
    if plan.declared and not found.anything:
        raise Withheld(_NOTHING_FOUND, "BurnedInAnnotation does not say NO, and none was found")
    return found.areas


def stated(dataset: Dataset, clean: CleanPixels, *, little: bool) -> Dataset:
    """Return a de-identified data set that says what was done about its pixels.

    Searched pixels hold no burned-in text any more, which is the Clean Pixel Data Option (PS3.15
    E.3.1, CID 7050); and pixels that are encoded in another way are described as they now are.
    """
    said: dict[BaseTag, Any] = {}
    if clean.searched:
        said |= _text(_BURNED_IN, "CS", "NO", little)
        items = [_clean_pixel_data(little), *items_of(dataset, _METHODS)]
        items.sort(key=lambda item: text_of(item, 0x00080100))
        said[BaseTag(_METHODS)] = DataElement(_METHODS, "SQ", Sequence(items))
    if clean.redaction is not None and not clean.redaction.recoding.same:
        said |= _text(_PHOTOMETRIC, "CS", clean.redaction.recoding.photometric, little)
        if clean.redaction.shape.samples > 1:
            by_pixel = (0).to_bytes(2, "little")
            said[BaseTag(_PLANAR)] = element(_PLANAR, "US", by_pixel, little)
    # A new one, because setting a sequence would make pydicom convert what others hold as bytes.
    held = {BaseTag(tag): dataset.get_item(tag) for tag in tags(dataset)}
    return Dataset(dict(sorted((held | said).items())))


def _clean_pixel_data(little: bool) -> Dataset:
    return Dataset(
        {
            **_text(0x00080100, "SH", "113101", little),
            **_text(0x00080102, "SH", "DCM", little),
            **_text(0x00080104, "LO", "Clean Pixel Data Option", little),
        }
    )


def _text(tag: int, vr: str, text: str, little: bool) -> dict[BaseTag, Element]:
    return {BaseTag(tag): element(tag, vr, join_text([text], vr), little)}

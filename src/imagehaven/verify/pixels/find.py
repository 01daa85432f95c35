"""Findings in the pixels of one written file: what is read, put to the scanner like any text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from pydicom import Dataset

from imagehaven.dicom.header import read_any_header
from imagehaven.dicom.pixels import decode_frames, decoded_photometric, shape_of, values_of
from imagehaven.errors import Quarantine, Withheld
from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.machine import machine_of
from imagehaven.verify.pixels.confusion import misread
from imagehaven.verify.pixels.harmless import is_free_text
from imagehaven.verify.pixels.look import Look, chosen_frames, look_at
from imagehaven.verify.pixels.reader import Reading, read
from imagehaven.verify.pixels.shown import displays
from imagehaven.verify.scan import Scanner

PLACE: Final = "PixelData"
RULE: Final = "text-in-pixels"
_SURE: Final = 0.8
"""How sure a reading of free text must be: textures are read too, but not surely."""


def pixel_findings(
    stream: BinaryIO, size: int, dataset: Dataset, scanner: Scanner
) -> Iterator[Finding]:
    """Yield the findings in the pixels of a DICOM file of ``size`` bytes.

    ``dataset`` is its header. Pixels that cannot be decoded are a finding; a file without pixel
    data has none.
    """
    look = look_at(dataset)
    if look is Look.NOTHING or "Rows" not in dataset:
        return
    try:
        header = read_any_header(stream, size)
        if header.pixel_tag is None:
            return
        shape = shape_of(header)
        photometric = decoded_photometric(shape, header.transfer_syntax)
        machine = machine_of(dataset)
        frames = decode_frames(stream, header)
        for number, frame in chosen_frames(frames, shape.frames, look):
            shown = displays(values_of(frame, shape), photometric, shape.stored, dataset)
            readings = [reading for one in shown for reading in read(one)]
            for finding in _judged(readings, number, scanner):
                yield replace(finding, machine=machine) if scanner.with_values else finding
    except (Withheld, Quarantine) as error:
        yield could_not_check(scanner.file, PLACE, error.reason)


def _judged(readings: list[Reading], number: int, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of one frame, the surest reading of each place first, none twice."""
    told: list[tuple[str, Reading]] = []
    for reading in sorted(readings, key=lambda one: -one.sure):
        for finding in _identifiers(reading, number, scanner):
            if not any(rule == finding.rule and reading.overlaps(one) for rule, one in told):
                told.append((finding.rule, reading))
                yield replace(finding, frame=number, box=reading.box)
    for reading in sorted(readings, key=lambda one: -one.sure):
        if any(reading.overlaps(one) for _, one in told):
            continue
        if reading.sure >= _SURE and is_free_text(reading.text):
            told.append((RULE, reading))
            yield from _free_text(reading, number, scanner)


def _identifiers(reading: Reading, number: int, scanner: Scanner) -> Iterator[Finding]:
    """Yield what the scanner finds in a reading, and in what may have been misread as it."""
    place = _place(reading, number)
    for text in misread(reading.text, scanner.known):
        yield from scanner.scan(text, Context.TEXT, place, keyword=PLACE)


def _free_text(reading: Reading, number: int, scanner: Scanner) -> Iterator[Finding]:
    whole = (0, len(reading.text))
    finding = scanner.finding(
        _place(reading, number), "other-id", RULE, reading.text, whole, detector="ocr"
    )
    if scanner.decided.settles(finding, reading.text, reading.text):
        scanner.waived["review"] += 1
        return
    yield replace(finding, frame=number, box=reading.box)


def _place(reading: Reading, number: int) -> str:
    return f"{PLACE} frame {number} box {','.join(map(str, reading.box))}"

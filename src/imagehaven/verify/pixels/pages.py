"""Findings in an encapsulated PDF: its text layer, its metadata, and what its pages show.

A page may hold a report's harmless prose, so free text alone is no finding here, as it is in an
image; an identifier in it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pypdfium2

from imagehaven.verify.findings import Finding, could_not_check
from imagehaven.verify.known.matcher import Context
from imagehaven.verify.pixels.confusion import misread
from imagehaven.verify.pixels.reader import read
from imagehaven.verify.scan import Scanner

PLACE: Final = "EncapsulatedDocument"
_SCALE: Final = 150 / 72
_MOST_PAGES: Final = 200
_MOST_PIXELS: Final = 40_000_000


def page_findings(data: bytes, scanner: Scanner) -> Iterator[Finding]:
    """Yield the findings of one PDF; one that cannot be read, or is too large, is a finding."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        yield could_not_check(scanner.file, PLACE, "pdf")
        return
    with document:
        if len(document) > _MOST_PAGES or document.count_attachments():
            yield could_not_check(scanner.file, PLACE, "pdf")
            return
        for text in document.get_metadata_dict().values():
            yield from scanner.scan(text, Context.TEXT, f"{PLACE} metadata")
        for number, page in enumerate(document, start=1):
            yield from _page(page, f"{PLACE} page {number}", scanner)


def _page(page: Any, place: str, scanner: Scanner) -> Iterator[Finding]:
    for line in page.get_textpage().get_text_range().splitlines():
        yield from scanner.scan(line, Context.TEXT, place)
    if page.get_width() * page.get_height() * _SCALE**2 > _MOST_PIXELS:
        yield could_not_check(scanner.file, place, "too-large")
        return
    picture = np.array(page.render(scale=_SCALE).to_pil().convert("L"))
    for reading in read(picture):
        for text in misread(reading.text, scanner.known):
            yield from scanner.scan(text, Context.TEXT, place)

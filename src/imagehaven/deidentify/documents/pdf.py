"""Clean an encapsulated PDF: its pages become pictures in which only harmless words are left.

A PDF can hide a name in its metadata, its text layer, its forms, annotations, attachments, scripts,
fonts, earlier revisions and images. None of that is edited: each page is drawn as a reader would
see it, what is not known to be harmless is blanked in the picture, and a new PDF is made of the
pictures. A word of the text layer stays when the text cleaner keeps it; everything else that looks
like text, scanned or drawn, is blanked.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pypdfium2
from PIL import Image

from imagehaven.deidentify.pixels.text import Box, find_text
from imagehaven.deidentify.text import KnownPeople, clean_text
from imagehaven.errors import Withheld

_DOTS_PER_INCH: Final = 150
_POINTS_PER_INCH: Final = 72
_MOST_PAGES: Final = 200
_MOST_PIXELS: Final = 40_000_000
_MARGIN: Final = 2
_JPEG_QUALITY: Final = 90


@dataclass(frozen=True)
class _Word:
    """One word of the text layer: its place in the page's text, and in the picture."""

    start: int
    end: int
    box: tuple[int, int, int, int]


def clean_pdf(data: bytes, known: KnownPeople) -> bytes:
    """Return a PDF of pictures of ``data``'s pages without identifiers; the same input, same bytes.

    ``known`` is whom the instance names. Raises :class:`Withheld` ``document-unreadable``,
    ``document-too-large`` or ``text-remains``.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        raise Withheld("document-unreadable", "PDFium cannot open the document") from None
    with document:
        if not 0 < len(document) <= _MOST_PAGES:
            raise Withheld("document-too-large", f"more than {_MOST_PAGES} pages, or none")
        pages = [_clean_page(page, known) for page in document]
    return _bound(pages)


def _clean_page(page: Any, known: KnownPeople) -> np.ndarray:
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    if page.get_width() * page.get_height() * scale * scale > _MOST_PIXELS:
        raise Withheld("document-too-large", "a page has more pixels than can be searched")
    picture = np.array(page.render(scale=scale).to_pil().convert("RGB"))
    kept = _kept_words(page, known, scale)
    background = _background(picture)
    for box in find_text(picture):
        _blank(picture, box, kept, background)
    if any(not _explained(box, kept) for box in find_text(picture)):
        raise Withheld("text-remains", "a page still shows text after it was blanked")
    return picture


def _kept_words(page: Any, known: KnownPeople, scale: float) -> list[_Word]:
    """Return the words of the text layer that the cleaner leaves as they are."""
    layer = page.get_textpage()
    text = layer.get_text_range()
    if layer.count_chars() != len(text):
        return []  # characters beyond the basic plane: places and text no longer agree
    removed = [(one.start, one.end) for one in clean_text(text, known).removed]
    height = page.get_height()
    scans = list(_images(page, height, scale))
    return [
        word
        for word in _words(text, layer, height, scale)
        if not any(start < word.end and word.start < end for start, end in removed)
        and not any(_overlap(word.box, scan) for scan in scans)
    ]


def _images(page: Any, height: float, scale: float) -> Iterator[tuple[int, int, int, int]]:
    # Over a scan, the text layer is what somebody's reader made of it: it proves nothing.
    for found in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]):
        yield _in_pixels([found.get_bounds()], height, scale)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _words(text: str, layer: Any, height: float, scale: float) -> Iterator[_Word]:
    start = None
    for place, character in enumerate(text + " "):
        if not character.isspace():
            start = place if start is None else start
        elif start is not None:
            places = [layer.get_charbox(index) for index in range(start, place)]
            yield _Word(start, place, _in_pixels(places, height, scale))
            start = None


def _in_pixels(
    places: Sequence[tuple[float, float, float, float]], height: float, scale: float
) -> tuple[int, int, int, int]:
    # PDF counts from the lower left corner, in points.
    left = min(place[0] for place in places) * scale
    right = max(place[2] for place in places) * scale
    top = (height - max(place[3] for place in places)) * scale
    bottom = (height - min(place[1] for place in places)) * scale
    return int(left) - 1, int(top) - 1, int(right) + 2, int(bottom) + 2


def _blank(picture: np.ndarray, box: Box, kept: Sequence[_Word], background: np.ndarray) -> None:
    """Blank a detected box, but for the kept words of the text layer that lie in it."""
    top, left = max(box.y - _MARGIN, 0), max(box.x - _MARGIN, 0)
    bottom, right = box.y + box.height + _MARGIN, box.x + box.width + _MARGIN
    area = picture[top:bottom, left:right]
    stays = np.zeros(area.shape[:2], dtype=bool)
    for word in kept:
        x0, y0, x1, y1 = word.box
        stays[max(y0 - top, 0) : max(y1 - top, 0), max(x0 - left, 0) : max(x1 - left, 0)] = True
    area[~stays] = background


def _explained(box: Box, kept: Sequence[_Word]) -> bool:
    """Tell whether what is detected after blanking is made of kept words alone."""
    seen = np.zeros((box.height, box.width), dtype=bool)
    for word in kept:
        x0, y0, x1, y1 = word.box
        seen[max(y0 - box.y, 0) : max(y1 - box.y, 0), max(x0 - box.x, 0) : max(x1 - box.x, 0)] = 1
    return bool(seen.any())


def _background(picture: np.ndarray) -> np.ndarray:
    """Return the commonest colour of a page."""
    colours, counts = np.unique(picture.reshape(-1, 3)[::7], axis=0, return_counts=True)
    return np.asarray(colours[int(np.argmax(counts))], dtype=np.uint8)


def _bound(pages: Sequence[np.ndarray]) -> bytes:
    pictures = [Image.fromarray(page) for page in pages]
    made = io.BytesIO()
    pictures[0].save(
        made, "PDF", save_all=True, append_images=pictures[1:], resolution=_DOTS_PER_INCH,
        quality=_JPEG_QUALITY, creationDate=None, modDate=None, producer=None,
    )  # fmt: skip
    return made.getvalue()

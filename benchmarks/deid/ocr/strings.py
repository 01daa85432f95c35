"""Draw one string of known glyphs, apart from the renderer that the detector was trained with.

Faces are those that training never drew: Pillow's own scalable face, a few of Debian's that
training leaves out by name, and a dot matrix as old consoles had it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image, ImageDraw, ImageFont

Array = npt.NDArray[Any]

SIZES = (7, 9, 12, 16, 22, 30, 40)
"""Font sizes in pixels: the height of the line that a face is designed for (the em)."""
DOTS, BUILT_IN = "dot matrix", "Pillow's own"
_FACES = (
    *("NimbusSansNarrow-Regular.otf", "NimbusSansNarrow-Bold.otf", "P052-Roman.otf"),
    *("NotoMono-Regular.ttf", "DejaVuSerifCondensed.ttf", "LiberationSans-Regular.ttf"),
)
_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_EM_OF_DOTS = 10
"""Rows of the line that seven rows of dots stand in."""


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Return what may be drawn, by ``long`` and ``short``; ``sides`` are some of the short."""
    told = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8"))
    return {kind: tuple(map(str, texts)) for kind, texts in told.items()}


@cache
def faces() -> dict[str, Path | None]:
    """Return the faces there are on this machine: a name, and its file where it has one."""
    found: dict[str, Path | None] = {DOTS: None, BUILT_IN: None}
    for name in _FACES:
        places = (path for folder in _FOLDERS for path in folder.rglob(name))
        place = next(places, None)
        if place is not None:
            found[place.stem] = place
    return found


@lru_cache(maxsize=4096)
def glyphs(text: str, face: str, size: int) -> Array:
    """Return how much of each pixel (0 to 1) is ink; cut to the ink."""
    ink = _dotted(text, size) if face == DOTS else _outline(text, faces()[face], size)
    rows, columns = np.flatnonzero(ink.max(1)), np.flatnonzero(ink.max(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _outline(text: str, place: Path | None, size: int) -> Array:
    font = ImageFont.truetype(str(place), size) if place else ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    page = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 0)
    ImageDraw.Draw(page).text((2 - left, 2 - top), text, fill=255, font=font)
    return np.asarray(page, np.float32) / 255


@cache
def _matrix() -> dict[str, Array]:
    told = Path(__file__).with_name("dot_matrix.txt").read_text("utf-8").splitlines()
    table = {}
    for line in told:
        if line.startswith("# ") and not line[2:3].isdigit():
            continue  # a comment; the character # is followed by numbers
        character, *rows = line.split()
        table[character] = np.array([[row >> bit & 1 for bit in range(4, -1, -1)]
                                     for row in map(int, rows)], np.float32)  # fmt: skip
    return table


def _dotted(text: str, size: int) -> Array:
    """Draw dots as whole pixels where the size is a multiple, else scaled as a grabber does."""
    blank = np.zeros((7, 5), np.float32)
    cells = [np.pad(_matrix().get(c, blank), ((0, 0), (0, 1))) for c in text.upper()]
    line = np.hstack(cells)
    times = size / _EM_OF_DOTS
    if times >= 1:
        whole = max(1, round(times))
        return np.kron(line, np.ones((whole, whole), np.float32))
    rows, columns = max(5, round(7 * times)), max(3, round(line.shape[1] * times))
    scaled: Array = cv2.resize(line, (columns, rows), interpolation=cv2.INTER_AREA)
    return scaled / max(float(scaled.max()), 1e-6)

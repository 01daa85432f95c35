"""Draw one string of text: what it says, its face, its size and its turn.

Goes out: a coverage map of the glyphs (0 to 1) and the mask of the line box around them, both of
one shape, before they are put onto a background.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Array = npt.NDArray[Any]
Chance = np.random.Generator

FONT_FOLDERS = (Path("/usr/share/fonts/truetype"), Path("/usr/share/fonts/opentype"))
SYMBOL_FACES = ("Math", "D050000L", "StandardSymbols", "fontawesome", "fa-", "Z003", "Emoji")
HELD_OUT_FACES = ("NimbusSansNarrow", "DejaVuSerifCondensed", "P052", "NotoMono")
HERSHEY = (0, 1, 2, 3, 4, 5, 6, 7)

_LATIN = string.ascii_letters + string.digits
_OTHER = "ÄÖÜßéèñçøåŁšžΑΒΓΔΩЖИЛНПЯабвгд"
_WORDS = Path(__file__).with_name("words.txt").read_text().split()


@cache
def faces() -> tuple[Path, ...]:
    """Return the outline fonts that training may use, in a stable order."""
    found = [
        path
        for folder in FONT_FOLDERS
        for path in folder.rglob("*")
        if path.suffix in {".ttf", ".otf", ".t1"}
        and not any(word in path.name for word in (*SYMBOL_FACES, *HELD_OUT_FACES))
    ]
    return tuple(sorted(found, key=lambda path: path.name))


def words(chance: Chance) -> str:
    """Return something that stands burnt into images: a name, a date, a number, a label."""
    kind = chance.integers(0, len(_KINDS))
    digits = "".join(map(str, chance.integers(0, 10, chance.integers(1, 11))))
    return _KINDS[kind](chance, digits)


def _single(chance: Chance, digits: str) -> str:
    return _letters(chance, _LATIN[26:52], 1, 1) if chance.random() < 0.5 else digits[:1]


def _short(chance: Chance, _: str) -> str:
    return _letters(chance, _LATIN + "/-.:", 2, 3)


def _date(chance: Chance, _: str) -> str:
    separator = str(chance.choice(list("-/.: ")))
    parts = [f"{n:02d}" for n in chance.integers(1, 60, chance.integers(2, 4))]
    return separator.join(parts + (["1975"] if chance.random() < 0.4 else []))


def _name(chance: Chance, _: str) -> str:
    name = f"{_letters(chance, _LATIN[:26], 2, 10)} {_letters(chance, _LATIN[:26], 1, 9)}"
    style = chance.integers(0, 4)
    if style == 0:
        return name.title().replace(" ", str(chance.choice(["^", ", ", " "])))
    return name.upper() if style < 3 else name


def _labels(chance: Chance, _: str) -> str:
    return " ".join(map(str, chance.choice(_WORDS, chance.integers(1, 5))))


def _labelled(chance: Chance, digits: str) -> str:
    return f"{chance.choice(_WORDS)}{chance.choice([': ', '=', ' ', ':'])}{digits[:6]}"


def _amount(chance: Chance, _: str) -> str:
    number = f"{chance.integers(0, 999)}.{chance.integers(0, 99)}"
    return f"{number}{chance.choice([' mm', 'cm', '%', ' dB', '', 'Hz', ' kV'])}"


def _mixed(chance: Chance, _: str) -> str:
    return _letters(chance, _LATIN + "-_#*()[]+&@.,'", 1, 16)


def _identifier(chance: Chance, _: str) -> str:
    return _letters(chance, _LATIN[26:62], 3, 12)


def _foreign(chance: Chance, _: str) -> str:
    return _letters(chance, _OTHER + _LATIN, 2, 9)


def _letters(chance: Chance, alphabet: str, least: int, most: int) -> str:
    count = int(chance.integers(least, most + 1))
    return "".join(alphabet[i] for i in chance.integers(0, len(alphabet), count))


_KINDS: tuple[Callable[[Chance, str], str], ...] = (
    _single,
    lambda _, digits: digits,
    _date,
    _name,
    _name,
    _labels,
    _labels,
    _labelled,
    _amount,
    _mixed,
    _identifier,
    _foreign,
    _single,
    _single,
    _single,
    _short,
)


def draw(chance: Chance, height: float) -> tuple[Array, Array]:
    """Return glyph coverage (0 to 1) and line box of one string, capitals ``height`` tall."""
    kind, text = chance.random(), words(chance)
    if kind < 0.22:
        ink = _hershey(chance, text, height)
    elif kind < 0.34:
        ink = _bitmap(text, height)
    else:
        ink = _outline(chance, text, height)
    ink = _cropped(ink)
    box = np.pad(np.pad(_line_box(ink), 1, mode="edge"), 1)  # or a 1 would fill no cell
    return _turned(chance, np.pad(ink, 2), box)


def _outline(chance: Chance, text: str, height: float) -> Array:
    path = faces()[chance.integers(0, len(faces()))]
    size = max(6, round(height / 0.72))
    font = ImageFont.truetype(str(path), size)
    width = int(font.getlength(text)) + 2 * size
    canvas = Image.new("L", (min(width, 4000), 3 * size), 0)
    pen = ImageDraw.Draw(canvas)
    if chance.random() < 0.25:
        pen.fontmode = "1"  # no grey edges, as scanner consoles draw
    pen.text((size // 2, size), text, fill=255, font=font)
    return np.asarray(canvas, np.float32) / 255


def _hershey(chance: Chance, text: str, height: float) -> Array:
    face = int(chance.choice(HERSHEY))
    thick = max(1, round(height / chance.uniform(7, 16)))
    scale = height / 22
    smooth = cv2.LINE_AA if chance.random() < 0.5 else cv2.LINE_8
    text = text.encode("ascii", "replace").decode()
    (width, tall), base = cv2.getTextSize(text, face, scale, thick)
    canvas = np.zeros((tall + base + 4 * thick + 8, width + 4 * thick + 8), np.uint8)
    at = (2 * thick + 4, tall + 2 * thick + 2)
    cv2.putText(canvas, text, at, face, scale, 255, thick, smooth)
    return canvas.astype(np.float32) / 255


def _bitmap(text: str, height: float) -> Array:
    font = ImageFont.load_default_imagefont()
    text = text.encode("ascii", "replace").decode()
    canvas = Image.new("L", (8 * len(text) + 8, 20), 0)
    ImageDraw.Draw(canvas).text((2, 3), text, fill=255, font=font)
    times = max(1, round(height / 8))
    return np.kron(np.asarray(canvas, np.float32) / 255, np.ones((times, times), np.float32))


def _cropped(ink: Array) -> Array:
    rows, columns = np.flatnonzero(ink.max(1) > 0.1), np.flatnonzero(ink.max(0) > 0.1)
    if not rows.size:
        return np.zeros((4, 4), np.float32)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _line_box(ink: Array) -> Array:
    """Return the mask of the line: whole height, from word to word unless they stand far apart."""
    columns = ink.max(0) > 0.1
    reach = max(3, int(0.8 * ink.shape[0]))
    kernel = np.ones((1, reach), np.uint8)
    row = cv2.morphologyEx(np.pad(columns[None].astype(np.uint8), reach), cv2.MORPH_CLOSE, kernel)
    row = row[reach, reach:-reach]
    return np.repeat(row[None].astype(np.float32), ink.shape[0], axis=0)


def _turned(chance: Chance, ink: Array, box: Array) -> tuple[Array, Array]:
    kind = chance.random()
    if kind < 0.66:
        return ink, box
    if kind < 0.89:
        turns = int(chance.choice([1, 3]))
        return np.rot90(ink, turns), np.rot90(box, turns)
    if kind < 0.93:
        return np.rot90(ink, 2), np.rot90(box, 2)
    degrees = float(chance.normal(0, 8))
    return _tilted(ink, degrees), _tilted(box, degrees)


def _tilted(image: Array, degrees: float) -> Array:
    rows, columns = image.shape
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    width, height = int(rows * sin + columns * cos) + 2, int(rows * cos + columns * sin) + 2
    turn[0, 2] += width / 2 - columns / 2
    turn[1, 2] += height / 2 - rows / 2
    return cv2.warpAffine(image, turn, (width, height))

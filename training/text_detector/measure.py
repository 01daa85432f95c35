"""Measure the detector beside RapidOCR's on frames and fonts that training never saw.

    python -m training.text_detector.measure DICOM_FOLDER... [--frames 60] [--seed 11]

Strings of known size, contrast, polarity and turn are drawn with a plain renderer of its own; a
string counts as covered when nine tenths of its glyph pixels lie in the boxes. Needless area is
counted on the same frames before anything is drawn.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from imagehaven.deidentify.pixels.text.boxes import covered
from imagehaven.deidentify.pixels.text.detector import find_text
from training.text_detector.backgrounds import real_frames

Array = npt.NDArray[Any]
Finder = Callable[[Array], Array]

HEIGHTS, CONTRASTS = (7, 9, 12, 16, 24, 40), (25, 40, 80, 140, 255)
FACES = ("NimbusSansNarrow-Regular.otf", "P052-Roman.otf", "NotoMono-Regular.ttf", "hershey", "pil")
STRINGS = (
    *("MACDONALD^ISLA", "SMITH,JOHN", "Dr.Campbell", "Kirsty", "Glasgow", "RoyalInfirmary"),
    *("0102754410", "14/03/1958", "10:42:17", "ACC-00918273", "2026-11-23", "Ward-12", "F/064Y"),
    *("M/71", "kV120", "Ninewells", "7", "3", "R", "L", "H", "X"),
)


@dataclass(frozen=True)
class Planted:
    """One string on a frame: where its glyphs are, and how it was drawn."""

    glyphs: Array
    at: tuple[slice, slice]
    height: int
    contrast: int
    turned: bool
    single: bool


def plant(frame: Array, chance: np.random.Generator, count: int) -> tuple[Array, list[Planted]]:
    """Draw up to ``count`` strings that do not touch into a copy of ``frame``."""
    image, taken = frame.astype(np.float32), np.zeros(frame.shape[:2], bool)
    planted: list[Planted] = []
    for _ in range(count * 4):
        if len(planted) == count:
            break
        height, contrast = int(chance.choice(HEIGHTS)), int(chance.choice(CONTRASTS))
        text, turned = str(chance.choice(STRINGS)), bool(chance.random() < 0.2)
        ink = _ink(text, str(chance.choice(FACES)), height)
        ink = np.rot90(ink, int(chance.choice([1, 3]))) if turned else ink
        rows, columns = ink.shape
        if rows + 8 >= frame.shape[0] or columns + 8 >= frame.shape[1]:
            continue
        top = int(chance.integers(2, frame.shape[0] - rows - 2))
        left = int(chance.integers(2, frame.shape[1] - columns - 2))
        at = (slice(top, top + rows), slice(left, left + columns))
        around = (
            slice(max(0, top - 12), top + rows + 12),
            slice(max(0, left - 12), left + columns + 12),
        )
        under = image[at]
        mean, spread = (
            under.reshape(rows * columns, -1).mean(0),
            float(under.std(axis=(0, 1)).max()),
        )
        signs = [s for s in (1, -1) if 0 <= mean.mean() + s * contrast <= 255]
        if contrast == 255:
            signs = [1 if mean.mean() < 128 else -1]
        if taken[around].any() or not signs or spread > contrast / 3:
            continue
        shade = np.clip(mean + int(chance.choice(signs)) * contrast, 0, 255)
        cover = ink[..., None] if image.ndim == 3 else ink
        image[at] = under * (1 - cover) + shade * cover
        taken[around] = True
        planted.append(Planted(ink > 0.5, at, height, contrast, turned, len(text) == 1))
    return np.clip(image, 0, 255).astype(np.uint8), planted


def _ink(text: str, face: str, height: int) -> Array:
    """Return glyph coverage, its capitals about ``height`` tall."""
    if face == "hershey":
        scale, thick = height / 21, max(1, height // 12)
        (width, tall), base = cv2.getTextSize(text, 0, scale, thick)
        canvas = np.zeros((tall + base + 6, width + 6), np.uint8)
        cv2.putText(canvas, text, (3, tall + 3), 0, scale, 255, thick, cv2.LINE_AA)
    else:
        size = round(height / 0.7)
        font: Any = ImageFont.load_default(size)
        if face != "pil":
            folder = next(Path("/usr/share/fonts").rglob(face))
            font = ImageFont.truetype(str(folder), size)
        page = Image.new("L", (int(font.getlength(text)) + size, 3 * size), 0)
        ImageDraw.Draw(page).text((size // 2, size), text, fill=255, font=font)
        canvas = np.asarray(page)
    rows, columns = np.flatnonzero(canvas.max(1)), np.flatnonzero(canvas.max(0))
    tight = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return tight.astype(np.float32) / 255


def by_ours(frame: Array) -> Array:
    """Return the mask of what the house's detector blanks."""
    return covered(find_text(frame), frame.shape)


def rapidocr_finder() -> Finder:
    """Return RapidOCR's detection at its defaults, on one thread."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    def find(frame: Array) -> Array:
        colour = frame if frame.ndim == 3 else np.stack([frame] * 3, axis=-1)
        result = engine(colour, use_cls=False, use_rec=False)
        mask = np.zeros(frame.shape[:2], np.uint8)
        for corners in result.boxes if result.boxes is not None else []:
            cv2.fillPoly(mask, [np.asarray(corners).astype(np.int32)], 1)
        return mask > 0

    return find


def measure(frames: list[tuple[Array, bool]], finders: dict[str, Finder], seed: int) -> None:
    """Print coverage by height and contrast, needless area and time for each finder."""
    hits: dict[str, dict[Any, list[bool]]] = {name: defaultdict(list) for name in finders}
    needless: dict[str, list[float]] = defaultdict(list)
    spent: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in finders}
    for number, (frame, texted) in enumerate(frames):
        chance = np.random.default_rng((seed, number))
        image, planted = plant(frame, chance, 8)
        size = f"{frame.shape[0]}x{frame.shape[1]}{' colour' if frame.ndim == 3 else ''}"
        for name, find in finders.items():
            if not texted:
                needless[name].append(float(find(frame).mean()))
            started = time.process_time()
            mask = find(image)
            spent[name][size].append(1000 * (time.process_time() - started))
            for one in planted:
                hit = bool(mask[one.at][one.glyphs].mean() >= 0.9)
                for key in _keys(one):
                    hits[name][key].append(hit)
    _print(hits, needless, spent)


def _keys(one: Planted) -> list[str]:
    legible = one.height >= 12 and one.contrast >= 80
    keys = ["all", f"height {one.height:2d}", f"contrast {one.contrast:3d}"]
    keys += ["legible, two characters or more"] * (legible and not one.single)
    keys += ["legible"] * legible + ["single character"] * one.single + ["vertical"] * one.turned
    return keys


def _print(hits: Any, needless: Any, spent: Any) -> None:
    names = list(hits)
    print("| strings | n | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(names))
    for key in sorted(hits[names[0]]):
        shares = [f"{np.mean(hits[name][key]):.3f}" for name in names]
        print(f"| {key} | {len(hits[names[0]][key])} | " + " | ".join(shares) + " |")
    for name in names:
        print(
            f"{name}: needless area {np.mean(needless[name]):.4f} of {len(needless[name])} frames,"
            f" frames touched {np.mean(np.array(needless[name]) > 0):.2f}"
        )
    for size in sorted(spent[names[0]]):
        times = [f"{name} {np.median(spent[name][size]):.0f} ms" for name in names]
        print(f"{size} ({len(spent[names[0]][size])}): " + ", ".join(times))


def mix(frame: Array, finders: dict[str, Finder]) -> None:
    """Print the processor time for frames of the sizes that a realistic mix is made of."""
    grey = frame if frame.ndim == 2 else frame[..., 0]
    for rows, columns, colour in ((512, 512, False), (768, 1024, True), (2500, 2048, False)):
        picture = cv2.resize(grey, (columns, rows))
        picture = np.stack([picture] * 3, axis=-1) if colour else picture
        for name, find in finders.items():
            spent = []
            for _ in range(3):
                started = time.process_time()
                find(picture)
                spent.append(1000 * (time.process_time() - started))
            print(f"{columns} x {rows}{' colour' * colour}: {name} {np.median(spent):.0f} ms")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--alone", action="store_true", help="leave RapidOCR out")
    options = parser.parse_args()
    found = [
        (frame, texted)
        for _, frame, texted in real_frames(options.folders, held_out=True)
        if min(frame.shape[:2]) >= 128
    ]
    chosen = np.random.default_rng(options.seed).permutation(len(found))[: options.frames]
    finders: dict[str, Finder] = {"ours": by_ours}
    if not options.alone:
        finders["RapidOCR"] = rapidocr_finder()
    measure([found[i] for i in chosen], finders, options.seed)
    mix(found[chosen[0]][0], finders)


if __name__ == "__main__":
    main()

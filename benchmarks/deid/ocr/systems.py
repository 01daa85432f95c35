"""The systems that say where text is: ours, RapidOCR, Tesseract, Presidio, and two controls.

Each takes a picture and gives a mask of what it would blank and the processor milliseconds that it
took, on one thread. Peers see the picture as a viewer shows it.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.deid.ocr.pictures import Picture
from imagehaven.deidentify.pixels.text import displays, find_text, together

Array = npt.NDArray[Any]
Answer = tuple[Array, float]
"""What would be blanked (rows x columns, bool), and processor milliseconds."""


@dataclass(frozen=True)
class System:
    """A name for the tables, and how to ask."""

    name: str
    find: Callable[[Picture], Answer]


class Unavailable(Exception):
    """A peer that cannot run here, and why."""


def ours() -> System:
    """Every display of the stored values, searched by the house's detector."""

    def find(picture: Picture) -> Answer:
        begun = time.process_time()
        shown = displays(picture.stored, picture.rendering)
        boxes = [box for one in together(shown) for box in find_text(one)]
        spent = 1000 * (time.process_time() - begun)
        return _boxed(picture, [(b.x, b.y, b.right, b.bottom) for b in boxes]), spent

    return System("imagehaven", find)


def controls() -> list[System]:
    """One that finds nothing and one that blanks everything: what the scorer says of both."""
    return [
        System("nothing (control)", lambda p: (np.zeros(p.shown.shape[:2], bool), 0.0)),
        System("everything (control)", lambda p: (np.ones(p.shown.shape[:2], bool), 0.0)),
    ]


def rapidocr(*, reads: bool) -> System:
    """RapidOCR on one thread: at its defaults, or its detection alone."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    def find(picture: Picture) -> Answer:
        shown = np.ascontiguousarray(_colour(picture)[..., ::-1])  # it takes BGR, as OpenCV does
        begun = time.process_time()
        result = engine(shown) if reads else engine(shown, use_cls=False, use_rec=False)
        spent = 1000 * (time.process_time() - begun)
        mask = np.zeros(picture.shown.shape[:2], np.uint8)
        for corners in result.boxes if result.boxes is not None else []:
            cv2.fillPoly(mask, [np.asarray(corners).astype(np.int32)], 1)
        return mask > 0, spent

    return System("RapidOCR" if reads else "RapidOCR, detection alone", find)


def tesseract(mode: int) -> System:
    """Tesseract's words, whatever they say, in one page segmentation mode (3 is its default).

    Raises :class:`Unavailable` where it is not installed.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise Unavailable("tesseract is not installed (Debian: apt-get install tesseract-ocr)")
    command = [program, "-", "-", "--psm", str(mode), "tsv"]

    def find(picture: Picture) -> Answer:
        image = io.BytesIO()
        Image.fromarray(picture.shown).save(image, "PNG", compress_level=1)
        begun = _children()
        done = subprocess.run(
            command, input=image.getvalue(), capture_output=True, check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
        spent = 1000 * (_children() - begun)
        rows = (line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
        words = [row for row in rows if row[0] == "5" and row[-1].strip()]
        corners = [tuple(map(int, row[6:10])) for row in words]
        return _boxed(picture, [(x, y, x + w, y + h) for x, y, w, h in corners]), spent

    return System("Tesseract" if mode == 3 else f"Tesseract, mode {mode}", find)


def presidio(folder: Path) -> System:
    """The OCR stage of Presidio's image redactor, in an environment of its own under ``folder``.

    Its name model is left out (no spaCy model is on PyPI): every word that it reads counts as
    blanked, which is more than it would blank. Raises :class:`Unavailable` where it cannot run.
    """
    if shutil.which("tesseract") is None:
        raise Unavailable("it needs tesseract")
    server = subprocess.Popen(
        [str(_home(folder)), "-W", "ignore", str(Path(__file__).with_name("presidio_ocr.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )  # fmt: skip
    assert server.stdin and server.stdout
    asked, told = server.stdin, server.stdout
    place = Path(tempfile.mkdtemp()) / "picture.png"

    def find(picture: Picture) -> Answer:
        Image.fromarray(picture.shown).save(place, compress_level=1)
        asked.write(f"{place}\n")
        asked.flush()
        line = told.readline()
        if not line:
            raise Unavailable("its process ended")
        answer = json.loads(line)
        return _boxed(picture, [tuple(box) for box in answer["boxes"]]), answer["ms"]

    return System("Presidio, OCR stage", find)


def _home(folder: Path) -> Path:
    """Return the Python of Presidio's environment, which is made where it is missing."""
    home = folder / "presidio"
    python = home / "bin" / "python"
    if not (home / "installed").is_file():
        for command in (
            [sys.executable, "-m", "venv", str(home)],
            [str(python), "-m", "pip", "install", "--quiet", "presidio-image-redactor"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unavailable(f"it can't be installed: {done.stderr.strip()[-200:]}")
        (home / "installed").touch()
    return python


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _colour(picture: Picture) -> Array:
    return picture.shown if picture.shown.ndim == 3 else np.stack([picture.shown] * 3, axis=-1)


def _boxed(picture: Picture, corners: list[tuple[int, ...]]) -> Array:
    mask = np.zeros(picture.shown.shape[:2], bool)
    for left, top, right, bottom in corners:
        mask[max(0, top) : bottom, max(0, left) : right] = True
    return mask

"""Print how much text in pixels is found: `python -m benchmarks.deid.ocr [--peers FOLDER]`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.deid.ocr.frames import Background, backgrounds
from benchmarks.deid.ocr.pictures import Picture, encoded, pictures
from benchmarks.deid.ocr.report import misses, tables
from benchmarks.deid.ocr.scoring import measure
from benchmarks.deid.ocr.strings import faces
from benchmarks.deid.ocr.systems import (
    System,
    Unavailable,
    controls,
    ours,
    presidio,
    rapidocr,
    tesseract,
)

BARE_OF_A_MODALITY = 12
WANTED = ("CT", "MR", "CR/DX", "US", "SC", "MG")


def main() -> int:
    """Read the command line, measure, print Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deid.ocr", description=__doc__)
    parser.add_argument("--shared", type=Path, help="a folder of further DICOM files")
    parser.add_argument("--count", type=int, default=200, help="pictures, 8 strings each")
    parser.add_argument("--repeats", type=int, default=1, help="times each picture is timed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--peers", type=Path, help="run peers too, installed in this folder")
    parser.add_argument("--misses", type=Path, help="write our misses here, by kind")
    wish = parser.parse_args()
    beside = Path(__file__).resolve().parents[4] / "shared" / "dicom"
    shared = wish.shared or (beside if beside.is_dir() else None)
    frames = [one for one in backgrounds(shared) if one.values.std() > 0]
    shown = list(pictures(frames, wish.count, wish.seed))
    systems, absent = chosen(wish.peers)
    scores = measure(systems, shown, bare(frames), wish.repeats)
    seen = sum(frame.seen for frame in frames)
    kinds = Counter(frame.modality for frame in frames)
    print(
        f"{len(shown)} pictures of {len(frames)} real frames left out of training "
        f"({', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))}; "
        f"of {seen}, training had another encoding). Faces: {', '.join(faces())}.\n"
    )
    absent += [f"no frame of {kind} is there" for kind in WANTED if not kinds[kind]]
    print(tables(scores))
    for line in absent:
        print(f"\nNot measured: {line}")
    if wish.misses:
        wish.misses.write_text(misses(scores[systems[0].name]), encoding="utf-8")
    return 0


def chosen(peers: Path | None) -> tuple[list[System], list[str]]:
    """Return the systems that can run here, and a line for each that cannot."""
    systems, absent = [ours()], []
    tries: list[tuple[str, Callable[[], System]]] = []
    if peers is not None:
        folder = peers.resolve()
        tries = [
            ("RapidOCR", lambda: rapidocr(reads=True)),
            ("RapidOCR, detection alone", lambda: rapidocr(reads=False)),
            ("Tesseract", lambda: tesseract(3)),
            ("Tesseract, mode 11", lambda: tesseract(11)),
            ("Presidio", lambda: presidio(folder)),
        ]
    for name, make in tries:
        try:
            systems.append(make())
        except Unavailable as error:
            absent.append(f"{name}: {error}")
    return systems + controls(), absent


def bare(frames: list[Background]) -> list[Picture]:
    """Return pictures without any string, of frames that show no text of their own."""
    found: list[Picture] = []
    for modality in sorted({frame.modality for frame in frames}):
        free = [one for one in frames if one.modality == modality and one.text_free]
        for frame in free[:BARE_OF_A_MODALITY]:
            kind = "RGB" if frame.values.ndim == 3 else "MONOCHROME2"
            stored, rendering, eight = encoded(frame, frame.values.astype(np.float32), kind)
            found.append(Picture(frame, kind, stored, rendering, eight, (), -1))
    return found


if __name__ == "__main__":
    sys.exit(main())

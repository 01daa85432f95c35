"""Collect real frames to draw text on: from DICOM files, as a viewer would display them.

    python -m training.text_detector.backgrounds FOLDER DICOM_FOLDER...

A file whose name hashes (SHA-256) to a first digit c to f is left out: those are kept for
measuring. Text that is there already must not be taught as background, so what RapidOCR's
detector finds is stored as a mask that training ignores. Not so in CT, MR and NM of more than
eight bits and in the files that without_text.txt names: they were looked through and show none,
while RapidOCR's detector finds some in most of them, which is just what ours has to unlearn. Of
those every rendering that the search for text looks at is stored.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.reading import rendering_of
from imagehaven.deidentify.pixels.text.boxes import Cut, boxes_of, covered
from imagehaven.deidentify.pixels.text.displays import displays
from imagehaven.deidentify.pixels.text.networks import shipped_with_rapidocr
from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames, decoded_photometric, shape_of, values_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Outcome

Frame = npt.NDArray[Any]

HELD_OUT = "cdef"
WITHOUT_TEXT = ("CT", "MR", "NM")
MOST_OF_ONE_FOLDER = 12
MOST_OF_ONE_SERIES = 4
SHORTEST_SIDE = 10
LONGEST_SIDE = 2600
_LOOKED_THROUGH = Path(__file__).with_name("without_text.txt").read_text("utf-8").split()


def is_held_out(path: Path) -> bool:
    """Return whether a file is kept for measuring, by its name alone."""
    return hashlib.sha256(path.name.encode()).hexdigest()[0] in HELD_OUT


def real_frames(folders: list[Path], *, held_out: bool) -> Iterator[tuple[str, Frame, bool]]:
    """Yield of each file on one side of the split up to three frames (uint8), with its name.

    The last is whether such a frame may show text already.
    """
    for folder in folders:
        taken: dict[Path, int] = {}
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or is_held_out(path) != held_out:
                continue
            if taken.get(path.parent, 0) >= MOST_OF_ONE_FOLDER:
                continue
            frames = list(_displayed(path))
            taken[path.parent] = taken.get(path.parent, 0) + bool(frames)
            for frame, texted in frames:
                yield path.name, frame, texted


def _displayed(path: Path) -> Iterator[tuple[Frame, bool]]:
    try:
        with path.open("rb") as stream:
            header = read_header(stream, path.stat().st_size)
        if header.pixel_tag != 0x7FE00010:
            return
        frames = list(decode_frames(path, header))
    except (Outcome, OSError):
        return
    for number in sorted({0, len(frames) // 2, len(frames) - 1}):
        frame = frames[number]
        if min(frame.shape[:2]) < 64 or max(frame.shape[:2]) > LONGEST_SIDE:
            continue
        if frame.ndim == 3 and (frame.shape[2] != 3 or frame.dtype != np.uint8):
            continue
        texted = (
            frame.dtype.itemsize == 1 or str(header.dataset.get("Modality")) not in WITHOUT_TEXT
        )
        yield frame if frame.ndim == 3 else stretched(frame), texted


def stretched(frame: Frame) -> Frame:
    """Return a grey frame between its 0.5th and 99.5th percentile as uint8."""
    low, high = np.percentile(frame, (0.5, 99.5))
    if high <= low:
        low, high = float(frame.min()), float(frame.max()) + 1
    scaled = (frame.astype(np.float32) - low) * (255 / (high - low))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def files_without_text(folders: list[Path], *, held_out: bool) -> Iterator[Path]:
    """Yield the files on one side of the split that are known to show no text."""
    for folder in folders:
        taken: dict[Path, int] = {}
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or is_held_out(path) != held_out:
                continue
            series = path.parent.name.startswith("series_")
            if series and taken.get(path.parent, 0) >= MOST_OF_ONE_SERIES:
                continue
            if _shows_none(path):
                taken[path.parent] = taken.get(path.parent, 0) + 1
                yield path


def _shows_none(path: Path) -> bool:
    try:
        with quiet_pydicom(), path.open("rb") as stream:
            header = read_header(stream, path.stat().st_size)
        if header.pixel_tag != 0x7FE00010:
            return False
        shape = shape_of(header)
    except (Outcome, OSError):
        return False
    deep = str(header.dataset.get("Modality")) in WITHOUT_TEXT and shape.stored > 8
    return (deep and shape.samples == 1) or any(
        fnmatch(path.name, pattern) for pattern in _LOOKED_THROUGH
    )


def renderings_without_text(folders: list[Path]) -> Iterator[tuple[str, Frame]]:
    """Yield every rendering (uint8) of frames that show no text, of files for training.

    Of a file with many frames the first, the middle and the last are taken, with the file's name.
    """
    for path in files_without_text(folders, held_out=False):
        try:
            with quiet_pydicom(), path.open("rb") as stream:
                header = read_header(stream, path.stat().st_size)
            shape = shape_of(header)
            how = rendering_of(header, shape, decoded_photometric(shape, header.transfer_syntax))
            for number, frame in enumerate(decode_frames(path, header)):
                if number in {0, shape.frames // 2, shape.frames - 1}:
                    yield from ((path.name, one) for one in displays(values_of(frame, shape), how))
        except (Outcome, OSError):
            continue


def text_already_there(frame: Frame) -> Frame:
    """Return a mask of all that RapidOCR's detector takes for text."""
    colour = frame if frame.ndim == 3 else np.stack([frame] * 3, axis=-1)
    rows, columns = frame.shape[:2]
    scale = max(1.0, 736 / min(rows, columns))
    size = [max(32, round(side * scale / 32) * 32) for side in (columns, rows)]
    planes = cv2.resize(colour, size).astype(np.float32) / 127.5 - 1
    (likelihood,) = shipped_with_rapidocr("det").run(None, {"x": planes.transpose(2, 0, 1)[None]})
    cut = Cut(likely=0.5, possible=0.3, margin=4, margin_share=0.6)
    return covered(boxes_of(likelihood[0, 0], (rows, columns), cut), (rows, columns))


def main(arguments: list[str]) -> None:
    """Write one .npz per frame into the first folder, from the DICOM files in the others."""
    out, *folders = map(Path, arguments)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame, texted in real_frames(folders, held_out=False):
        there = text_already_there(frame) if texted else np.zeros(frame.shape[:2], bool)
        _store(out, name, frame, there)
    for name, frame in renderings_without_text(folders):
        if min(frame.shape[:2]) >= SHORTEST_SIDE:
            _store(out / "without_text", name, frame, np.zeros(frame.shape[:2], bool))


def _store(out: Path, name: str, frame: Frame, there: Frame) -> None:
    path = out / f"{hashlib.sha256(frame.tobytes()).hexdigest()[:16]}.npz"
    if path.exists() or frame.std() < 2:
        return
    out.mkdir(exist_ok=True)
    np.savez_compressed(path, frame=frame, text=there)
    print(f"{name[:40]} {frame.shape}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

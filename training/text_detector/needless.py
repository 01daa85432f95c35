"""Measure what the search blanks of real frames that show no text, through the whole road.

    python -m training.text_detector.needless DICOM_FOLDER... [--trained-on]

Every frame of every file left out of training (of those trained on, with ``--trained-on``) that is
known to show no text is searched as an instance is before its release: in all its renderings, with
what is proven harmless kept, and again when something was blanked.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imagehaven.deidentify.pixels.policy import Plan
from imagehaven.deidentify.pixels.reading import reader_of
from imagehaven.deidentify.pixels.search import search
from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames, decoded_photometric, shape_of
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.errors import Outcome, Withheld
from training.text_detector.backgrounds import files_without_text

MOST_FRAMES = 40
SMALL = 128


def shares(path: Path) -> tuple[str, list[float]]:
    """Return a file's kind and the share blanked of each frame; one of 1 where it is withheld."""
    with quiet_pydicom(), path.open("rb") as stream:
        header = read_header(stream, path.stat().st_size)
    shape = shape_of(header)
    size = f"under {SMALL} px" if min(shape.rows, shape.columns) < SMALL else "larger"
    kind = f"{header.dataset.get('Modality') or 'none'}, {size}"
    if shape.frames > MOST_FRAMES:
        return kind, []
    frames = list(decode_frames(path, header))
    reader = reader_of(header, shape, decoded_photometric(shape, header.transfer_syntax))
    plan = Plan(shape, (), search=True, declared=False)
    try:
        found = search(lambda: iter(frames), plan, reader)
    except Withheld:
        return kind, [1.0]
    blanked = []
    for areas in found.areas:
        mask = np.zeros((shape.rows, shape.columns), np.bool_)
        for area in areas:
            mask[area.top : area.bottom, area.left : area.right] = True
        blanked.append(float(mask.mean()))
    return kind, blanked


def _all(folders: list[Path], *, held_out: bool) -> Iterator[tuple[str, str, list[float]]]:
    for path in files_without_text(folders, held_out=held_out):
        try:
            kind, blanked = shares(path)
        except (Outcome, OSError):
            continue
        if blanked:
            yield path.name, kind, blanked


def main() -> None:
    """Read the command line, measure, and print tables: the means of files, and the worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--trained-on", action="store_true")
    options = parser.parse_args()
    kinds: dict[str, list[float]] = defaultdict(list)
    worst: list[tuple[float, str]] = []
    for name, kind, blanked in _all(options.folders, held_out=not options.trained_on):
        mean = float(np.mean(blanked))
        for key in (kind, "all", f"all, {kind.split(', ')[1]}"):
            kinds[key].append(mean)
        worst.append((mean, name))
    print("| files | n | mean % | median % | touched |\n|---|---|---|---|---|")
    for kind, found in sorted(kinds.items()):
        values = 100 * np.array(found)
        row = f"{values.mean():.2f} | {np.median(values):.2f} | {(values > 0).mean():.2f}"
        print(f"| {kind} | {len(found)} | {row} |")
    for mean, name in sorted(worst, reverse=True)[:15]:
        print(f"{100 * mean:.2f} % {name}")


if __name__ == "__main__":
    main()

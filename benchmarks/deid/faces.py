"""Faces: are they gone, is the brain whole, and how long does it take? Beside Quickshear itself.

``python -m benchmarks.deid.faces [--heads N] [--peer PYTHON] [--pictures DIR]`` prints a Markdown
table. ``PYTHON`` is the interpreter of a virtual environment with ``quickshear`` (and nibabel); it
is given the true brain mask, which it needs and nobody has, so its rows are its best case. pydeface
and mri_deface need FSL or FreeSurfer, which PyPI does not have. Heads: 20 label maps of real
anatomy with the grey values of T1, T2, FLAIR and CT, and real series: a T1 of a person, and two
without a brain, a melon (MR) and an empty skull (CT), which must be withheld.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import numpy as np
from pydicom import Dataset, dcmread

from benchmarks.deid import heads
from benchmarks.deid.render import frontal, save
from imagehaven.deidentify.faces import deface

NAN = float("nan")
REAL = {
    "real T1": "ai/brain_t1",
    "melon, MR": "dicom/MR/neurolabusc__dcm_qa_deident/series_06728e",
    "empty skull, CT": "dicom/CT/neurolabusc__dcm_qa_ct/series_94efab",
}
_PEER = """
import sys, numpy as np, nibabel as nb
from quickshear import quickshear
image, mask, out = sys.argv[1:]
eye = np.diag([-1.0, -1.0, 1.0, 1.0])
shape = lambda file: nb.Nifti1Image(np.load(file).astype("f4"), eye)
np.save(out, quickshear(shape(image), shape(mask), 10).get_fdata().astype("f4"))
"""


def main() -> None:
    """Deface every head in every contrast and print what became of faces and brains."""
    words = argparse.ArgumentParser()
    words.add_argument("--heads", type=int, default=20)
    words.add_argument("--contrasts", default=",".join(heads.CONTRASTS))
    words.add_argument("--thick", default="1")
    words.add_argument("--peer", type=Path)
    words.add_argument("--pictures", type=Path)
    words.add_argument("--real", action=argparse.BooleanOptionalAction, default=True)
    asked = words.parse_args()
    shared = Path(os.environ.get("IMAGEHAVEN_SHARED", Path(__file__).parents[3] / "shared"))
    rows: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for anatomy in heads.anatomies(shared / "ai" / "brain_label_maps")[: asked.heads]:
        for contrast in asked.contrasts.split(","):
            values = heads.image(anatomy, contrast)
            for thick in map(int, asked.thick.split(",")):
                name = f"{contrast}, {thick} mm"
                found = _ours(anatomy, values, contrast, thick, asked.pictures)
                rows[name, "imagehaven"].append(found)
                print(f"<!-- {anatomy.name} {name} {found} -->", flush=True)
            if asked.peer and contrast != "CT":
                rows[f"{contrast}, 1 mm", "quickshear, true mask"].append(
                    _peer(asked.peer, anatomy, values)
                )
    columns = (
        "heads", "tool", "faces removed", "withheld", "skin of the face left: median", "worst",
        "brain lost: median", "worst", "s per volume",
    )  # fmt: skip
    for name, place in REAL.items():
        if (shared / place).is_dir() and asked.real:
            rows[name, "imagehaven"].append(_real(shared / place, asked.pictures))
    print(f"| {' | '.join(columns)} |\n|---|---|{'---:|' * 7}")
    for (name, tool), found in rows.items():
        print(f"| {len(found)} × {name} | {tool} | {' | '.join(_cells(found))} |")


def _real(series: Path, pictures: Path | None) -> dict[str, float]:
    """Deface a real series: nobody has drawn its brain and face, so pictures are for the eye."""
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        told = deface(series, Path(place) / "out")
        seconds = time.perf_counter() - start
        if told.changed and pictures:
            stacks = [_stack(one, upright=True) for one in (series, Path(place) / "out")]
            views = [frontal(one > np.percentile(one, 98) * 0.1, 1.0) for one in stacks]
            save(pictures / f"{series.name}.png", views)
    return {"removed": float(bool(told.changed)), "seconds": seconds, "face": NAN, "lost": NAN}


def _cells(found: list[dict[str, float]]) -> list[str]:
    done = [one for one in found if one["removed"]]
    cells = [str(len(done)), str(len(found) - len(done))]
    for share in ("face", "lost"):
        values = [one[share] for one in done] or [NAN]
        known = not np.isnan(values).any()
        cells += [f"{median(values):.2%}", f"{max(values):.3%}"] if known else ["", ""]
    return [*cells, f"{median(one['seconds'] for one in found):.1f}"]


def _ours(
    anatomy: heads.Anatomy, values: np.ndarray, contrast: str, thick: int, pictures: Path | None
) -> dict[str, float]:
    place = Path(tempfile.mkdtemp())
    try:
        heads.write_series(place / "in", values, contrast, thick)
        start = time.perf_counter()
        told = deface(place / "in", place / "out")
        seconds = time.perf_counter() - start
        if not told.changed:
            return {"removed": 0, "seconds": seconds, "face": 1, "lost": 0}
        before, after = _stack(place / "in"), _stack(place / "out")
        if pictures and thick == 1:
            air = 724 if contrast == "CT" else 15
            views = [frontal(stack > air, 1.0) for stack in (before, after)]
            save(pictures / f"{anatomy.name}-{contrast}.png", views)
        gone = np.repeat(before != after, thick, axis=2)
        return {"removed": 1, "seconds": seconds, **_shares(anatomy, gone)}
    finally:
        shutil.rmtree(place)


def _peer(python: Path, anatomy: heads.Anatomy, values: np.ndarray) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("image.npy", "mask.npy", "out.npy")]
        np.save(files[0], values + 1)
        np.save(files[1], anatomy.mask(heads.BRAIN))
        start = time.perf_counter()
        subprocess.run([python, "-c", _PEER, *files], check=True, capture_output=True)
        seconds = time.perf_counter() - start
        gone = np.load(files[2]) == 0
    return {"removed": 1, "seconds": seconds, **_shares(anatomy, gone)}


def _shares(anatomy: heads.Anatomy, gone: np.ndarray) -> dict[str, float]:
    height = gone.shape[2]
    brain, face = (mask[:, :, :height] for mask in (anatomy.mask(heads.BRAIN), anatomy.face()))
    return {
        "lost": float((brain & gone).sum() / brain.sum()),
        "face": float((face & ~gone).sum() / face.sum()),
    }


def _stack(folder: Path, *, upright: bool = False) -> np.ndarray:
    """Return the stored values of an axial series [x, y, z]; with ``upright`` of any, turned so."""
    slices = [dcmread(file) for file in folder.glob("*.dcm")]
    if upright:
        return _upright(slices)
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    return np.stack([one.pixel_array.T for one in slices], axis=2)


def _upright(slices: list[Dataset]) -> np.ndarray:
    """Return a series as [x, y, z] to the left, back and top, whatever plane it was acquired in."""
    first = slices[0]
    row, column = (np.array(first.ImageOrientationPatient[at : at + 3], float) for at in (0, 3))
    ways = np.stack([np.cross(row, column), column, row])
    slices.sort(key=lambda one: float(ways[0] @ np.array(one.ImagePositionPatient, float)))
    stack = np.stack([one.pixel_array for one in slices])
    axes = [int(np.abs(ways[:, axis]).argmax()) for axis in range(3)]
    turned = stack.transpose(axes)
    for axis in range(3):
        if ways[axes[axis], axis] < 0:
            turned = np.flip(turned, axis)
    return turned


if __name__ == "__main__":
    main()

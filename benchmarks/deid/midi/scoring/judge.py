"""Holds one run against the answer key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.corpus.key import Case, Check
from benchmarks.deid.midi.corpus.pixels import as_frames, hidden, unchanged_outside
from benchmarks.deid.midi.places import flat
from benchmarks.deid.midi.scoring import strict
from benchmarks.deid.midi.scoring.actions import Consistency, passes
from benchmarks.deid.midi.scoring.outcome import Judged, Run, Score
from benchmarks.deid.midi.scoring.survivors import survivors
from imagehaven.dicom.quiet import quiet_pydicom

Frames = NDArray[Any]
_REMOVING = ("text_removed", "pixels_hidden")


def judge(corpus: Corpus, run: Run) -> Score:
    """Score a run: the challenge's actions, survivors, and the stricter checks."""
    score = Score(run)
    known = Consistency()
    found: list[tuple[Case, Mapping[str, str]]] = []
    changed: list[float] = []
    with quiet_pydicom():
        for case in corpus.cases:
            path = run.released.get(case.instance)
            dataset = _read(path) if path is not None else None
            if path is None or dataset is None:
                score.refused += [Judged(case, check, False) for check in case.checks]
                continue
            here = flat(dataset)
            known.learn(case, here)
            found.append((case, here))
            judged = [
                Judged(case, check, passes(check, here, known), here.get(check.place, ""))
                for check in case.checks
                if not check.action.startswith("pixels")
            ]
            source = pydicom.dcmread(corpus.folder / case.file)
            pixels, share = _pixels(case, source, dataset)
            judged += pixels
            score.judged += judged
            changed += share
            score.survivors += _survived(case, path, dataset, judged)
            score.strict += strict.replaced(case, here)
            score.strict.append(strict.file_meta(case, dataset, path))
            score.strict += strict.overlay(case, source, dataset)
            score.strict += strict.dciodvfy(case, corpus.folder / case.file, path)
            if share:
                whole = share[0] == 0.0
                check = Check("pixels_outside", kind="pixels")
                score.strict.append(Judged(case, check, whole, f"{share[0]:.4f} changed"))
    score.strict += strict.intervals(found)
    score.strict += strict.one_to_one(found)
    score.strict += strict.references(found)
    score.blanked = sum(changed) / len(changed) if changed else 0.0
    return score


def _survived(
    case: Case, path: Path, dataset: Dataset, judged: list[Judged]
) -> list[tuple[Case, str]]:
    """Identifiers of a case that came out: anywhere, at their own place in part, or in pixels."""
    failed = {one.check.text for one in judged if not one.passed and one.check.action in _REMOVING}
    return [(case, text) for text in sorted(failed | set(survivors(case, path, dataset)))]


def _read(path: Path) -> Dataset | None:
    """A released file; one that pydicom can't read has not been released in any useful sense."""
    try:
        dataset = pydicom.dcmread(path, force=True)
        for element in dataset.iterall():
            str(element.value)
    except Exception:  # noqa: BLE001 - a peer may have written anything
        return None
    return dataset


def _pixels(case: Case, source: Dataset, released: Dataset) -> tuple[list[Judged], list[float]]:
    """The checks on pixels, and the share that changed outside the boxes, of a picture with text.

    Pixels that are gone hide everything and retain nothing.
    """
    checks = [check for check in case.checks if check.action.startswith("pixels")]
    if not checks:
        return [], []
    before = _frames(source)
    if before is None:
        return [], []
    after = _frames(released)
    judged = list(_judged_pixels(case, checks, before, after))
    if not case.burned:
        return judged, []
    kept = unchanged_outside(case.burned, before, after) if after is not None else 0.0
    return judged, [1.0 - kept]


def _judged_pixels(
    case: Case, checks: list[Check], before: Frames, after: Frames | None
) -> Iterator[Judged]:
    boxes = {box.text: box for box in case.burned}
    for check in checks:
        if check.action == "pixels_retained":
            same = after is not None and unchanged_outside([], before, after) == 1.0
            yield Judged(case, check, same)
        else:
            gone = after is None or hidden(boxes[check.text], before, after)
            yield Judged(case, check, gone)


def _frames(dataset: Dataset) -> Frames | None:
    with suppress(Exception):  # no pixels, no decoder, or broken ones
        return as_frames(dataset)
    return None

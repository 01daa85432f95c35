"""Two controls that must score low: a copy, and one that deletes everything it may."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.scoring.outcome import Run
from imagehaven.dicom.quiet import quiet_pydicom

IDENTITY, DELETE = "a plain copy", "delete everything"
_SKELETON = ("SOPClassUID", "Modality")


def run_identity(corpus: Corpus, folder: Path) -> Run:
    """Copy every file."""
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    released = {}
    for case in corpus.cases:
        released[case.instance] = Path(
            shutil.copyfile(corpus.folder / case.file, folder / case.file)
        )
    return Run(IDENTITY, released, {}, time.perf_counter() - begun)


def run_delete(corpus: Corpus, folder: Path) -> Run:
    """Keep the SOP class and modality, and new UIDs; nothing else."""
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    released = {}
    with quiet_pydicom():
        for case in corpus.cases:
            source = pydicom.dcmread(corpus.folder / case.file, stop_before_pixels=True)
            bare = Dataset()
            for keyword in _SKELETON:
                setattr(bare, keyword, source.get(keyword))
            for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
                setattr(bare, keyword, generate_uid())
            path = folder / case.file
            bare.save_as(path, implicit_vr=False, little_endian=True)
            released[case.instance] = path
    return Run(DELETE, released, {}, time.perf_counter() - begun)

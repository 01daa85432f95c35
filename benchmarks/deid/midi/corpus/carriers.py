"""Real files that carry planted identifiers: pydicom's, those of pydicom-data, and a site's own."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.misc import is_dicom

from imagehaven.dicom.quiet import quiet_pydicom

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass
class Carrier:
    """A real file's data set; ``group`` is its study, whose files belong to one person."""

    name: str
    dataset: FileDataset
    group: str


def carriers(also: list[Path], per_class: int, largest: int) -> Iterator[Carrier]:
    """Yield readable files with all five identities, at most ``per_class`` of a class and folder.

    Files over ``largest`` bytes are left out. The choice depends on names alone: sorted by a hash,
    so that no one folder has it all. Two files with one SOP Instance UID (a file in several
    encodings) become two instances.
    """
    count: Counter[tuple[str, ...]] = Counter()
    seen: set[str] = set()
    for root, path in sorted(_files(also, largest), key=lambda found: _order(found[0], found[1])):
        with quiet_pydicom():
            dataset = _read(path)
        if dataset is None:
            continue
        kind = (str(dataset.SOPClassUID), root.name)
        if count[kind] >= per_class:
            continue
        count[kind] += 1
        if dataset.SOPInstanceUID in seen:
            fresh = int(hashlib.sha256(path.name.encode()).hexdigest()[:30], 16)
            dataset.SOPInstanceUID = f"2.25.{fresh}"
        if dataset.SOPInstanceUID in seen:
            continue
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        seen.add(dataset.SOPInstanceUID)
        yield Carrier(f"{root.name}/{path.relative_to(root)}", dataset, dataset.StudyInstanceUID)


def _files(also: list[Path], largest: int) -> Iterator[tuple[Path, Path]]:
    for root in [*_packaged(), *also]:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.stat().st_size <= largest and is_dicom(path):
                yield root, path


def _packaged() -> Iterator[Path]:
    """The folders of test files in the packages pydicom and pydicom-data."""
    for package in ("pydicom", "data_store"):
        spec = find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            yield Path(spec.submodule_search_locations[0]) / "data"


def _order(root: Path, path: Path) -> str:
    return hashlib.sha256(str(path.relative_to(root)).encode()).hexdigest()


def _read(path: Path) -> FileDataset | None:
    """The whole data set, every element parsed; None where pydicom can't or an identity lacks."""
    try:
        dataset = pydicom.dcmread(path)
        if any(not str(dataset.get(keyword, "")) for keyword in _NEEDED):
            return None
        if dataset.SOPClassUID == _DIRECTORY or "TransferSyntaxUID" not in dataset.file_meta:
            return None
        for element in dataset.iterall():
            str(element.value)
    except Exception:  # noqa: BLE001 - broken files can raise anything in pydicom; they carry nothing
        return None
    return dataset

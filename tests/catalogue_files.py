"""Small DICOM files for tests of the catalogue, and its tables as plain rows to compare."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from imagehaven.catalogue import ingest
from imagehaven.catalogue.loading.reader import read_chunk
from imagehaven.haven import Haven

TABLES = (
    "instance", "series", "study", "patient", "source", "conflict", "quarantine", "container",
    "load_chunk",
)  # fmt: skip


def write_instance(path: Path, uid: str = "1.2.3.1", **values: Any) -> Path:
    """Write a small CT instance; keywords set or (with None) leave out elements."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), Dataset(), file_meta=meta, preamble=b"\0" * 128)
    given = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid,
        "SeriesInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3.5",
        "PatientID": "P1",
        "Modality": "CT",
        **values,
    }
    for keyword, value in given.items():
        if value is not None:
            tag = int(tag_for_keyword(keyword) or 0)
            # Not checked, so that tests can write what scanners get wrong.
            dataset[tag] = DataElement(
                tag, dictionary_VR(tag), value, validation_mode=config.IGNORE
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_archive_of_patients(folder: Path, instances: int = 120) -> Path:
    """A folder with new, duplicate, conflicting and unreadable files, in a fixed arrangement."""
    for number in range(instances):
        content = number % (instances - 10)
        series, study = content // 6, content // 24
        write_instance(
            folder / f"study{number // 24}" / f"{number:04}.dcm",
            uid=f"1.2.3.1.{content}",
            SeriesInstanceUID=f"1.2.3.2.{series}",
            StudyInstanceUID=f"1.2.3.3.{study}",
            PatientID=f"P{study // 2}",
            PatientName=f"Name^{study // 2}",
            PatientSex="O" if number >= instances - 5 else "F",
            InstanceNumber=content,
        )
        if number % 30 == 7:
            (folder / f"study{number // 24}" / f"{number:04}.txt").write_text("no image")
    return folder


def rows_of(haven: Haven) -> dict[str, list[Any]]:
    """Every row of every table of the catalogue, in an order of its own content."""
    found: dict[str, list[Any]] = {}
    for table in TABLES:
        answer = haven.sql(f'SELECT t::VARCHAR AS row FROM "{table}" AS t ORDER BY 1')
        found[table] = answer.column("row").to_pylist()
    return found


def die_on_marked(context: object, items: list[dict[str, object]]) -> list[object]:
    """A reader whose decoder kills the process on one of the files."""
    if any("deadly" in str(item["source"]) for item in items):
        os._exit(9)
    return list(read_chunk(context, items))  # type: ignore[arg-type]


def main() -> None:
    """Ingest in a process of its own, resting after each commit: HAVEN PATH ENGINE SECONDS."""
    haven, path, engine, rest = sys.argv[1:]

    def pause(_stage: str, _done: int, _total: int | None) -> None:
        time.sleep(float(rest))

    ingest(Haven.open(haven), [Path(path)], engine=engine, workers=1, progress=pause)


if __name__ == "__main__":
    main()

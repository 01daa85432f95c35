"""What tests of the retriever share: small studies, a haven that declares a PACS, and its spool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pydicom
import yaml
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from imagehaven.acquire import retrieve_dicom
from imagehaven.acquire.retrieve.actions import Retrieved, Watching
from imagehaven.acquire.retrieve.request import Request, by_days
from imagehaven.haven import Haven

#: Pauses that a test can wait for.
QUICK: dict[str, Any] = {"timeout": 10, "pause": {"first": 0.05, "longest": 0.3}}
ROOT = "1.2.826.0.1.3680043.10.1473"


@dataclass(frozen=True)
class Made:
    """Files by the UID of their study."""

    studies: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def paths(self) -> list[Path]:
        return [path for paths in self.studies.values() for path in paths]


def make(
    folder: Path, days: Mapping[str, int], *, series: int = 2, instances: int = 3, side: int = 16
) -> Made:
    """So many studies on each day (YYYYMMDD), CT and MR in turn."""
    made = Made()
    folder.mkdir(parents=True, exist_ok=True)
    for day, count in days.items():
        for number in range(count):
            study = f"{ROOT}.{day}.{number + 1}"
            paths = []
            for one in range(series):
                for each in range(instances):
                    path = folder / f"{day}-{number}-{one}-{each}.dcm"
                    _write(path, study, one + 1, each + 1, day, number, side)
                    paths.append(path)
            made.studies[study] = paths
    return made


def another(folder: Path, study: str, day: str, instance: int) -> Path:
    """One more instance of the first series of a study that was made."""
    path = folder / f"more-{instance}.dcm"
    _write(path, study, 1, instance, day, 0, 16)
    return path


def uid(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def declare(haven: Haven, **sources: Mapping[str, Any]) -> None:
    """Write pacs.yaml."""
    place = haven.folder / "pacs.yaml"
    place.write_text(yaml.safe_dump({"time_zone": "Europe/London", "sources": dict(sources)}))


def dimse(port: int, title: str = "PACS1", **more: Any) -> dict[str, Any]:
    """The declaration of a PACS of this machine."""
    return {"kind": "dimse", "host": "127.0.0.1", "port": port, "title": title,
            "limits": QUICK, **more}  # fmt: skip


def moving(port: int, to: int, **more: Any) -> dict[str, Any]:
    destination = {"title": "IMAGEHAVEN", "port": to, "settle": 0.5}
    return dimse(port, retrieve="c-move", destination=destination, **more)


def web(url: str, **more: Any) -> dict[str, Any]:
    return {"kind": "dicomweb", "url": url, "limits": QUICK, **more}


def days(source: str, first: str, last: str, *modalities: str) -> Request:
    return by_days(source, date.fromisoformat(first), date.fromisoformat(last), modalities)


def retrieve(haven: Haven, request: Request, **more: Any) -> tuple[Retrieved, list[str]]:
    """Retrieve, and what was said meanwhile."""
    lines: list[str] = []
    told = retrieve_dicom(haven, request, progress=Watching(line=lines.append), **more)
    return told, lines


def arrived(haven: Haven, source: str) -> dict[str, Path]:
    """What lies in a source's spool, by SOP Instance UID."""
    place = haven.folder / "retrieved" / source / "incoming"
    return {path.name.rsplit("-", 1)[0]: path for path in place.rglob("*.dcm")}


@contextmanager
def command(haven: Haven, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; it is killed with the block, if not ended before."""
    started = subprocess.Popen(
        [sys.executable, "-m", "imagehaven", "-C", str(haven.folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


def _write(
    path: Path, study: str, series: int, instance: int, day: str, number: int, side: int
) -> None:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MRImageStorage if number % 2 else CTImageStorage
    dataset.SOPInstanceUID = f"{study}.{series}.{instance}"
    dataset.StudyDate = day
    dataset.StudyTime = f"{8 + number % 10:02}{number % 60:02}00"
    dataset.AccessionNumber = f"A{day}{number}"
    dataset.Modality = "MR" if number % 2 else "CT"
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = f"P{number}"
    dataset.StudyInstanceUID = study
    dataset.SeriesInstanceUID = f"{study}.{series}"
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", series, instance
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = side
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes([instance % 256, 0]) * (side * side)
    dataset.save_as(path, enforce_file_format=True)

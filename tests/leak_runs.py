"""Leak tests in one go: many planted files through the public `deidentify`, looked at one by one.

A trap is a file with something planted that may not come out, and a near miss: a file with
something that only looks alike and has to come out. All traps of a module are released together,
since starting a run costs more than a file.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from imagehaven.deidentify import DeidentifySummary, deidentify
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.verify import Finding, identifiable

PATIENT, CHI, BORN = "Drummond^Elspeth", "1204640122", "19640412"
STRANGER, STRANGER_CHI, NHS = "Macfarlane", "0703511238", "9434765919"
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "iso2022_jp")

Plant = Callable[[Dataset], object]
Kept = Callable[[Dataset], bool]


@dataclass(frozen=True)
class Trap:
    """``secrets`` may stand nowhere in what comes of ``leak``; ``near`` is released and ``kept``.

    Without ``near`` the trap stands beside the near miss of another of its module.
    """

    leak: bytes
    secrets: tuple[str | bytes, ...]
    near: bytes = b""
    kept: Kept = lambda new: True


@dataclass(frozen=True)
class Released:
    """What a run made of the traps. Names are those of the traps, near misses end in `` near``."""

    files: Mapping[str, Path]
    reasons: Mapping[str, str]
    summary: DeidentifySummary
    mapping: Path
    folder: Path
    findings: tuple[Finding, ...]

    def bytes_of(self, name: str) -> bytes:
        """The released file, or nothing where it was withheld."""
        return self.files[name].read_bytes() if name in self.files else b""

    def dataset(self, name: str) -> Dataset:
        """The released data set; fails with the reason where it was withheld."""
        assert name in self.files, f"{name}: {self.reasons.get(name, 'lost')}"
        with quiet_pydicom():
            return pydicom.dcmread(self.files[name])


def release_all(folder: Path, traps: Mapping[str, Trap]) -> Released:
    """De-identify every trap and near miss with the public call, and verify the outcome."""
    source, out = folder / "source", folder / "out"
    source.mkdir()
    names: dict[str, str] = {}
    for number, (name, trap) in enumerate(traps.items()):
        for kind, data in (("", trap.leak), (" near", trap.near)):
            if data:
                path = source / f"{number:03}{'n' if kind else ''}.dcm"
                path.write_bytes(data)
                names[path.name] = name + kind
    return release(source, out, names)


def release(source: Path, out: Path, names: Mapping[str, str]) -> Released:
    """De-identify a folder; ``names`` gives each file in it the name that tests call it by."""
    key, mapping = out.with_suffix(".key"), out.with_suffix(".csv")
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    summary = deidentify(source, out, key=key, mapping=mapping, workers=1)
    reasons = {
        names.get(Path(entry.source).name, entry.source): entry.reason
        for entry in [*summary.withheld, *summary.quarantined]
    }
    with mapping.open(newline="", encoding="utf-8") as file:
        new = {
            row["original"]: row["pseudonym"]
            for row in csv.DictReader(file)
            if row["kind"] == "SOPInstanceUID"
        }
    written = {path.stem: path for path in out.rglob("*.dcm")}
    files = {}
    for file_name, name in names.items():
        with quiet_pydicom():
            uid = str(pydicom.dcmread(source / file_name, force=True).get("SOPInstanceUID", ""))
        if name not in reasons and new.get(uid) in written:
            files[name] = written[new[uid]]
    return Released(files, reasons, summary, mapping, out, tuple(identifiable(out)))


def survivors(written: bytes, secrets: tuple[str | bytes, ...]) -> list[str | bytes]:
    """Which secrets stand in the bytes, in whatever case and encoding."""
    lowered = written.lower()
    found: list[str | bytes] = []
    for secret in secrets:
        if isinstance(secret, bytes):
            forms = [secret]
            text = written
        else:
            forms = [form for code in _ENCODINGS if (form := _encoded(secret.lower(), code))]
            text = lowered
        if any(form in text for form in forms):
            found.append(secret)
    return found


def _encoded(secret: str, code: str) -> bytes:
    """The secret in an encoding; nothing where a letter is missing there."""
    try:
        return secret.encode(code)
    except UnicodeEncodeError:
        return b""


def real(name: str = "CT_small.dcm", **values: Any) -> Dataset:
    """A real file's data set with a patient of ours, a UID of its own, and these elements."""
    with quiet_pydicom():
        dataset = pydicom.dcmread(str(get_testdata_file(name)))
        dataset.remove_private_tags()
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, CHI, BORN
        dataset.BurnedInAnnotation = "NO"
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
    return dataset


_numbers = iter(range(1, 10**6))


def as_bytes(dataset: Dataset, *, implicit: bool = False) -> bytes:
    """The data set as a file, with a SOP Instance UID that no other trap has."""
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.9.{next(_numbers)}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    syntax = dataset.file_meta.TransferSyntaxUID
    buffer = BytesIO()
    with quiet_pydicom():
        pydicom.dcmwrite(
            buffer,
            dataset,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=not syntax.endswith("1.2.2"),
        )
    return buffer.getvalue()


def planted(plant: Plant, name: str = "CT_small.dcm", *, implicit: bool = False) -> bytes:
    """A real file with this plant."""
    dataset = real(name)
    with quiet_pydicom():
        plant(dataset)
    return as_bytes(dataset, implicit=implicit)


def trap(
    plant: Plant, secrets: tuple[str | bytes, ...], near: Plant, kept: Kept, *, file: str = ""
) -> Trap:
    """A trap on a real file and its near miss on the same."""
    name = file or "CT_small.dcm"
    return Trap(planted(plant, name), secrets, planted(near, name), kept)


def item(**values: Any) -> Dataset:
    """An item with these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def put(**values: Any) -> Plant:
    """Set these elements."""
    return lambda dataset: dataset.update(item(**values))


def has(keyword: str, value: Any) -> Kept:
    """Say whether an element has this value."""
    return lambda dataset: dataset.get(keyword) == value


def spelled(pattern: str, text: str) -> bool:
    """Whether a text has the form of a pattern."""
    return re.fullmatch(pattern, text) is not None

"""Two projects' releases of one patient share no pseudonym; one project's are always alike."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from imagehaven.deidentify import Pseudonyms, deidentify_file, load
from imagehaven.dicom.uids import SourceUID

FILES = ["CT_small.dcm", "693_J2KI.dcm", "rtplan.dcm", "liver_1frame.dcm", "waveform_ecg.dcm"]
KEYS = (b"a" * 32, b"a" * 31 + b"b")
_PIXELS = 0x7FE00010
# What the method says is the same for all; so is what the Standard registered.
_OF_NO_PATIENT = {"DeidentificationMethod", "ImplementationClassUID", "ImplementationVersionName"}
_PSEUDONYMS = {"PatientID", "PatientName", "StudyID", "DeviceSerialNumber", "AccessionNumber"}


def _release(name: str, key: bytes, folder: Path) -> Path:
    made = deidentify_file(
        Path(str(get_testdata_file(name))), folder, load("research"), Pseudonyms(key)
    )
    return folder / made.path


def _identities(path: Path) -> Iterator[str]:
    """Every value that stands for somebody or for one object: UIDs, pseudonyms, dates."""
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    yield from path.parts[-4:]
    for element in [*dataset.file_meta, *dataset.iterall()]:
        linking = element.VR in ("UI", "DA", "DT") or element.keyword in _PSEUDONYMS
        if linking and element.keyword not in _OF_NO_PATIENT and element.value:
            values = element.value if element.VM > 1 else [element.value]
            yield from (str(v) for v in values if not str(v).startswith("1.2.840.10008."))


def _without_pixels(path: Path) -> str:
    dataset: Dataset = pydicom.dcmread(path)
    dataset.pop(_PIXELS, None)
    return hashlib.sha256(dataset.to_json().encode()).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_two_projects_share_no_value_that_links(name: str, tmp_path: Path) -> None:
    one, two = (_release(name, key, tmp_path / key.hex()) for key in KEYS)
    assert set(_identities(one))
    assert not set(_identities(one)) & set(_identities(two))
    assert _without_pixels(one) != _without_pixels(two)


def test_two_projects_move_dates_apart() -> None:
    one, two = (Pseudonyms(key) for key in KEYS)
    same = sum(one.date_shift(f"P{n}") == two.date_shift(f"P{n}") for n in range(2000))
    assert same < 15  # by chance two or three of two thousand, with 730 shifts


def test_no_kind_of_pseudonym_tells_another() -> None:
    made = Pseudonyms(KEYS[0])
    kinds = ("PatientID", "StudyID", "AccessionNumber", "DeviceSerialNumber")
    values = [made.patient_id("42"), *(made.identifier(kind, "42") for kind in kinds)]
    values.append(str(made.uid(SourceUID("42"))))
    assert len(set(values)) == len(values)


_SCRIPT = """
import sys
from pathlib import Path
from imagehaven.deidentify import Pseudonyms, deidentify_file, load
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
made = deidentify_file(source, folder, load("research"), Pseudonyms(b"a" * 32))
print(made.path, made.sha256, made.mapping)
"""


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm"])
def test_another_process_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    told = set()
    for seed in ("0", "1", "2"):
        arguments = [
            sys.executable,
            "-c",
            _SCRIPT,
            str(get_testdata_file(name)),
            str(tmp_path / seed),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"}
        told.add(subprocess.run(arguments, env=environment, capture_output=True, check=True).stdout)
    assert len(told) == 1
    here = _release(name, KEYS[0], tmp_path / "here")
    assert hashlib.sha256(here.read_bytes()).hexdigest().encode() in told.pop()

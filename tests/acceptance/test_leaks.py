"""No planted identifier leaves, in whatever real file and in whatever place it was planted.

Each attack is made on real files of several kinds and encodings; the released file is searched
byte by byte, in every encoding. Beside it stands the near miss, which has to stay.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from imagehaven.deidentify import Profile, Pseudonyms, deidentify_file, load
from imagehaven.dicom.quiet import quiet_pydicom
from leak_attacks import ATTACKS
from leak_attacks.kinds import BORN, CHI, PATIENT

_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "iso2022_jp", "gb18030")
_DX = "1.2.840.10008.5.1.4.1.1.1.1"
CARRIERS = {
    "CT, explicit": ("CT_small.dcm", ""),
    "CT, implicit": ("CT_small.dcm", ImplicitVRLittleEndian),
    "CT, deflated": ("CT_small.dcm", DeflatedExplicitVRLittleEndian),
    "CT, JPEG 2000": ("693_J2KI.dcm", ""),
    "MR, big endian": ("MR_small_bigendian.dcm", ""),
    "DX": ("CT_small.dcm", ""),
    "RTDOSE, RLE": ("rtdose_rle_1frame.dcm", ""),
    "RTPLAN, implicit": ("rtplan.dcm", ""),
    "SEG": ("liver_1frame.dcm", ""),
}


@pytest.fixture(scope="module", name="research")
def _research() -> Profile:
    return load("research")


def carrier(name: str) -> Dataset:
    """A real file's data set, given a patient of ours."""
    file, syntax = CARRIERS[name]
    dataset = pydicom.dcmread(str(get_testdata_file(file)))
    if syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
    if name == "DX":
        dataset.SOPClassUID, dataset.Modality = _DX, "DX"
    dataset.remove_private_tags()
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, CHI, BORN
    dataset.BurnedInAnnotation = "NO"
    return dataset


def as_bytes(dataset: Dataset) -> bytes:
    """The data set as a file."""
    buffer = BytesIO()
    syntax = dataset.file_meta.TransferSyntaxUID
    implicit, little = syntax == ImplicitVRLittleEndian, not syntax.endswith("1.2.2")
    pydicom.dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=little)
    return buffer.getvalue()


def found(written: bytes, secret: str | bytes) -> bool:
    """Whether a secret stands in the bytes, in whatever case and encoding."""
    if isinstance(secret, bytes):
        return secret in written
    lowered = written.lower()
    return any(
        secret.lower().encode(encoding, "ignore") in lowered
        for encoding in _ENCODINGS
        if secret.encode(encoding, "ignore")
    )


Released = Callable[[bytes], tuple[bytes, Dataset]]


@pytest.fixture(name="released")
def _released(tmp_path: Path, research: Profile) -> Released:
    def released(data: bytes) -> tuple[bytes, Dataset]:
        made = deidentify_file(BytesIO(data), tmp_path, research, Pseudonyms(b"k" * 32))
        written = (tmp_path / made.path).read_bytes()
        return written, pydicom.dcmread(BytesIO(written))

    return released


@pytest.mark.parametrize("name", CARRIERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_planted_identifier_is_not_released(attack: str, name: str, released: Released) -> None:
    with quiet_pydicom():
        dataset = carrier(name)
        ATTACKS[attack].plant(dataset)
        written, _ = released(as_bytes(dataset))
    survivors = [s for s in (*ATTACKS[attack].secrets, "drummond", CHI, BORN) if found(written, s)]
    assert not survivors


@pytest.mark.parametrize("name", ["CT, explicit", "CT, implicit", "MR, big endian"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_only_looks_alike_is_kept(attack: str, name: str, released: Released) -> None:
    with quiet_pydicom():
        dataset = carrier(name)
        ATTACKS[attack].near(dataset)
        _, new = released(as_bytes(dataset))
        assert ATTACKS[attack].kept(new)

"""What was valid stays valid: dciodvfy finds no error that was not there before.

dciodvfy (Debian's dicom3tools) checks an instance against the IOD of its SOP class. Errors are
compared as multisets, without the values in them, since pseudonyms are others.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import data_store
import pydicom
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imagehaven import synth
from imagehaven.deidentify import Profile, Pseudonyms, deidentify_dataset, load
from imagehaven.dicom import quiet_pydicom, read_header
from imagehaven.errors import Quarantine, Withheld

SHARED = Path(os.environ.get("IMAGEHAVEN_SHARED", Path(__file__).parents[4] / "shared")) / "dicom"
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
LARGEST = 8 << 20
OF_ONE_FOLDER = 3


@pytest.fixture(scope="module", name="hospital")
def _hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    synth.synthesise(folder, patients=4, seed=11)
    return folder


def real_files() -> Iterator[Path]:
    """Every file of the wheels, and a few of each folder of larger collections."""
    taken: Counter[Path] = Counter()
    for name in get_testdata_files():
        yield Path(name)
    for folder in (Path(data_store.__file__).parent, SHARED):
        for path in sorted(folder.rglob("*")):
            taken[path.parent] += path.is_file()
            if taken[path.parent] <= OF_ONE_FOLDER and path.suffix not in (".py", ".pyc", ".csv"):
                yield path


def errors_of(path: Path) -> Counter[str]:
    """What dciodvfy finds wrong with a file, without values: those of pseudonyms are others."""
    run = subprocess.run(["dciodvfy", path], capture_output=True, check=False)
    told = (run.stdout + run.stderr).decode("latin-1")
    errors = [line for line in told.splitlines() if line.startswith("Error")]
    return Counter(re.sub(r"= <[^>]*>|<[\d.]*>|(?<=UID )[\d.]+", "", error) for error in errors)


def readable(path: Path) -> Dataset | None:
    """The data set of a plain file that has a SOP class and is no directory."""
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    with quiet_pydicom():
        try:
            dataset = pydicom.dcmread(path)
        except (InvalidDicomError, OSError, NotImplementedError):
            return None
    meta = getattr(dataset, "file_meta", FileMetaDataset())
    if meta.get("TransferSyntaxUID") not in PLAIN or "SOPClassUID" not in dataset:
        return None
    return dataset


def written(source: Dataset, profile: Profile, path: Path) -> bool:
    """Write what the pass makes of a data set, with the pixels as they are; False if withheld."""
    original = Path(str(source.filename))
    try:
        with original.open("rb") as stream:
            header = read_header(stream, original.stat().st_size).dataset
        cleaned = deidentify_dataset(header, profile, Pseudonyms(b"v" * 32)).dataset
    except (Withheld, Quarantine):
        return False
    for tag in (0x7FE00008, 0x7FE00009, 0x7FE00010):
        if tag in source:
            cleaned[tag] = source[tag]
    cleaned.file_meta = FileMetaDataset()
    cleaned.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with quiet_pydicom():
        pydicom.dcmwrite(path, cleaned, enforce_file_format=True)
    return True


@cache
def errors_before(path: Path) -> Counter[str]:
    """The errors of a source, which every profile is compared with."""
    return errors_of(path)


#: Every option that keeps, and those that clean what would else be replaced.
KEEPING = """
name: keeping
extends: research
without: [retain_longitudinal_modified_dates]
options: [retain_uids, retain_device_identity, retain_institution_identity,
  retain_longitudinal_full_dates, clean_structured_content, clean_graphics]
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["research", "basic", "keeping.yaml"])
def test_no_file_has_an_error_that_it_did_not_have_before(
    name: str, hospital: Path, tmp_path: Path
) -> None:
    (tmp_path / "keeping.yaml").write_text(KEEPING)
    profile, compared = load(tmp_path / name if name.endswith(".yaml") else name), 0
    found: dict[str, Counter[str]] = {}
    sources = [*real_files(), *sorted(hospital.rglob("*.dcm"))[::3]]
    for source in sources:
        dataset = readable(source)
        before = errors_before(source) if dataset is not None else Counter()
        # What dciodvfy cannot read, or has no IOD for, it cannot compare.
        hopeless = any("read failed" in one or "Object Not found" in one for one in before)
        if dataset is None or hopeless:
            continue
        after = tmp_path / "after.dcm"
        if written(dataset, profile, after):
            compared += 1
            new = errors_of(after) - before
            if new:
                found[f"{source.parent.name}/{source.name}"] = new
    assert compared >= 60
    assert not found


def test_the_check_sees_what_a_careless_tool_breaks(hospital: Path, tmp_path: Path) -> None:
    whole = next(path for path in sorted(hospital.rglob("*.dcm")) if readable(path) is not None)
    with quiet_pydicom():
        broken = pydicom.dcmread(whole)
        del broken.StudyInstanceUID
        broken.Modality = ""
        pydicom.dcmwrite(tmp_path / "broken.dcm", broken)
    assert sum((errors_of(tmp_path / "broken.dcm") - errors_of(whole)).values()) >= 2

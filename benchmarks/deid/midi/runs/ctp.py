"""What the script functions of RSNA's CTP can do, expressed here, since CTP is no package.

CTP's DICOM anonymizer runs one function for each element that its script names and keeps the others
(mircwiki.rsna.org, "The CTP DICOM Anonymizer"). This emulation gives each attribute of PS3.15 Table
E.1-1 the function that CTP's own profiles give it: X ``@remove()``, Z ``@empty()``, D a constant,
U ``@hashuid()``, dates ``@incrementdate()`` by one number for all patients, Patient ID ``@hash()``;
private groups, curves and overlays removed; functions apply in sequences too. Options: Retain
Patient Characteristics and Retain Longitudinal with Modified Dates. CTP cannot clean a text, so
descriptors are removed, as in its Basic profile. Its own speed and faults are not CTP's.
"""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.scoring.outcome import Run
from imagehaven.dicom.quiet import quiet_pydicom

NAME = "CTP's functions, emulated"
_DAYS = 211
_ROOT = "1.2.826.0.1.3680043.8.498"
_OPTIONS = ("retain_longitudinal_modified_dates", "retain_patient_characteristics")
Function = Callable[[Dataset, DataElement], None]


def run_ctp(corpus: Corpus, folder: Path) -> Run:
    """Apply the script to every file."""
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    released, refused = {}, {}
    with quiet_pydicom():
        for case in corpus.cases:
            try:
                dataset = pydicom.dcmread(corpus.folder / case.file)
                _clean(dataset)
                dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                dataset.save_as(folder / case.file)
            except Exception as error:  # noqa: BLE001 - counted, as for any peer
                refused[case.instance] = type(error).__name__
            else:
                released[case.instance] = folder / case.file
    note = "an emulation of its script functions on PS3.15 Table E.1-1, not the program"
    return Run(NAME, released, refused, time.perf_counter() - begun, note)


def _clean(dataset: Dataset) -> None:
    for element in list(dataset):
        group = element.tag.group
        if element.tag.is_private or group & 0xFF00 in (0x5000, 0x6000):
            del dataset[element.tag]
            continue
        function = _script().get(int(element.tag))
        if function is not None:
            function(dataset, element)
        if element.tag in dataset and dataset[element.tag].VR == "SQ":
            for item in dataset[element.tag].value:
                _clean(item)


@lru_cache(maxsize=1)
def _script() -> dict[int, Function]:
    """One function for each attribute of the table that has a plain tag."""
    table = resources.files("imagehaven.deidentify") / "data" / "ps315_e1.csv"
    lines = [line for line in table.read_text("utf-8").splitlines() if not line.startswith("#")]
    script: dict[int, Function] = {0x00100020: _hash}
    for row in csv.DictReader(lines):
        tag = row["tag"]
        if len(tag) != 8 or any(digit not in "0123456789abcdefABCDEF" for digit in tag):
            continue
        option = next((row[name] for name in _OPTIONS if row.get(name)), "")
        if function := _function(option or row["basic"]):
            script.setdefault(int(tag, 16), function)
    return script


def _function(code: str) -> Function | None:
    """The function of an action code; of a combined one the safest for the IODs: D, then Z."""
    if code == "K":
        return None
    if code == "C":
        return _shift_or_remove
    if "U" in code:
        return _hash_uid
    if "D" in code:
        return _dummy
    return _empty if "Z" in code else _remove


def _remove(dataset: Dataset, element: DataElement) -> None:
    del dataset[element.tag]


def _empty(dataset: Dataset, element: DataElement) -> None:
    if element.VR == "SQ":
        del dataset[element.tag]
    else:
        element.value = ""


def _dummy(dataset: Dataset, element: DataElement) -> None:
    if element.VR in ("PN", "LO", "SH", "CS", "LT", "ST", "UT"):
        element.value = "REMOVED"
    elif element.VR == "UI":
        _hash_uid(dataset, element)
    else:
        _shift_or_remove(dataset, element)


def _hash(_: Dataset, element: DataElement) -> None:
    element.value = hashlib.md5(str(element.value).encode(), usedforsecurity=False).hexdigest()[:16]


def _hash_uid(_: Dataset, element: DataElement) -> None:
    if element.VR != "UI" or element.VM != 1:
        return
    digest = hashlib.md5(str(element.value).encode(), usedforsecurity=False).hexdigest()
    element.value = f"{_ROOT}.{int(digest, 16)}"[:64]


def _shift_or_remove(dataset: Dataset, element: DataElement) -> None:
    if element.VR == "TM":
        return
    text = str(element.value)
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        del dataset[element.tag]
        return
    element.value = f"{day + timedelta(days=_DAYS):%Y%m%d}{text[8:]}"

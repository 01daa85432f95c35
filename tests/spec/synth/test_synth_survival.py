"""The outside check finds what came through, in its own place and anywhere else."""

from __future__ import annotations

import csv
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from imagehaven.synth.survival import survival

COLUMNS = ["patient_key", "SOPInstanceUID", "file", "location", "kind", "value", "expect"]


def _survivors(folder: Path, location: str, kind: str, value: str, **released: str) -> int:
    key = folder / "answer_key"
    key.mkdir(exist_ok=True)
    with (key / "identifiers.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerow(["P1", "1.2.3", "a.dcm", location, kind, value, "remove"])
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    for keyword, text in released.items():
        setattr(dataset, keyword, text)
    dataset.save_as(folder / "a.dcm")
    return len(survival(folder, {"1.2.3": folder / "a.dcm"}).survivors)


@pytest.mark.parametrize(
    ("location", "kind", "value", "released"),
    [
        ("PatientName", "name", "Drummond^Elspeth", {"PatientName": "DRUMMOND^ELSPETH"}),
        ("PatientName", "name", "Drummond", {"ImageComments": "for drummond"}),
        ("PatientID", "chi", "1204640122", {"ImageComments": "CHI 120464-0122"}),
        ("StudyID", "other-id", "77", {"StudyID": "77"}),
        ("PatientAge", "age-over-89", "097Y", {"PatientAge": "097Y"}),
        ("StudyDate", "date", "20240305", {"StudyDate": "20240305"}),
    ],
)
def test_what_came_through_is_found(
    location: str, kind: str, value: str, released: dict[str, str], tmp_path: Path
) -> None:
    assert _survivors(tmp_path, location, kind, value, **released) == 1


@pytest.mark.parametrize(
    ("location", "kind", "value", "released"),
    [
        ("PatientName", "name", "Drummond^Elspeth", {"PatientName": "K7Q2"}),
        ("StudyID", "other-id", "77", {"StudyID": "K7Q2", "SeriesNumber": "77"}),
        ("PatientAge", "age-over-89", "097Y", {"PatientAge": "090Y"}),
        ("PatientAge", "age-over-89", "090Y", {"PatientAge": "090Y"}),
        ("StudyDate", "date", "20240305", {"StudyDate": "20230305", "SeriesDate": "20240305"}),
    ],
)
def test_what_stands_there_by_chance_or_for_all_is_not(
    location: str, kind: str, value: str, released: dict[str, str], tmp_path: Path
) -> None:
    assert _survivors(tmp_path, location, kind, value, **released) == 0

"""The verb for people without a haven: every source ends in one state, and the totals add up."""

from __future__ import annotations

import csv
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from imagehaven.deidentify import DeidentifySummary, deidentify
from imagehaven.errors import UserError


@pytest.fixture(name="scans")
def _scans(tmp_path: Path, ct: Dataset, file_of: Callable[..., bytes]) -> Path:
    """Six sources: two of one instance, another content of it, an archive, a report, a text."""
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.dcm").write_bytes(file_of(ct))
    (scans / "b-copy.dcm").write_bytes(file_of(ct))
    ct.KVP = "80"
    (scans / "c-conflict.dcm").write_bytes(file_of(ct))
    ct.SOPInstanceUID = "1.2.3.77"
    with zipfile.ZipFile(scans / "d.zip", "w") as archive:
        archive.writestr("inner.dcm", file_of(ct))
    ct.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    (scans / "e-report.dcm").write_bytes(file_of(ct))
    (scans / "f.txt").write_text("a note, no image " * 20)
    (tmp_path / "key").write_text("ab" * 32)
    return scans


def _run(tmp_path: Path, scans: Path, **options: Any) -> DeidentifySummary:
    options = {"engine": "inline", **options}
    return deidentify(scans, tmp_path / "out", key=tmp_path / "key", **options)


def test_every_source_ends_in_one_state(tmp_path: Path, scans: Path) -> None:
    summary = _run(tmp_path, scans)
    assert (summary.found, summary.released, summary.duplicates) == (6, 2, 1)
    assert summary.summary()["withheld_reasons"] == {
        "conflicting-instance": 1,
        "structured-report": 1,
    }
    assert summary.summary()["quarantined_reasons"] == {"not-dicom": 1}
    ends = summary.released + summary.duplicates + len(summary.withheld) + len(summary.quarantined)
    assert summary.found == ends
    assert [Path(entry.source).name for entry in summary.withheld] == [
        "c-conflict.dcm",
        "e-report.dcm",
    ]


def test_only_released_files_lie_in_the_destination(tmp_path: Path, scans: Path) -> None:
    _run(tmp_path, scans)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert all(path.suffix == ".dcm" for path in files)
    assert not list((tmp_path / "out").glob(".partial-*"))


def test_the_mapping_is_sorted_and_for_its_owner_only(tmp_path: Path, scans: Path) -> None:
    mapping = tmp_path / "mapping.csv"
    _run(tmp_path, scans, mapping=mapping)
    rows = list(csv.reader(mapping.read_text().splitlines()))
    assert rows[0] == ["kind", "original", "pseudonym"]
    assert rows[1:] == sorted(rows[1:])
    assert ["PatientID", "1203565678"] in [row[:2] for row in rows]
    assert stat.S_IMODE(mapping.stat().st_mode) == 0o600


def test_running_again_changes_nothing(tmp_path: Path, scans: Path) -> None:
    first = _run(tmp_path, scans)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    second = _run(tmp_path, scans)
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    assert first.summary() == second.summary()


def test_worker_processes_give_the_same(tmp_path: Path, scans: Path) -> None:
    inline = _run(tmp_path, scans)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    pooled = _run(tmp_path, scans, engine="pool", workers=2)
    assert inline.summary() == pooled.summary()
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}


def test_a_check_writes_nothing(tmp_path: Path, scans: Path) -> None:
    summary = _run(tmp_path, scans, check=True, mapping=tmp_path / "mapping.csv")
    assert summary.released == 2
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "mapping.csv").exists()


@pytest.mark.parametrize("inside", ["scans", "scans/out", "."])
def test_originals_and_released_files_never_mix(inside: str, tmp_path: Path, scans: Path) -> None:
    with pytest.raises(UserError, match="overlap"):
        deidentify(scans, tmp_path / inside, key=tmp_path / "key")


def test_the_mapping_never_lies_among_the_released_files(tmp_path: Path, scans: Path) -> None:
    with pytest.raises(UserError, match="undo"):
        _run(tmp_path, scans, mapping=tmp_path / "out" / "mapping.csv")


def test_a_missing_source_is_a_users_error(tmp_path: Path, scans: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        _run(tmp_path, scans / "none")

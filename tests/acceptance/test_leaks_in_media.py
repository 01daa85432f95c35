"""DICOMDIRs and archives: they list people by name, and nothing of the list comes out."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from imagehaven.deidentify import DeidentifySummary, deidentify
from leak_runs import BORN, CHI, STRANGER, STRANGER_CHI, as_bytes, real, survivors

SECRETS = (STRANGER, STRANGER_CHI, "drummond", "elspeth", CHI, BORN)


def _media(folder: Path) -> int:
    """A file set of two images whose DICOMDIR names the patient; returns how many files it has."""
    files = FileSet()
    for name in ("CT chest", f"{STRANGER} {STRANGER_CHI}"):
        data = as_bytes(real(SeriesDescription=name, StudyID="17", SeriesNumber=1))
        files.add(pydicom.dcmread(io.BytesIO(data)))
    files.write(folder)
    files._stage["t"].cleanup()  # pydicom leaves it to the collector, which warns
    listed = (folder / "DICOMDIR").read_bytes()
    assert b"Drummond^Elspeth" in listed
    assert CHI.encode() in listed
    return sum(path.is_file() for path in folder.rglob("*"))


def _key(folder: Path) -> Path:
    path = folder / "key"
    path.write_bytes(os.urandom(32))
    return path


def _told(out: Path, summary: DeidentifySummary) -> bytes:
    """All that came out: names of files, their bytes, and what the summary says of their fate."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    names = "".join(str(path.relative_to(out)) for path in files)
    entries = [asdict(entry) for entry in [*summary.withheld, *summary.quarantined]]
    told = json.dumps([summary.summary(), entries]) + names
    return told.encode() + b"".join(path.read_bytes() for path in files)


def test_a_directory_of_media_is_not_released_and_its_images_are(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    count = _media(source)
    summary = deidentify(source, out, key=_key(tmp_path), workers=1)
    assert summary.released == count - 1 == 2
    assert [entry.reason for entry in summary.quarantined] in ([], ["media-directory"])
    assert not survivors(_told(out, summary), SECRETS)
    assert not [path for path in out.rglob("*") if "DICOMDIR" in path.name]


def test_a_directory_within_an_archive_is_not_released_either(tmp_path: Path) -> None:
    media, source, out = (tmp_path / name for name in ("media", "source", "out"))
    source.mkdir()
    _media(media)
    with zipfile.ZipFile(source / "disc.zip", "w") as archive:
        for path in media.rglob("*"):
            archive.write(path, path.relative_to(media))
    summary = deidentify(source, out, key=_key(tmp_path), workers=1)
    assert summary.released == 2
    assert not survivors(_told(out, summary), SECRETS)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR.dcm", "dicomdir_1"])
def test_an_image_that_is_only_called_so_is_no_directory(name: str, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / name).write_bytes(as_bytes(real()))
    assert deidentify(source, out, key=_key(tmp_path), workers=1).released == 1


def test_a_comment_on_an_archive_changes_nothing_of_what_is_released(tmp_path: Path) -> None:
    data, key, made = as_bytes(real()), _key(tmp_path), []
    for number, comment in enumerate((f"{STRANGER} {STRANGER_CHI}".encode(), b"")):
        source, out = tmp_path / f"source{number}", tmp_path / f"out{number}"
        source.mkdir()
        with zipfile.ZipFile(source / "a.zip", "w") as archive:
            member = zipfile.ZipInfo("image.dcm")
            member.comment = comment
            archive.writestr(member, data)
            archive.comment = comment
        summary = deidentify(source, out, key=key, workers=1)
        assert summary.released == 1
        assert not survivors(_told(out, summary), SECRETS)
        made.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.dcm")})
    assert made[0] == made[1]

"""What a whole road leaves behind: reports, queues of what was refused, logs, audit trail, vault.

Two projects release the same patients; files are named after people, and some cannot be released.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
from sqlalchemy import select

from imagehaven import cohort
from imagehaven.catalogue import ingest
from imagehaven.haven import Haven, Settings
from imagehaven.ledger import schema
from imagehaven.link import create_project
from imagehaven.release import release
from leak_runs import BORN, CHI, STRANGER, STRANGER_CHI, as_bytes, real, survivors
from road_to_release import EVERYTHING

SECRETS = (STRANGER, STRANGER_CHI, "drummond", "elspeth", CHI, BORN)
PROJECTS = ("one", "two")
_NO_CLASS = "1.2.840.10008.5.1.4.1.1.66"  # raw data, which nobody can look into


@dataclass(frozen=True)
class Left:
    """The haven, the folder of each project's release, and all that was said on the way."""

    haven: Haven
    folders: dict[str, Path]
    said: str

    def rows(self, project: str, name: str) -> list[dict[str, str]]:
        """The rows of a table of a release."""
        with (self.folders[project] / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module", name="left")
def _left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    place = tmp_path_factory.mktemp("records")
    files = place / "files"
    files.mkdir()
    broken = as_bytes(real(SeriesDescription=f"{STRANGER} chest"))
    contents = [as_bytes(real()), as_bytes(real(SeriesDescription="CT chest"))]
    contents += [as_bytes(real(SOPClassUID=_NO_CLASS)), broken[: len(broken) // 2]]
    contents += [f"{STRANGER} {STRANGER_CHI}".encode() * 30]
    for number, data in enumerate(contents):
        (files / f"{STRANGER}_{STRANGER_CHI}_{number}.dcm").write_bytes(data)
    heard = _Listener()
    logging.getLogger().addHandler(heard)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    haven = Haven.create(place / "haven", Settings(name="test", workers=1))
    said: list[Any] = [ingest(haven, [files])]
    (place / "all.py").write_text(EVERYTHING, encoding="utf-8")
    folders = {}
    for project in PROJECTS:
        said.append(create_project(haven, project))
        said.append(cohort.run(haven, place / "all.py", project=project))
        folders[project] = place / project
        said.append(release(haven, project, "all", to=folders[project]))
    logging.getLogger().setLevel(level)
    logging.getLogger().removeHandler(heard)
    yield Left(haven, folders, "\n".join([*map(repr, said), *heard.lines]))
    haven.ledger.close()


class _Listener(logging.Handler):
    """Keeps every line of every logger."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()} {record.exc_info}")


@pytest.mark.parametrize("project", PROJECTS)
def test_no_file_of_a_release_names_anybody(project: str, left: Left) -> None:
    files = [path for path in left.folders[project].rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        told = str(path.relative_to(left.folders[project])).encode() + path.read_bytes()
        assert not survivors(told, SECRETS), path.name


@pytest.mark.parametrize("project", PROJECTS)
def test_the_queue_of_what_was_refused_says_why_and_not_who(project: str, left: Left) -> None:
    refused = left.rows(project, "reports/rejections.csv")
    assert len(refused) == 1
    assert refused[0]["reason"] == "raw-data"
    assert not survivors(json.dumps(refused).encode(), SECRETS)


def test_nothing_that_is_said_or_logged_names_anybody(left: Left) -> None:
    assert len(left.said) > 500
    assert not survivors(left.said.encode(), SECRETS)


def test_the_audit_trail_tells_what_was_done_and_of_nobody(left: Left) -> None:
    with left.haven.ledger.begin() as connection:
        rows = connection.execute(select(schema.audit)).all()
    assert {"ingest", "release"} <= {row.event for row in rows}
    assert not survivors(repr(rows).encode(), SECRETS)


def test_the_vault_keeps_no_identifier_in_clear(left: Left) -> None:
    with left.haven.ledger.begin() as connection:
        rows = connection.execute(select(schema.vault)).all()
    assert len(rows) > 4
    kept = b"".join(value for row in rows for value in row if isinstance(value, bytes))
    assert kept
    assert not survivors(kept + repr(rows).encode(), SECRETS)


def test_the_projects_have_keys_of_their_own_and_share_no_value(left: Left) -> None:
    with left.haven.ledger.begin() as connection:
        keys = connection.execute(select(schema.project)).all()
    wrapped = {value for row in keys for value in row if isinstance(value, bytes)}
    assert len(wrapped) == len(PROJECTS)
    one, two = (_linking(left, project) for project in PROJECTS)
    assert len(one) == len(two) > 8
    assert not one & two


def _linking(left: Left, project: str) -> set[str]:
    """Hashes of files, and whatever stands for a patient, a study, a series or an instance."""
    folder = left.folders[project]
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    images = {line.split()[0] for line in sums if line.endswith(".dcm")}
    paths = {part for path in folder.rglob("*.dcm") for part in path.relative_to(folder).parts[1:]}
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "StudyDate")
    rows = left.rows(project, "metadata/instances.csv")
    values = {row[keyword] for row in rows for keyword in keywords if row.get(keyword)}
    return images | paths | values


def test_what_research_needs_is_the_same_in_both(left: Left) -> None:
    """The near miss: pixels are not changed to hide that two projects have the same picture."""
    pixels = [
        {pydicom.dcmread(path).PixelData for path in left.folders[project].rglob("*.dcm")}
        for project in PROJECTS
    ]
    assert pixels[0] == pixels[1] == {real().PixelData}


def test_no_table_of_a_release_holds_a_hash_of_pixels_alone(left: Left) -> None:
    one, two = (_hashes(left.folders[project]) for project in PROJECTS)
    ours = {row["sha256"] for row in _manifest(left.folders["one"])}
    assert ours <= one
    assert not ours & two


def _hashes(folder: Path) -> set[str]:
    texts = [path for path in folder.rglob("*") if path.suffix in (".csv", ".json", ".md", "")]
    words = " ".join(path.read_text(encoding="utf-8") for path in texts if path.is_file())
    return {word.strip('",:') for word in words.split() if len(word.strip('",:')) == 64}


def _manifest(folder: Path) -> list[dict[str, str]]:
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (files,) = [value for value in told.values() if isinstance(value, list)]
    return [one for one in files if one["path"].endswith(".dcm")]

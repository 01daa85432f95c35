"""How an object of a release can end.

A release is asked for the instances of a cohort version. Each of them ends in exactly one state,
and the states add up to what was asked for; only then is there a manifest.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread, examples
from sqlalchemy import select

from imagehaven import cohort
from imagehaven.catalogue import ingest
from imagehaven.haven import Haven, Settings
from imagehaven.ledger import schema
from imagehaven.link import create_project, opt_out
from imagehaven.release import ReleaseReport, release, verify_manifest
from road_to_release import EVERYTHING


@dataclass(frozen=True)
class Released:
    """One release of six objects: its report, its folder and the state of each object."""

    report: ReleaseReport
    folder: Path
    states: dict[str, tuple[str, str]]


def ct(number: int, patient: str) -> Dataset:
    """A CT image of a patient."""
    image = examples.ct
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.{number}"
    image.SeriesInstanceUID = f"1.2.826.0.1.98.{patient[-1]}"
    image.StudyInstanceUID = f"1.2.826.0.1.97.{patient[-1]}"
    image.PatientID = patient
    return image


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    place = tmp_path_factory.mktemp("states")
    files = place / "files"
    files.mkdir()
    for number, patient in ((1, "PAT-1"), (2, "PAT-2"), (3, "PAT-3"), (4, "PAT-1"), (5, "PAT-1")):
        ct(number, patient).save_as(files / f"{number}.dcm")
    alias = ct(6, "PAT-6")
    alias.OtherPatientIDs = "PAT-2"
    alias.save_as(files / "6.dcm")
    disputed = ct(3, "PAT-3")
    disputed.PixelData = bytes(len(disputed.PixelData))
    disputed.save_as(files / "3-again.dcm")
    capture = dcmread(files / "5.dcm")
    capture.SOPClassUID = capture.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    capture.save_as(files / "5.dcm")

    haven = Haven.create(place / "haven", Settings(name="test", workers=1))
    ingest(haven, [files])
    create_project(haven, "P")
    (place / "all.py").write_text(EVERYTHING, encoding="utf-8")
    cohort.run(haven, place / "all.py", project="P")
    (place / "out.csv").write_text("PatientID\nPAT-2\n", encoding="utf-8")
    opt_out(haven, [place / "out.csv"])
    (files / "4.dcm").unlink()

    report = release(haven, "P", "all", to=place / "release")
    table = schema.release_item
    with haven.ledger.begin() as connection:
        rows = connection.execute(select(table.c.SOPInstanceUID, table.c.state, table.c.reason))
        states = {row[0].rsplit(".", 1)[-1]: (row[1], row[2]) for row in rows}
    yield Released(report, place / "release", states)
    haven.ledger.close()


def test_an_image_that_is_clean_is_released(released: Released) -> None:
    assert released.states["1"] == ("released", "")
    assert len(list((released.folder / "images").rglob("*.dcm"))) == 1


def test_an_image_of_somebody_who_opted_out_is_opted_out(released: Released) -> None:
    assert released.states["2"] == ("opted-out", "")


def test_somebody_who_opted_out_is_found_by_any_identifier_that_the_image_carries(
    released: Released,
) -> None:
    assert released.states["6"] == ("opted-out", "")


def test_an_image_of_which_two_versions_exist_is_conflicting(released: Released) -> None:
    assert released.states["3"] == ("conflicting", "")


def test_an_image_whose_original_is_gone_is_missing(released: Released) -> None:
    assert released.states["4"] == ("missing", "vanished")


def test_an_image_that_a_rule_holds_back_is_withheld_with_the_rule(released: Released) -> None:
    assert released.states["5"] == ("withheld", "raw-data")


def test_the_states_add_up_to_what_was_asked_for(released: Released) -> None:
    assert sum(released.report.states.values()) == released.report.requested == 6
    with (released.folder / "reports" / "reconciliation.csv").open(encoding="utf-8") as stream:
        lines = {row["state"]: int(row["count"]) for row in csv.DictReader(stream)}
    assert lines["requested"] == 6
    assert lines["without a state"] == lines["not requested"] == 0


def test_the_reports_say_why_and_never_who(released: Released) -> None:
    with (released.folder / "reports" / "rejections.csv").open(encoding="utf-8") as stream:
        rejected = {(row["state"], row["reason"], row["count"]) for row in csv.DictReader(stream)}
    assert rejected == {
        ("withheld", "raw-data", "1"),
        ("opted-out", "", "2"),
        ("conflicting", "", "1"),
    }
    for path in released.folder.rglob("*"):
        if path.is_file():
            assert b"PAT-" not in path.read_bytes()
            assert b"1.2.826.0.1.9" not in path.read_bytes()


def test_the_folder_is_what_its_manifest_says(released: Released) -> None:
    assert verify_manifest(released.folder) == []

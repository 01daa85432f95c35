"""What a reviewer redacts in pixels is blanked on that device from the next release on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from imagehaven.deidentify.pixels.devices import with_files
from imagehaven.haven import Haven, Settings
from imagehaven.release import release, rerun
from imagehaven.release.folder.manifest import sections
from imagehaven.verify import (
    Finding,
    decide,
    default_rules,
    findings,
    identifiable,
    record_release,
    region_files,
    undo,
)
from road_to_release import Road, on_haven

ROWS, COLUMNS = 240, 320
NAME = "MACKENZIE MORAG"
#: Where the name is drawn: left, top, right, bottom.
TEXT = (20, 12, 300, 40)


def picture(number: int, model: str, name: str = "") -> Dataset:
    """A secondary capture of a device; with a ``name`` it is drawn into the top of the frame."""
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.9.{number}"
    data.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.10.{number}"
    data.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.11.{number}"
    data.Modality, data.ConversionType = "OT", "WSD"
    data.PatientName, data.PatientID = (name or "SOMEBODY ELSE").replace(" ", "^"), f"REG{number}"
    data.Manufacturer, data.ManufacturerModelName = "Northlight Imaging", model
    data.SoftwareVersions = ["4.2", "b7"]
    y, x = np.mgrid[:ROWS, :COLUMNS]
    frame = (60 + 30 * np.sin(x / 40) + 30 * np.cos(y / 50)).astype(np.uint8)
    if name:
        font, white = cv2.FONT_HERSHEY_SIMPLEX, 255
        cv2.putText(frame, name, (TEXT[0], TEXT[3] - 6), font, 0.8, white, 2, cv2.LINE_AA)
    data.Rows, data.Columns = frame.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    data.PixelRepresentation = 0
    data.PixelData = frame.tobytes()
    data["PixelData"].VR = "OB"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """Two pictures of one device, the first with a name in it, and one of another device."""
    place = tmp_path_factory.mktemp("screens")
    folder = place / "originals" / "dicom"
    folder.mkdir(parents=True)
    picture(1, "Screen (2)", NAME).save_as(folder / "1.dcm", enforce_file_format=True)
    picture(2, "Screen (2)").save_as(folder / "2.dcm", enforce_file_format=True)
    picture(3, "Screen 3").save_as(folder / "3.dcm", enforce_file_format=True)
    haven = Haven.create(place / "haven", Settings(name="screens", workers=1))
    made = on_haven(haven, place, place / "originals")
    made.cohort("screens")
    yield made
    made.haven.ledger.close()


def tops(folder: Path) -> dict[str, np.ndarray]:
    """The part of each released picture in which the name stood, by model and whether it had one.

    A released file has no name; the picture with a name is told by its original's number.
    """
    found = {}
    for path in folder.rglob("*.dcm"):
        data = dcmread(path)
        found[str(data.SOPInstanceUID)] = data.pixel_array[TEXT[1] : TEXT[3], TEXT[0] : TEXT[2]]
    return found


def blanked(folder: Path) -> int:
    """In how many released pictures the part where the name stood is black."""
    return sum(bool((top == top[0, 0]).all()) for top in tops(folder).values())


def test_redacting_a_finding_in_pixels_blanks_its_place_on_that_device_in_the_next_release(
    screens: Road, tmp_path: Path
) -> None:
    haven = screens.haven
    before = release(haven, "screens", "all", to=tmp_path / "before", workers=1)
    assert before.states["released"] == 3, before.reasons
    untaught = blanked(tmp_path / "before")

    identifiable(screens.hospital / "dicom" / "1.dcm", haven=haven, keep=True)
    group = next(one for one in findings(haven) if one.example.finding.box)
    shown = decide(haven, group.group, "redact", check=True)
    (region,) = shown.regions
    assert region.pictures == 2
    assert region.summary()["machine"]["model"] == "Screen (2)"
    left, top, width, height = region.blank[0]
    assert left <= TEXT[0] + 5 and top <= TEXT[1] + 8
    assert left + width >= 200 and top + height >= TEXT[3] - 6
    assert not region_files(haven), "a preview teaches nothing"
    assert NAME not in json.dumps(shown.summary())

    made = decide(haven, group.group, "redact")
    (file,) = region_files(haven)
    assert NAME not in file.read_text("utf-8")
    assert len(with_files([file]).rules) > 0
    name = release(haven, "screens", "all", to=tmp_path / "after", workers=1).release
    assert name
    taught = blanked_at(tmp_path / "after", region.blank[0])
    assert taught == {"Screen (2)": 2}
    assert sections(tmp_path / "after")["terms"]["devices_sha256"]
    assert rerun(haven, name, workers=1).identical

    assert made.decision
    undo(haven, made.decision.decision_id)
    assert not region_files(haven)
    release(haven, "screens", "all", to=tmp_path / "undone", workers=1)
    assert blanked(tmp_path / "undone") == untaught
    changed = rerun(haven, name, workers=1)
    assert any("device rules changed" in change for change in changed.changes)


def blanked_at(folder: Path, box: tuple[int, int, int, int]) -> dict[str, int]:
    """How many pictures of each model are of one colour within the box."""
    left, top, width, height = box
    found: dict[str, int] = {}
    for path in folder.rglob("*.dcm"):
        data = dcmread(path)
        part = data.pixel_array[top : top + height, left : left + width]
        if (part == part[0, 0]).all():
            model = str(data.ManufacturerModelName)
            found[model] = found.get(model, 0) + 1
    return found


def test_what_a_release_finds_is_laid_to_the_machine_of_the_original(
    screens: Road,
) -> None:
    haven = screens.haven
    found = Finding(
        "x.dcm", "PixelData frame 1 box 5,6,50,10", "name", "text-in-pixels", "ocr",
        value="whoever", text="whoever", frame=1, box=(5, 6, 50, 10),
    )  # fmt: skip
    uid = "1.2.826.0.1.3680043.8.498.9.3"
    with haven.ledger.begin() as connection:
        record_release(connection, haven, "made-up", [(uid, [found], {})], default_rules())
    group = next(one for one in findings(haven) if one.example.finding.value == "whoever")
    (region,) = decide(haven, group.group, "redact", check=True).regions
    assert region.machine["model"] == "Screen 3"
    assert region.machine["software"] == "4.2 b7"
    assert region.pictures == 1
    only = decide(haven, group.group, "redact", value_only=True)
    assert only.regions == () and not region_files(haven)
    assert only.decision
    undo(haven, only.decision.decision_id)

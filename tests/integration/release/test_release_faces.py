"""A project whose profile cleans faces: a release cuts a series as one, or withholds all of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from sqlalchemy import select

from head_phantom import ball, datasets, enhanced, head, write
from imagehaven.haven import Haven, Settings
from imagehaven.ledger import schema
from imagehaven.release import release, rerun
from imagehaven.release.folder import manifest
from imagehaven.release.folder.manifest import verify_manifest
from road_to_release import Road, on_haven
from stopping import images, killed_at

PROFILE = "name: heads\nextends: research\noptions: [clean_recognizable_visual_features]\n"
STEP = 4.0
WITH_BRAIN, WITHOUT_BRAIN, LIMB = "HEAD-1", "SKULL-1", "LIMB-1"


def series(made: list[Dataset], number: int, patient: str, **tags: Any) -> list[Dataset]:
    """Give a phantom's instances UIDs, a patient and tags of their own."""
    for place, data in enumerate(made, 1):
        data.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.5{number}"
        data.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.6{number}"
        data.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.7{number}.{place}"
        data.PatientID, data.PatientName = patient, f"{patient}^Made"
        data.BurnedInAnnotation = "NO"
        for keyword, value in tags.items():
            setattr(data, keyword, value)
    return made


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole head, one as a single object, a skull without a brain, and a limb."""
    place = tmp_path_factory.mktemp("heads") / "heads"
    whole = head(step=STEP)
    made = series(datasets(whole), 1, WITH_BRAIN, BodyPartExamined="HEAD")
    write(made, place / "dicom" / "head")
    one = series([enhanced(series(datasets(whole), 2, WITH_BRAIN))], 2, WITH_BRAIN)
    write(one, place / "dicom" / "enhanced")
    skull = series(datasets(head(step=STEP, brain=False)), 3, WITHOUT_BRAIN)
    write(skull, place / "dicom" / "skull")
    limb = series(datasets(ball(35, step=4.0)), 4, LIMB, BodyPartExamined="KNEE")
    write(limb, place / "dicom" / "limb")
    return place


@pytest.fixture(scope="module")
def heads(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A haven whose profile asks for faces to go, with the originals catalogued."""
    place = tmp_path_factory.mktemp("faces")
    profile = place / "heads.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    settings = Settings(name="heads", workers=2, chunk_items=20, profile=str(profile))
    made = on_haven(Haven.create(place / "haven", settings), place, originals)
    yield made
    made.haven.ledger.close()


@pytest.fixture(scope="module")
def released(heads: Road, tmp_path_factory: pytest.TempPathFactory) -> Path:
    heads.cohort("heads")
    to = tmp_path_factory.mktemp("released") / "out"
    report = release(heads.haven, "heads", "all", to=to, workers=2)
    assert report.states["released"] + report.states["withheld"] == report.requested
    return to


def stack(files: list[Dataset]) -> np.ndarray:
    """The stored values of a series [z, y, x]."""
    files.sort(key=lambda data: float(data.ImagePositionPatient[2]))
    return np.stack([data.pixel_array for data in files])


def by_patient(road: Road, name: str, folder: Path) -> dict[str, list[Dataset]]:
    """The released files of each original patient, enhanced objects under their own key."""
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table.c.SOPInstanceUID, table.c.path).where(
                table.c.release == name, table.c.state == "released"
            )
        ).all()
    found: dict[str, list[Dataset]] = {}
    sql = "SELECT SOPInstanceUID, PatientID FROM instance"
    owner = {row["SOPInstanceUID"]: row["PatientID"] for row in road.haven.sql(sql).to_pylist()}
    for uid, path in rows:
        data = dcmread(folder / path)
        key = "enhanced" if "NumberOfFrames" in data else owner[uid]
        found.setdefault(key, []).append(data)
    return found


def ends(road: Road, name: str) -> dict[tuple[str, str, str], int]:
    """How many objects of each patient ended in each state for each reason."""
    table = schema.release_item
    with road.haven.ledger.begin() as connection:
        rows = connection.execute(
            select(table.c.SOPInstanceUID, table.c.state, table.c.reason).where(
                table.c.release == name
            )
        ).all()
    sql = "SELECT SOPInstanceUID, PatientID FROM instance"
    owner = {row["SOPInstanceUID"]: row["PatientID"] for row in road.haven.sql(sql).to_pylist()}
    found: dict[tuple[str, str, str], int] = {}
    for uid, state, reason in rows:
        key = (owner[uid], str(state), reason)
        found[key] = found.get(key, 0) + 1
    return found


def test_every_slice_of_a_head_is_cut_by_one_plane_and_the_brain_keeps_its_bits(
    heads: Road, released: Path
) -> None:
    made = by_patient(heads, "heads-all-v1-r1", released)
    phantom = head(step=STEP)
    before = np.rint(phantom.values).clip(0, 4095).astype("<u2")
    cut = stack(made[WITH_BRAIN])
    assert cut.shape == before.shape
    changed = cut != before
    assert not changed[phantom.brain].any()
    assert len(np.unique(cut[phantom.nose])) == 1
    # One plane: what goes in a slice is a wedge that only widens from the crown downwards.
    gone = changed.any(2).sum(1)
    assert gone[-1] == 0 < gone[len(gone) // 3]
    single = made["enhanced"][0].pixel_array
    assert np.array_equal(single, cut), "both objects hold one head, and were cut otherwise"


def test_geometry_and_series_stay_one_and_the_files_say_what_was_done(
    heads: Road, released: Path
) -> None:
    files = by_patient(heads, "heads-all-v1-r1", released)[WITH_BRAIN]
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({data[keyword].value for data in files}) == 1, keyword
    files.sort(key=lambda data: int(data.InstanceNumber))
    original = datasets(head(step=STEP))
    for data, old in zip(files, original, strict=True):
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
                        "Rows", "Columns", "BitsStored", "RescaleIntercept"):  # fmt: skip
            assert data[keyword].value == old[keyword].value, keyword
        assert data.SOPInstanceUID != old.SOPInstanceUID
        assert data.RecognizableVisualFeatures == "NO"
        assert data.BurnedInAnnotation == "NO"
        codes = [item.CodeValue for item in data.DeidentificationMethodCodeSequence]
        assert codes.count("113102") == 1


def test_the_manifest_names_the_profile_and_every_file_and_it_is_made_again_alike(
    heads: Road, released: Path
) -> None:
    assert verify_manifest(released) == []
    said = manifest.sections(released)
    assert said["terms"]["profile"] == "heads"
    assert said["counts"]["reasons"] == {"withheld: face-not-removed": len(head(step=STEP).values)}
    assert rerun(heads.haven, "heads-all-v1-r1", workers=2).identical


def test_a_head_that_cannot_be_defaced_is_withheld_whole_and_says_why(
    heads: Road, released: Path
) -> None:
    found = ends(heads, "heads-all-v1-r1")
    skull = {key[1:]: count for key, count in found.items() if key[0] == WITHOUT_BRAIN}
    assert skull == {("withheld", "face-not-removed"): len(head(step=STEP).values)}
    reports = "".join(file.read_text("utf-8") for file in (released / "reports").glob("*.csv"))
    assert "face-not-removed" in reports


def test_what_is_no_head_keeps_every_pixel_and_claims_nothing(heads: Road, released: Path) -> None:
    files = by_patient(heads, "heads-all-v1-r1", released)[LIMB]
    before = np.rint(ball(35, step=4.0).values).clip(0, 4095)
    assert np.array_equal(stack(files), before)
    assert all("RecognizableVisualFeatures" not in data for data in files)


def test_a_release_killed_in_between_goes_on_with_the_same_cut(
    heads: Road, released: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    assert killed_at(heads, "heads", to, 6, 0.1)
    report = release(heads.haven, "heads", "all", to=to, workers=2)
    assert report.release
    assert verify_manifest(to) == []
    assert images(to) == images(released)
    assert ends(heads, report.release) == ends(heads, "heads-all-v1-r1")


def test_a_cohort_of_a_few_slices_is_cut_by_the_plane_of_the_whole_series(
    heads: Road, released: Path, tmp_path: Path
) -> None:
    few = (
        '"""Low slices."""\n\nfrom imagehaven.cohort import cohort, instances\n\n'
        "cohort(instances.where(instances.InstanceNumber.is_in([14, 15])))\n"
    )
    heads.cohort("heads", few, "few")
    to = tmp_path / "few"
    release(heads.haven, "heads", "few", to=to, workers=2)
    whole = images(released)
    made = images(to)
    assert made
    assert {path: whole[path] for path in made} == made


def test_a_real_head_loses_its_face_and_an_empty_skull_is_withheld(
    shared: Path | None, tmp_path: Path
) -> None:
    if shared is None:
        return
    place = tmp_path / "real" / "dicom"
    shutil.copytree(shared / "ai" / "brain_t1", place / "t1")
    skull = shared / "dicom" / "CT" / "neurolabusc__dcm_qa_ct" / "series_94efab"
    shutil.copytree(skull, place / "skull")
    profile = tmp_path / "heads.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    settings = Settings(name="real", workers=2, chunk_items=60, profile=str(profile))
    road = on_haven(Haven.create(tmp_path / "haven", settings), tmp_path, tmp_path / "real")
    road.cohort("real")
    report = release(road.haven, "real", "all", to=tmp_path / "out", workers=2)
    made = [dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    before = [dcmread(path) for path in (place / "t1").glob("*.dcm")]
    assert len(made) == len(before)
    assert {data.RecognizableVisualFeatures for data in made} == {"NO"}
    assert len({data.SeriesInstanceUID for data in made}) == 1
    assert 0.02 < (stack(made) != stack(before)).mean() < 0.5
    assert report.reasons["withheld: face-not-removed"] == len(list(skull.iterdir()))
    road.haven.ledger.close()

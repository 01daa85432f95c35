"""A head is defaced, what is none passes, and what nobody can tell is withheld."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from head_phantom import ball, datasets, enhanced, head
from imagehaven.deidentify.faces import Decision, Verdict
from imagehaven.deidentify.faces.series import decide_streams


def streams(made: list[Dataset]) -> list[io.BytesIO]:
    files = []
    for data in made:
        files.append(io.BytesIO())
        data.save_as(files[-1], enforce_file_format=True)
    return files


@cache
def decided(ct: bool, part: str = "HEAD") -> Decision:
    made = datasets(head(ct=ct), ct=ct, BodyPartExamined=part)
    return decide_streams(streams(made))


def gone(decision: Decision, ct: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which voxels of the phantom go, with its brain and its nose."""
    phantom = head(ct=ct)
    z, y, x = np.indices(phantom.values.shape) * phantom.step
    points = np.stack([x, y, z], -1) + np.array(phantom.origin)
    assert decision.plane is not None
    return decision.plane.removes(points), phantom.brain, phantom.nose


@pytest.mark.parametrize("ct", [False, True], ids=["MR", "CT"])
def test_the_nose_goes_and_the_brain_stays(ct: bool) -> None:
    decision = decided(ct)
    assert decision.verdict is Verdict.REMOVE, decision.detail
    removed, brain, nose = gone(decision, ct)
    assert removed[nose].all()
    assert not removed[brain].any()
    assert decision.gone >= 0.97


def test_a_head_is_defaced_though_its_tags_name_another_part_of_the_body() -> None:
    assert decided(True, "ABDOMEN").verdict is Verdict.REMOVE


def test_the_order_of_the_files_does_not_matter() -> None:
    made = datasets(head(), BodyPartExamined="HEAD")
    assert decide_streams(streams(made[::-1])) == decided(False)


def test_a_multi_frame_instance_is_cut_along_the_plane_of_its_single_frames() -> None:
    whole = enhanced(datasets(head(), BodyPartExamined="HEAD"))
    found = decide_streams(streams([whole]))
    assert found.verdict is Verdict.REMOVE
    assert found.plane == decided(False).plane


def test_repeated_slices_are_averaged_as_echoes_and_time_points_are() -> None:
    made = datasets(head(), BodyPartExamined="HEAD")
    assert decide_streams(streams([*made, *made])).plane == decided(False).plane


@pytest.mark.parametrize("part", ["HEAD", ""])
def test_a_ball_without_a_brain_is_withheld_unless_tags_name_another_part(part: str) -> None:
    found = decide_streams(streams(datasets(ball(88), BodyPartExamined=part)))
    assert found.verdict is Verdict.WITHHOLD


def test_a_limb_passes() -> None:
    found = decide_streams(streams(datasets(ball(60), BodyPartExamined="KNEE")))
    assert found.verdict is Verdict.NO_FACE


def test_a_dry_skull_is_withheld() -> None:
    made = datasets(head(ct=True, brain=False), ct=True, BodyPartExamined="HEAD")
    assert decide_streams(streams(made)).verdict is Verdict.WITHHOLD


def test_a_brain_upside_down_is_withheld() -> None:
    made = datasets(head(ct=True), ct=True, BodyPartExamined="HEAD")
    for data in made:
        x, y, z = (float(value) for value in data.ImagePositionPatient)
        data.ImagePositionPatient = [-x, y, -z]
        data.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    assert decide_streams(streams(made)).verdict is not Verdict.NO_FACE


def test_a_few_slices_are_no_volume_and_the_tags_decide() -> None:
    for part, verdict in (
        ("HEAD", Verdict.WITHHOLD), ("", Verdict.WITHHOLD), ("CHEST", Verdict.NO_FACE),
    ):  # fmt: skip
        made = datasets(head(), BodyPartExamined=part)[40:43]
        assert decide_streams(streams(made)).verdict is verdict


def test_a_ct_without_hounsfield_units_is_withheld() -> None:
    made = datasets(head(ct=True), ct=True, BodyPartExamined="HEAD")
    for data in made:
        del data.RescaleIntercept
    assert decide_streams(streams(made)).verdict is Verdict.WITHHOLD


def test_slices_that_are_missing_are_noticed() -> None:
    made = datasets(head(), BodyPartExamined="HEAD")
    found = decide_streams(streams(made[:40] + made[60:]))
    assert found.verdict is Verdict.WITHHOLD
    assert "missing" in found.detail


def test_a_real_head_is_defaced(shared: Path | None) -> None:
    if shared is None:
        return
    files = sorted((shared / "ai" / "brain_t1").glob("*.dcm"))
    found = decide_streams([io.BytesIO(file.read_bytes()) for file in files])
    assert found.verdict is Verdict.REMOVE, found.detail


def test_a_real_chest_passes(shared: Path | None) -> None:
    if shared is None:
        return
    files = sorted((shared / "dicom/CT/drivendataorg__concept-to-clinic").rglob("*.dcm"))
    found = decide_streams([io.BytesIO(file.read_bytes()) for file in files])
    assert found.verdict is Verdict.NO_FACE, found.detail

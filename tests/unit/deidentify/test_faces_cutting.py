"""A cut instance differs from its original in what goes, and in nothing else."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from head_phantom import datasets, enhanced, head, write
from imagehaven.deidentify import deface, deidentify
from imagehaven.deidentify.faces import REASON, Decision, Verdict, without_face
from imagehaven.deidentify.faces.shear import Plane
from imagehaven.dicom.header import read_header
from imagehaven.dicom.pixels import decode_frames, shape_of
from imagehaven.dicom.recode import encode_frame, recoding_of
from imagehaven.errors import UserError, Withheld

SERIES = "1.2.826.0.1.3680043.8.498.6"
CUT = Decision(Verdict.REMOVE, "", Plane((0.0, -1.0, 0.0), 40.0, -60.0), air=-1000.0)
PASS = Decision(Verdict.NO_FACE, "")


def stream_of(data: Dataset) -> io.BytesIO:
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file


def instance(ct: bool = True, number: int = 60) -> Dataset:
    return datasets(head(ct=ct), ct=ct)[number]


def encoded(data: Dataset, syntax: str) -> Dataset:
    if syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        if syntax == JPEGLSLossless:
            data.BitsStored, data.HighBit = 16, 15
        file = stream_of(data)
        header = read_header(file, len(file.getvalue()))
        shape, words = shape_of(header), data.pixel_array
        recoding = recoding_of(syntax, shape)
        assert recoding.same
        frame = encode_frame(words, recoding, replace(header, transfer_syntax=syntax), shape)
        data.PixelData = encapsulate([frame])
        data["PixelData"].is_undefined_length = True
        data["PixelData"].VR = "OB"
    elif syntax == ExplicitVRBigEndian:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    return data


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        RLELossless,
        JPEG2000Lossless,
        JPEGLSLossless,
    ],
)
def test_only_voxels_beyond_the_plane_change_and_the_transfer_syntax_stays(syntax: str) -> None:
    data = instance()
    before = data.pixel_array.copy()
    made = without_face(stream_of(encoded(data, syntax)), {SERIES: CUT})
    header = read_header(made, made.seek(0, io.SEEK_END))
    assert header.transfer_syntax == syntax
    (after,) = decode_frames(made, header)
    y = data.ImagePositionPatient[1] + np.arange(data.Rows) * data.PixelSpacing[0]
    gone = np.broadcast_to((-y > 40)[:, None], before.shape)
    assert np.array_equal(after[~gone], before[~gone])
    assert (after[gone] == 24).all()  # -1000 Hounsfield units, rescaled


def test_bits_that_no_value_uses_stay_where_the_pixel_stays() -> None:
    data = instance()
    words = np.frombuffer(data.PixelData, "<u2") | 0x5000
    data.PixelData = words.tobytes()
    after = dcmread(without_face(stream_of(data), {SERIES: CUT}))
    new = np.frombuffer(after.PixelData, "<u2").reshape(data.Rows, data.Columns)
    assert (new[-1] >> 12 == 5).all()
    assert (new[0] == 24).all()


def test_slices_below_the_floor_stay() -> None:
    data = instance(number=2)
    after = dcmread(without_face(stream_of(data), {SERIES: CUT}))
    assert after.PixelData == data.PixelData


def test_frames_of_a_multi_frame_instance_are_cut_each_at_its_own_place() -> None:
    single = datasets(head(ct=True), ct=True)[30:34]
    tilted = Decision(Verdict.REMOVE, "", Plane((0.0, -0.8, -0.6), 40.0, -200.0), air=-1000.0)
    after = dcmread(without_face(stream_of(enhanced(single)), {SERIES: tilted}))
    for frame, data in zip(after.pixel_array, single, strict=True):
        alone = dcmread(without_face(stream_of(data), {SERIES: tilted}))
        assert np.array_equal(frame, alone.pixel_array)


def test_the_instance_says_what_was_done() -> None:
    data = instance()
    data.RecognizableVisualFeatures = "YES"
    data.IconImageSequence = [Dataset()]
    after = dcmread(without_face(stream_of(data), {SERIES: CUT}))
    assert after.RecognizableVisualFeatures == "NO"
    assert [item.CodeValue for item in after.DeidentificationMethodCodeSequence] == ["113102"]
    assert "IconImageSequence" not in after


def test_an_instance_without_a_face_is_the_very_stream() -> None:
    file = stream_of(instance())
    assert without_face(file, {SERIES: PASS}) is file


def test_a_series_that_nobody_looked_at_is_withheld() -> None:
    with pytest.raises(Withheld) as told:
        without_face(stream_of(instance()), {})
    assert told.value.reason == REASON


def test_surfaces_that_cannot_be_cut_are_withheld_unless_they_show_another_part() -> None:
    data = instance()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
    with pytest.raises(Withheld):
        without_face(stream_of(data), {SERIES: CUT})
    data.BodyPartExamined = "KNEE"
    file = stream_of(data)
    assert without_face(file, {}) is file


def test_the_verb_cuts_a_folder_and_accounts_for_every_file(tmp_path: Path) -> None:
    source = write(datasets(head(ct=True), ct=True, BodyPartExamined="HEAD"), tmp_path / "in")
    (source / "notes.txt").write_text("no image")
    told = deface(source, tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*.dcm"))
    assert told.changed == len(files) == told.found - 1
    assert [entry.reason for entry in told.left] == ["not-dicom"]
    assert told.series == {"remove": 1}


def test_the_verb_writes_nothing_when_it_only_checks(tmp_path: Path) -> None:
    source = write(datasets(head())[40:43], tmp_path / "in")
    told = deface(source, tmp_path / "out", check=True)
    assert not (tmp_path / "out").exists()
    assert {entry.reason for entry in told.left} == {REASON}


def test_the_verb_never_writes_among_the_originals(tmp_path: Path) -> None:
    source = write(datasets(head())[40:43], tmp_path / "in")
    with pytest.raises(UserError):
        deface(source, source / "out")
    with pytest.raises(UserError):
        deface(tmp_path / "absent", tmp_path / "out")


def test_a_profile_with_the_option_cuts_faces_while_de_identifying(tmp_path: Path) -> None:
    source = write(datasets(head(ct=True), ct=True, BodyPartExamined="HEAD"), tmp_path / "in")
    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    profile = tmp_path / "faces.yaml"
    profile.write_text(with_option(), encoding="utf-8")
    told = deidentify(source, tmp_path / "out", key=key, profile=str(profile), workers=1)
    assert told.released == told.found, told.summary()
    phantom = head(ct=True)
    made = [dcmread(file) for file in (tmp_path / "out").rglob("*.dcm")]
    made.sort(key=lambda data: float(data.ImagePositionPatient[2]))
    stack = np.stack([data.pixel_array for data in made])
    assert (stack[phantom.nose] == 24).all()
    before = np.rint(phantom.values + 1024).clip(0, 4095)
    assert np.array_equal(stack[phantom.brain], before[phantom.brain])


def with_option() -> str:
    """The research profile with faces cleaned, as a site would write it."""
    return "name: faces\nextends: research\noptions: [clean_recognizable_visual_features]\n"

"""The files of a synthetic hospital, as a reader finds them."""

import hashlib
import io
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.datadict import private_dictionary_VR

from imagehaven.errors import UserError
from imagehaven.synth import plan_patient, synthesise
from imagehaven.synth.chance import noise
from imagehaven.synth.filing.encode import SYNTAXES
from imagehaven.synth.patient import make_study
from imagehaven.synth.planting.leaks import sites


def test_every_instance_is_read_and_decoded_by_pydicom(hospital):
    syntaxes = set()
    for row, content in hospital.instances():
        ds = pydicom.dcmread(io.BytesIO(content))
        assert row["SOPInstanceUID"] == ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        str(ds)  # every value of every depth is converted, without a warning
        syntaxes.add(ds.file_meta.TransferSyntaxUID)
        if "PixelData" in ds:
            assert ds.pixel_array.size
    assert syntaxes == set(SYNTAXES.values())


@pytest.mark.parametrize("n", range(10))
def test_lossless_transfer_syntaxes_give_back_the_pixels(n):
    plan = plan_patient(2, n)
    for made in [one for study in plan.studies for one in make_study(plan, study)]:
        if made.instance.frames is None:
            continue
        ds = pydicom.dcmread(io.BytesIO(made.content))
        if ds.file_meta.TransferSyntaxUID != SYNTAXES["jpeg"]:
            np.testing.assert_array_equal(
                ds.pixel_array.reshape(made.instance.frames.shape), made.instance.frames
            )


def test_the_files_on_disk_are_those_of_the_key(hospital):
    listed = {row["file"].split("!/")[0] for row in hospital.key("files.csv")}
    found = {
        str(path.relative_to(hospital.root))
        for path in (hospital.root / "dicom").rglob("*")
        if path.is_file()
    }
    assert found == listed


def test_references_point_at_instances_that_exist(hospital):
    datasets = [pydicom.dcmread(io.BytesIO(content)) for _, content in hospital.instances()]
    uids = {ds.SOPInstanceUID for ds in datasets}
    cited = {
        element.value
        for ds in datasets
        if ds.Modality in {"SEG", "RTSTRUCT", "SR", "PR", "PT"}
        for element in ds.iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    }
    studies = {ds.StudyInstanceUID for ds in datasets}
    assert cited
    assert cited <= uids | studies


def test_slices_of_a_series_lie_one_behind_the_other(hospital):
    stacks = {}
    for row, content in hospital.instances():
        if row["modality"] in {"CT", "MR", "PT"} and row["state"] == "catalogued":
            ds = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
            if "ImagePositionPatient" in ds:
                stacks.setdefault(ds.SeriesInstanceUID, []).append(ds)
    assert stacks
    for stack in stacks.values():
        places = [float(ds.ImagePositionPatient[2]) for ds in stack]
        assert len(set(places)) == len(places)
        assert len({ds.FrameOfReferenceUID for ds in stack}) == 1


def test_a_dicomdir_leads_to_every_file_of_its_disc(hospital):
    path = next((hospital.root / "dicom").rglob("DICOMDIR"))
    root = pydicom.dcmread(path)
    kinds = [record.DirectoryRecordType for record in root.DirectoryRecordSequence]
    assert kinds[:2] == ["PATIENT", "STUDY"]
    files = {
        path.parent.joinpath(*record.ReferencedFileID)
        for record in root.DirectoryRecordSequence
        if record.DirectoryRecordType == "IMAGE"
    }
    assert files == set((path.parent / "DICOM").iterdir())
    offsets = {record.seq_item_tell for record in root.DirectoryRecordSequence}
    lower = [
        record.OffsetOfReferencedLowerLevelDirectoryEntity
        for record in root.DirectoryRecordSequence
        if record.DirectoryRecordType != "IMAGE"
    ]
    assert set(lower) <= offsets


def test_a_letter_is_a_pdf_with_its_text(hospital):
    letters = [
        bytes(pydicom.dcmread(io.BytesIO(content)).EncapsulatedDocument)
        for row, content in hospital.instances()
        if row["modality"] == "DOC"
    ]
    squeezed = [letter for letter in letters if b"FlateDecode" in letter]
    assert letters and squeezed and len(squeezed) < len(letters)
    for letter in letters:
        body = letter.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]
        text = zlib.decompress(body) if letter in squeezed else body
        assert b"Radiology report" in text


def test_a_second_call_with_the_same_wish_gives_the_same_bytes(tmp_path):
    def digest():
        return {
            str(path.relative_to(tmp_path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(tmp_path.rglob("*"))
            if path.is_file()
        }

    seen = []
    first = synthesise(tmp_path, patients=4, seed=9, progress=lambda *done: seen.append(done))
    before = digest()
    second = synthesise(tmp_path, patients=4, seed=9)
    assert first == second
    assert digest() == before
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        synthesise(tmp_path, patients=1, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_hospital_without_patients_is_refused(tmp_path):
    with pytest.raises(UserError, match="one patient or more"):
        synthesise(tmp_path / "new", patients=0, seed=1)


def test_chance_hangs_on_its_purpose_alone():
    assert noise(1, "a").integers(1000) == noise(1, "a").integers(1000)
    assert noise(1, "a").integers(10**9) != noise(1, "b").integers(10**9)


def test_private_leak_sites_do_not_contradict_the_private_dictionary():
    private = [step for site in sites() for step in site["at"] if isinstance(step, dict)]
    for step in filter(lambda step: step["creator"], private):
        tag = (step["group"], 0x1000 + step["element"])
        try:
            assert private_dictionary_VR(tag, step["creator"]) == step["vr"]
        except KeyError:
            assert step["vr"] in {"LO", "LT", "UN"}, "an element that no dictionary knows"


def test_a_check_writes_nothing_and_foretells_the_counts(hospital, tmp_path):
    told = synthesise(tmp_path / "new", patients=30, seed=11, check=True).summary()
    made = hospital.summary.summary()
    assert not (tmp_path / "new").exists()
    for name in ("identifiers", "identifiers_by_kind"):
        told.pop(name), made.pop(name)
    assert told == made


def test_a_check_refuses_what_the_real_call_would_refuse(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        synthesise(tmp_path, patients=1, seed=1, check=True)

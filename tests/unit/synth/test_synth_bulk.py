"""Headers by the thousand."""

import io
import json
import zipfile

import pydicom
import pytest

from imagehaven.errors import UserError
from imagehaven.synth import is_chi, synthesise, synthesise_headers


def members(root):
    for path in sorted((root / "dicom").rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def test_every_instance_is_its_own_and_the_totals_add_up(tmp_path):
    summary = synthesise(tmp_path, instances=2100, seed=3)
    datasets = [pydicom.dcmread(io.BytesIO(content)) for content in members(tmp_path)]
    assert len(datasets) == 2100
    for keyword, count in (
        ("SOPInstanceUID", 2100),
        ("SeriesInstanceUID", summary.series),
        ("StudyInstanceUID", summary.studies),
        ("PatientID", summary.patients),
    ):
        assert len({ds[keyword].value for ds in datasets}) == count
    found = {}
    for ds in datasets:
        found[ds.Modality] = found.get(ds.Modality, 0) + 1
        assert is_chi(ds.PatientID)
        assert ds.PatientID[:4] == ds.PatientBirthDate[6:] + ds.PatientBirthDate[4:6]
        assert int(ds.PatientID[8]) % 2 == (ds.PatientSex == "M")
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert found == summary.modalities
    expected = json.loads((tmp_path / "answer_key/expected.json").read_text())
    assert expected["catalogued"] == 2100
    assert expected["quarantined"] == {}


def test_a_killed_run_goes_on_where_it_was_and_ends_the_same(tmp_path):
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    synthesise_headers(whole, 1500, 3)
    synthesise_headers(halved, 1500, 3)
    (halved / "dicom/bulk/000001.zip").unlink()
    (halved / "dicom/bulk/000001.part").write_bytes(b"cut")
    synthesise_headers(halved, 1500, 3)
    assert list(members(whole)) == list(members(halved))
    assert not list(halved.rglob("*.part"))


def test_a_shard_can_be_a_folder_and_have_pixels(tmp_path):
    summary = synthesise_headers(tmp_path, 300, 3, pixels=True, container="folder")
    files = list((tmp_path / "dicom").rglob("*.dcm"))
    assert (len(files), summary.archives) == (300, 0)
    datasets = [pydicom.dcmread(path) for path in files]
    assert any("PixelData" in ds and ds.pixel_array.size for ds in datasets)


def test_a_folder_of_another_wish_is_refused(tmp_path):
    synthesise_headers(tmp_path, 10, 3)
    with pytest.raises(UserError, match="not made with these options"):
        synthesise_headers(tmp_path, 11, 3)


def test_a_check_writes_nothing_and_foretells_the_counts(tmp_path):
    told = synthesise(tmp_path / "new", instances=150, seed=3, check=True)
    assert not (tmp_path / "new").exists()
    assert told == synthesise(tmp_path / "new", instances=150, seed=3)

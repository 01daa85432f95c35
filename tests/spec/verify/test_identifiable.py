"""`identifiable` looks through any file, and tells places that a person can go to."""

import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imagehaven.errors import UserError
from imagehaven.verify import identifiable


def places(path, **options):
    return {(f.file, f.location, f.value_class) for f in identifiable(path, **options)}


def test_text_is_told_by_line(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing here\nCHI 010190 1232 seen by Dr Abernethy\nlives in EH12 9DN\n")
    assert places(path) == {
        ("notes.txt", "line 2", "chi"),
        ("notes.txt", "line 2", "name"),
        ("notes.txt", "line 3", "postcode"),
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_in_the_encodings_that_people_save(encoding, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes("é 0101901232".encode(encoding))
    assert places(path) == {("notes.txt", "line 1", "chi")}


def test_tables_are_told_by_row_and_column(tmp_path):
    csv_path = tmp_path / "t.csv"
    csv_path.write_text('study,surname,note\n1,Quist,"ok"\n2,Vance,"mail a.b@nhs.scot"\n')
    assert places(csv_path) == {
        ("t.csv", "row 1, column surname", "name"),
        ("t.csv", "row 2, column note", "email"),
    }
    pq_path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": [1, 101901232], "note": ["fine", "DD1 9SY"]}), pq_path)
    assert places(pq_path) == {
        ("t.parquet", "row 2, column n", "chi"),
        ("t.parquet", "row 2, column note", "postcode"),
    }


def test_json_is_told_by_its_path(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"a": [{"note": "x"}, {"note": "0101901232", "dob": "unsaid"}]}))
    assert places(path) == {("t.json", "$.a[1].note", "chi"), ("t.json", "$.a[1].dob", "date")}


def test_json_that_is_broken_is_read_as_text(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"a": \n"0101901232"')
    assert places(path) == {("t.json", "line 2", "chi")}


def test_folders_and_archives_are_walked_with_their_names(tmp_path):
    inner = tmp_path / "0101901232"
    inner.mkdir()
    (inner / "a.txt").write_text("fine")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("c/d.txt", "EH12 9DN")
    seen = []
    assert places(tmp_path, progress=seen.append) == {
        ("0101901232/a.txt", "file-name", "chi"),
        ("b.zip!/c/d.txt", "line 1", "postcode"),
    }
    assert seen == [1, 2]


def test_what_cannot_be_read_is_a_finding(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 ...")
    (tmp_path / "blob.bin").write_bytes(bytes(range(256)))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1....")
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4....")
    (tmp_path / "empty.txt").write_bytes(b"")
    found = identifiable(tmp_path)
    assert {f.rule for f in found} == {"could-not-check"}
    assert {f.file for f in found} == {"scan.pdf", "blob.bin", "bad.parquet", "bad.zip"}


def test_a_path_that_does_not_exist_is_a_user_error(tmp_path):
    with pytest.raises(UserError):
        identifiable(tmp_path / "nothing")


def test_a_dicom_file_alone_tells_its_own_patient(tmp_path):
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PatientName = "Quist^Torvald"
    dataset.ImageComments = "discussed with QUIST"
    dataset.save_as(tmp_path / "quist1.dcm")
    found = places(tmp_path)
    assert ("quist1.dcm", "PatientName", "name") in found
    assert ("quist1.dcm", "ImageComments", "name") in found
    assert ("quist1.dcm", "PatientID", "other-id") in found
    assert not any(place.startswith("StudyDate") for _, place, _ in found)


def test_a_file_that_declares_itself_deidentified_may_carry_one_pseudonym(tmp_path):
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    for keyword in ("PatientID", "PatientName"):
        setattr(dataset, keyword, "P-7f3k9q2m")
    for element in dataset:
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
            element.value = "2.25.271828182845904523536028747135266249"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstitutionName = ""
    del dataset.file_meta.SourceApplicationEntityTitle
    del dataset.OtherPatientIDsSequence
    dataset.pop(0xFFFCFFFC, None)
    path = tmp_path / "a.dcm"
    dataset.save_as(path)
    raw = {"PatientID", "PatientName", "StationName", "StudyID"}
    assert {place for _, place, _ in places(path)} == raw
    dataset.PatientIdentityRemoved = "YES"
    dataset.save_as(path)
    assert places(path) == set()
    dataset.PatientName = "Quist^Torvald"
    dataset.save_as(path)
    assert {place for _, place, _ in places(path)} == {"PatientName"}


def test_findings_hold_no_values(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Dr Abernethy, 0101901232")
    told = json.dumps([finding.to_dict() for finding in identifiable(path)])
    assert "Abernethy" not in told and "0101901232" not in told

"""An identifier that survives in a written file is found, wherever in the file it stands.

Real files are blanked by this test itself, checked to be clean, then one identifier is planted.
"""

import zlib

import pytest
from pydicom import Dataset, Sequence, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.uid import DeflatedExplicitVRLittleEndian

from imagehaven.verify import AllowedValues, known_identifiers, verify_file

SOURCE = {
    "00100010": {
        "vr": "PN",
        "Value": [{"Alphabetic": "Drummond^Elspeth", "Ideographic": "山田^太郎"}],
    },
    "00100020": {"vr": "LO", "Value": ["0101901232"]},
    "00100030": {"vr": "DA", "Value": ["19640412"]},
    "00080020": {"vr": "DA", "Value": ["20200315"]},
    "00080050": {"vr": "SH", "Value": ["E7788990"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.826.0.1.3680043.8.498.1234567"]},
}
KNOWN = known_identifiers(SOURCE)
FILES = ["CT_small.dcm", "MR_small_bigendian.dcm", "rtplan.dcm", "US1_J2KR.dcm", "reportsi.dcm"]
BLANKED_VRS = {"PN", "UI", "DA", "DT", "LO", "SH", "LT", "ST", "UT"}


def blank(dataset):
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                blank(item)
        elif element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
            element.value = "2.25.271828182845904523536028747135266249"
        elif element.VR in BLANKED_VRS - {"UI"} or element.tag.is_private:
            element.value = b"" if element.VR in ("OB", "UN", "OW") else None


def clean(name):
    dataset = dcmread(get_testdata_file(name))
    blank(dataset)
    blank(dataset.file_meta)
    dataset.remove_private_tags()
    dataset.file_meta.pop("SourceApplicationEntityTitle", None)
    for tag in [0xFFFCFFFC]:
        dataset.pop(tag, None)
    dataset.preamble = b"\0" * 128
    dataset.PatientID = "P-7f3k9q2m"
    dataset.StudyDate = "20180704"
    return dataset


def write(dataset, path, extra=b""):
    dataset.save_as(path, enforce_file_format=False)
    if extra:
        path.write_bytes(path.read_bytes() + extra)
    return path


def nest(dataset, depth, leaf):
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedSeriesSequence = Sequence([leaf])
        leaf = outer
    dataset.RequestAttributesSequence = Sequence([leaf])


def leaf(**values):
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def private(dataset, vr, value):
    block = dataset.private_block(0x0009, "HARBOUR 1.0", create=True)
    block.add_new(0x01, vr, value)


def unreserved(dataset):
    dataset.add(DataElement(0x00111001, "UN", b"xx Drummond yy\0"))


def file_meta(dataset):
    dataset.file_meta.SourceApplicationEntityTitle = "DRUMMOND"


def private_information(dataset):
    dataset.file_meta.PrivateInformationCreatorUID = "2.25.1"
    dataset.file_meta.PrivateInformation = b"id=0101901232\0"


def overlay(dataset):
    dataset.add_new(0x60003000, "OW", b"\1\2\3Elspeth Drummond\0\0\0")


PLANTS = {
    "name in a description": lambda d: setattr(d, "StudyDescription", "CT for E DRUMMOND"),
    "name in a code string": lambda d: setattr(d, "BodyPartExamined", "DRUMMOND"),
    "name, kana and kanji": lambda d: (
        setattr(d, "SpecificCharacterSet", "ISO_IR 192"),
        setattr(d, "ImageComments", "連絡 山田"),
    ),
    "chi in an accession number": lambda d: setattr(d, "AccessionNumber", "0101901232"),
    "chi spaced in a study id": lambda d: setattr(d, "StudyID", "010190 1232"),
    "chi in a decimal string": lambda d: setattr(d, "PatientWeight", "101901232"),
    "chi as an integer": lambda d: setattr(d, "SelectorULValue", 101901232),
    "chi in a uid": lambda d: setattr(d, "FrameOfReferenceUID", "1.2.826.0.1.101901232.7"),
    "source uid": lambda d: setattr(d, "FrameOfReferenceUID", "1.2.826.0.1.3680043.8.498.1234567"),
    "uid below the source uid": lambda d: setattr(
        d, "FrameOfReferenceUID", "1.2.826.0.1.3680043.8.498.1234567.1"
    ),
    "birth date at another element": lambda d: setattr(d, "ContentDate", "19640412"),
    "study date unchanged": lambda d: setattr(d, "StudyDate", "20200315"),
    "study date in text": lambda d: setattr(d, "ImageComments", "as on 15 March 2020"),
    "name in a date": lambda d: d.add(DataElement(0x00080023, "LO", "Drummond")),
    "accession in a sequence": lambda d: nest(d, 0, leaf(AccessionNumber="E7788990")),
    "name four deep": lambda d: nest(d, 4, leaf(RequestedProcedureDescription="drummond")),
    "name two hundred deep": lambda d: nest(d, 200, leaf(RequestedProcedureDescription="drummond")),
    "other patient ids": lambda d: setattr(
        d, "OtherPatientIDsSequence", Sequence([leaf(PatientID="010-190-1232")])
    ),
    "private text": lambda d: private(d, "LO", "Elspeth D."),
    "private bytes": lambda d: private(d, "UN", b"\0\1\2\3DRUMMOND\0\xff"),
    "private bytes, 16 bits": lambda d: private(d, "OB", b"\1\2" + "Drummond".encode("utf-16-le")),
    "private bytes, shift-jis": lambda d: private(
        d, "OB", b"\1\2" + "山田太郎".encode("shift_jis")
    ),
    "private bytes, long text": lambda d: private(d, "OB", b"a b\n" * 2000 + b"x 0101 901 232 y "),
    "private creator": lambda d: d.private_block(0x0009, "DRUMMOND 1.0", create=True).add_new(
        1, "LO", "x"
    ),
    "private without creator": unreserved,
    "file meta": file_meta,
    "private information": private_information,
    "preamble": lambda d: setattr(d, "preamble", b"II*\0 Drummond".ljust(128, b"\0")),
    "overlay data": overlay,
    "padding after the data set": lambda d: d.add_new(0xFFFCFFFC, "OB", b"\0\0DRUMMOND"),
    "after a NUL": lambda d: setattr(d, "ImageComments", "ok\0Drummond"),
    "second of many values": lambda d: setattr(d, "ImageType", ["ORIGINAL", "PRIMARY", "DRUMMOND"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_blanked_real_file_has_no_findings(name, tmp_path):
    path = write(clean(name), tmp_path / "a.dcm")
    burned_in = {"US1_J2KR.dcm"}  # these elements are blank; the picture shows a hospital's name
    findings = verify_file(path, KNOWN)
    assert [f for f in findings if f.rule != "text-in-pixels"] == []
    assert bool(findings) == (name in burned_in)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "reportsi.dcm"])
@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_identifier_blocks_the_file(plant, name, tmp_path):
    dataset = clean(name)
    PLANTS[plant](dataset)
    findings = verify_file(write(dataset, tmp_path / "a.dcm"), KNOWN)
    assert findings, plant
    found = [f for f in findings if not (f.rule == "could-not-check" and f.location == "PixelData")]
    assert found, "too deep for the decoder, perhaps, but the element is told"
    assert all(f.rule != "could-not-check" and f.value is None for f in found)


@pytest.mark.parametrize(
    "extra",
    [
        b"DRUMMOND",
        b"Elspeth",
        b"\0\0CHI 010190 1232",
        "Drummond".encode("utf-16-be"),
        "山田".encode(),
        b"nobody known but Dr Abernethy",
        b"1.2.826.0.1.3680043.8.498.1234567",
    ],
)
@pytest.mark.parametrize("name", ["CT_small.dcm", "US1_J2KR.dcm"])
def test_bytes_after_the_data_set_are_searched(extra, name, tmp_path):
    assert verify_file(write(clean(name), tmp_path / "a.dcm", b"\0\1" + extra), KNOWN)


def test_a_deflated_file_is_searched_inflated(tmp_path):
    dataset = clean("CT_small.dcm")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = write(dataset, tmp_path / "a.dcm")
    assert verify_file(path, KNOWN) == []
    dataset.ImageComments = "Drummond"
    assert verify_file(write(dataset, path), KNOWN)
    assert zlib.crc32(path.read_bytes())  # the name is not readable in the file as it stands
    assert b"Drummond" not in path.read_bytes()


def test_file_and_folder_names_are_scanned(tmp_path):
    folder = tmp_path / "DRUMMOND_E"
    folder.mkdir()
    path = write(clean("CT_small.dcm"), folder / "a.dcm")
    assert verify_file(path, KNOWN) == []
    assert [f.location for f in verify_file(path, KNOWN, root=tmp_path)] == ["file-name"]
    assert verify_file(write(clean("CT_small.dcm"), tmp_path / "0101901232.dcm"))


def test_what_cannot_be_checked_blocks_like_a_finding(tmp_path):
    whole = write(clean("CT_small.dcm"), tmp_path / "whole.dcm").read_bytes()
    broken = {
        "empty.dcm": b"",
        "text.dcm": b"hello" * 100,
        "no-syntax.dcm": whole[:140] + b"\xff" * 400,
    }
    for name, data in broken.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert "could-not-check" in {f.rule for f in verify_file(path, KNOWN)}, name
    assert [f.rule for f in verify_file(tmp_path / "gone.dcm", KNOWN)] == ["could-not-check"]


def test_allowed_values_hide_the_projects_own_values_but_no_identifier_of_the_patient(tmp_path):
    dataset = clean("CT_small.dcm")
    dataset.PatientName = "Harris^Fiona"
    dataset.ImageComments = "shifted to 2018-07-04"
    path = write(dataset, tmp_path / "a.dcm")
    assert {f.rule for f in verify_file(path, KNOWN)} == {"caret-name", "written-date"}
    own = frozenset({"Harris^Fiona", "P-7f3k9q2m"})
    allowed = AllowedValues(own, frozenset({"20180704"}))
    assert verify_file(path, KNOWN, allowed=allowed) == []
    dataset.ImageComments = "Drummond"
    dataset.AccessionNumber = "0101901232"
    hole = AllowedValues(own | {"Drummond", "0101901232"}, frozenset({"19640412"}))
    found = verify_file(write(dataset, path), KNOWN, allowed=hole)
    assert {f.location for f in found} == {"ImageComments", "AccessionNumber"}
    # Nothing is known of the patient: the check digit alone is not waived either.
    assert [f.rule for f in verify_file(path, None, allowed=hole)] == ["chi-number"]


def test_values_are_in_findings_only_where_they_were_asked_for(tmp_path):
    dataset = clean("CT_small.dcm")
    dataset.ImageComments = "Drummond"
    path = write(dataset, tmp_path / "a.dcm")
    (plain,) = verify_file(path, KNOWN)
    assert plain.value is None and plain.shape == "Aaaaaaaa" and "value" not in plain.to_dict()
    (shown,) = verify_file(path, KNOWN, with_values=True)
    assert shown.value.lower() == "drummond"


def test_a_wrong_character_set_hides_nothing(tmp_path):
    known = known_identifiers(
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müllerová^Zdeňka"}]}}
    )
    for declared, encoding in [
        ("ISO_IR 6", "latin-1"),
        ("ISO_IR 144", "utf-8"),
        ("ISO_IR 100", "iso8859-2"),
    ]:
        dataset = clean("CT_small.dcm")
        dataset.SpecificCharacterSet = declared
        dataset.add(DataElement(0x00204000, "UN", "xx Müllerová".encode(encoding)))
        assert verify_file(write(dataset, tmp_path / "a.dcm"), known), declared

"""What the public challenge never checks: each stricter check passes, and fails where it should."""

import importlib
import shutil
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from imagehaven.dicom.quiet import quiet_pydicom

# The benchmarks are no part of the installed package.
sys.path.append(str(Path(__file__).resolve().parents[3]))
key = importlib.import_module("benchmarks.deid.midi.corpus.key")
expected = importlib.import_module("benchmarks.deid.midi.corpus.expected")
hospital = importlib.import_module("benchmarks.deid.midi.corpus.hospital")
planting = importlib.import_module("benchmarks.deid.midi.corpus.planting")
strict = importlib.import_module("benchmarks.deid.midi.scoring.strict")

CT = Path(str(get_testdata_file("CT_small.dcm")))
_INSTANCE, _DATE, _PATIENT = "<(0008,0018)>", "<(0008,0020)>", "<(0010,0020)>"


def _case(*checks, instance="1.2.1", **values):
    made = key.Case("a.dcm", "real", "P", "1.2.3", "1.2.4", instance, "", "CT", **values)
    made.add(checks)
    return made


def _check(action, place, value):
    return key.Check(action, place, value, value)


@pytest.mark.parametrize(
    ("action", "place", "value", "now", "passed"),
    [
        ("uid_changed", _INSTANCE, "1.2.1", "2.25.7", True),
        ("uid_changed", _INSTANCE, "1.2.1", "", False),
        ("uid_changed", _INSTANCE, "1.2.1", "2.25.07", False),
        ("date_shifted", _DATE, "20240305", "20230301", True),
        ("date_shifted", _DATE, "20240305", "", False),
        ("patid_consistent", _PATIENT, "P1", "", False),
    ],
)
def test_what_has_to_be_replaced_may_not_be_deleted(action, place, value, now, passed):
    case = _case(_check(action, place, value))
    assert [one.passed for one in strict.replaced(case, {place: now})] == [passed]


@pytest.mark.parametrize(
    ("dates", "passed"),
    [(("20240105", "20240206"), 2), (("20240105", "20240207"), 1), (("20240305", "20240406"), 0)],
)
def test_all_dates_of_a_patient_move_by_one_interval(dates, passed):
    later = "<(0008,0021)>"
    case = _case(
        _check("date_shifted", _DATE, "20240305"), _check("date_shifted", later, "20240406")
    )
    here = dict(zip((_DATE, later), dates, strict=True))
    assert sum(one.passed for one in strict.intervals([(case, here)])) == passed


def test_two_uids_may_not_become_one():
    one = _case(_check("uid_consistent", _INSTANCE, "1.2.1"))
    other = _case(_check("uid_consistent", _INSTANCE, "1.2.2"), instance="1.2.2")
    apart = [(one, {_INSTANCE: "2.25.1"}), (other, {_INSTANCE: "2.25.2"})]
    alike = [(one, {_INSTANCE: "2.25.1"}), (other, {_INSTANCE: "2.25.1"})]
    assert all(judged.passed for judged in strict.one_to_one(apart))
    assert not any(judged.passed for judged in strict.one_to_one(alike))


@pytest.mark.parametrize(("now", "passed"), [("2.25.2", True), ("2.25.3", False)])
def test_a_reference_into_the_release_points_at_what_is_there(now, passed):
    place = "<(0008,1140)>[<0000>]<(0008,1155)>"
    citing = _case(_check("uid_consistent", place, "1.2.2"))
    cited = _case(instance="1.2.2")
    found = [(citing, {place: now}), (cited, {_INSTANCE: "2.25.2"})]
    assert [one.passed for one in strict.references(found)] == [passed]


def _with_plane(ink, **texts):
    dataset = Dataset()
    dataset.add_new(0x60003000, "OW", ink)
    for name, value in texts.items():
        dataset.add_new(0x60000000 | int(name[1:], 16), "LO", value)
    return dataset


@pytest.mark.parametrize(
    ("released", "passed"),
    [
        (_with_plane(b"\0\0"), True),
        (Dataset(), True),
        (_with_plane(b"\1\0"), False),
        (_with_plane(b"\0\0", x1500="label"), False),
        (_with_plane(b"\0\0", x4000="comment"), False),
    ],
)
def test_no_text_of_an_overlay_stays_in_its_elements_or_its_plane(released, passed):
    case = _case(drawn={0x6000})
    assert [one.passed for one in strict.overlay(case, _with_plane(b"\7\0"), released)] == [passed]


def test_a_drawing_in_which_nobody_wrote_may_stay():
    plane = _with_plane(b"\7\0")
    assert [one.passed for one in strict.overlay(_case(), plane, plane)] == [True]


@pytest.mark.parametrize("what", ["preamble", "title", "instance", "padding"])
def test_the_part_around_the_data_set_is_looked_at(what, tmp_path):
    path = tmp_path / "a.dcm"
    with quiet_pydicom():
        dataset = pydicom.dcmread(CT)
        padding = dataset.pop(0xFFFCFFFC)
        dataset.preamble = bytes(128)
        dataset.file_meta.pop("SourceApplicationEntityTitle", None)
        assert strict.file_meta(_case(), dataset, path).passed
        if what == "preamble":
            dataset.preamble = b"II*\0".ljust(128, b"\0")
        elif what == "title":
            dataset.file_meta.SourceApplicationEntityTitle = "CT1"
        elif what == "padding":
            dataset.add(padding)
        else:
            dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        assert not strict.file_meta(_case(), dataset, path).passed


def test_a_new_error_is_seen_though_the_source_had_another_of_its_kind(tmp_path):
    source, released = tmp_path / "source.dcm", tmp_path / "released.dcm"
    with quiet_pydicom():
        dataset = pydicom.dcmread(CT)
        del dataset.StudyInstanceUID
        dataset.save_as(source)
        shutil.copyfile(source, released)
        same = list(strict.dciodvfy(_case(), source, released))
        del dataset.SeriesInstanceUID
        dataset.save_as(released)
    worse = list(strict.dciodvfy(_case(), source, released))
    # Nothing is judged where dicom3tools is not installed.
    assert [one.passed for one in same] == [True] * len(same)
    assert [one.passed for one in worse] == [False] * len(same)
    assert len(same) == (shutil.which("dciodvfy") is not None)


def test_an_invented_device_need_not_be_known_and_a_real_one_must():
    dataset = pydicom.dcmread(CT)
    dataset.ManufacturerModelName, dataset.SoftwareVersions = "EPICA 7G", "EPICA_4.0.3"
    assert hospital._invented(dataset) == {"<(0008,1090)>", "<(0018,1020)>"}
    dataset.SoftwareVersions = "VA48A"
    assert hospital._invented(dataset) == {"<(0008,1090)>"}
    wanted = {check.place for check in expected.to_keep(dataset, set())}
    assert "<(0008,1090)>" in wanted
    dataset.ManufacturerModelName = "Super Dooper Scanner"
    assert "<(0008,1090)>" not in {check.place for check in expected.to_keep(dataset, set())}


def test_what_is_no_uid_need_not_change():
    dataset = Dataset()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "0"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    checks = list(planting.own_identifiers(dataset, set()))
    assert {check.place for check in checks} == {"<(0020,000d)>"}

"""The modality views: one for each, declared in YAML, extended by a site without a reload."""

import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from catalogue_files import write_instance
from imagehaven.catalogue import ingest
from imagehaven.curate import MODALITIES, curate, declared_views, refresh
from imagehaven.errors import UserError
from imagehaven.haven import Haven


@pytest.fixture
def loaded(haven: Haven, tmp_path: Path) -> Haven:
    folder = tmp_path / "in"
    for number, modality in enumerate([*MODALITIES[:-1], "ECG", None]):
        write_instance(folder / f"{number}.dcm", uid=f"1.{number}", Modality=modality)
    for name in ("CT_small.dcm", "MR_small.dcm", "test-SR.dcm"):
        shutil.copy(str(get_testdata_file(name)), folder / name)
    ingest(haven, [folder], engine="inline")
    refresh(haven)
    return haven


def test_every_instance_is_in_exactly_one_view(loaded: Haven) -> None:
    union = " UNION ALL ".join(
        f"SELECT SOPInstanceUID, '{name}' AS view FROM \"{name.lower()}\"" for name in MODALITIES
    )
    rows = loaded.sql(f"SELECT view, count(*) AS n FROM ({union}) GROUP BY view").to_pylist()
    expected = dict.fromkeys(MODALITIES, 1) | {"OTHER": 2, "CT": 2, "MR": 2, "SR": 2}
    assert {row["view"]: row["n"] for row in rows} == expected


def test_a_view_shows_typed_columns_and_the_links(loaded: Haven) -> None:
    (row,) = loaded.sql(
        "SELECT PatientID, SliceThickness, StudyDate, PixelSpacing, source FROM ct "
        "WHERE PatientID = '1CT1'"
    ).to_pylist()
    assert row["SliceThickness"] == 5.0
    assert str(row["StudyDate"]) == "2004-01-19"
    assert row["PixelSpacing"] == "0.661468\\0.661468"
    assert row["source"].endswith("CT_small.dcm")


def test_one_line_of_a_site_promotes_a_tag_without_a_reload(loaded: Haven) -> None:
    place = loaded.folder / "views" / "CT.yaml"
    place.parent.mkdir()
    place.write_text(
        "columns:\n"
        "  - EthnicGroup\n"
        '  - Vendor = (0009,"GEMS_IDEN_01",01)\n'
        "  - SliceThickness as text\n",
        encoding="utf-8",
    )
    assert curate(loaded, check=True).changed == ["ct"]
    assert curate(loaded).changed == ["ct"]
    assert curate(loaded).changed == []
    (row,) = loaded.sql(
        "SELECT Vendor, SliceThickness FROM ct WHERE PatientID = '1CT1'"
    ).to_pylist()
    assert row == {"Vendor": "GE_GENESIS_FF", "SliceThickness": "5.000000"}


def test_a_mistake_in_a_sites_file_names_file_line_and_close_keywords(haven: Haven) -> None:
    place = haven.folder / "views" / "MR.yaml"
    place.parent.mkdir()
    place.write_text("columns:\n  - EchoTime\n  - RepetitonTime\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        curate(haven)
    assert f"{place}, line 3: 'RepetitonTime'" in str(caught.value)
    assert "Did you mean RepetitionTime" in str(caught.value)
    place.rename(place.with_name("XX.yaml"))
    with pytest.raises(UserError, match="there is no view 'XX'"):
        curate(haven)


def test_the_packaged_views_are_valid_and_begin_with_what_is_in_all_of_them() -> None:
    views = declared_views()
    assert tuple(views) == MODALITIES
    for columns in views.values():
        assert next(iter(columns)) == "Modality"


def test_views_answer_at_an_earlier_snapshot(loaded: Haven, tmp_path: Path) -> None:
    before = loaded.lake.snapshot()
    write_instance(tmp_path / "more" / "a.dcm", uid="1.77")
    ingest(loaded, [tmp_path / "more"], engine="inline")
    assert loaded.sql("SELECT count(*) AS n FROM ct").to_pylist() == [{"n": 3}]
    assert loaded.sql("SELECT count(*) AS n FROM ct", snapshot=before).to_pylist() == [{"n": 2}]

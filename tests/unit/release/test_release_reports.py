"""What a researcher is handed about the images: reports, README, dictionary, metadata."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
from pydicom.data import get_testdata_file

from imagehaven.dicom import keyword_to_tag
from imagehaven.release.folder import layout, manifest, metadata, reports
from imagehaven.release.folder.readme import readme
from imagehaven.release.records import Count
from imagehaven.release.states import MEANINGS, Result, State, Totals
from imagehaven.release.terms import Terms

TERMS = Terms(
    "P", "ct", 1, "d" * 64, "m" * 64, 7, "/site/own.yaml", "a" * 64, "b" * 64, {"imagehaven": "1"}
)
COUNTS = [
    Count(State.RELEASED, "", "CT", 5),
    Count(State.WITHHELD, "overlay", "CT", 2),
    Count(State.OPTED_OUT, "", "CT", 1),
    Count(State.ERROR, "ValueError", "MR", 1),
    Count(State.FAILED_VERIFICATION, "chi-number", "MR", 1),
]


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_each_kind_of_end_stands_in_its_report(tmp_path: Path) -> None:
    listed = [
        reports.Listed("2.25.8", Result(0, "1.2.3", State.ERROR, "ValueError", "", "MR")),
        reports.Listed(
            "2.25.9", Result(1, "1.2.4", State.FAILED_VERIFICATION, "a and 1 more", "a b", "MR")
        ),
    ]
    reports.write_reports(
        tmp_path, COUNTS, listed, Totals(10, 10, 0, 0), [("step", "instances"), ("CT", 10)]
    )
    place = tmp_path / layout.REPORTS
    assert rows(place / "rejections.csv")[1:] == [
        ["withheld", "overlay", "CT", "2"],
        ["opted-out", "", "CT", "1"],
    ]
    assert rows(place / "processing_errors.csv")[1:] == [["2.25.8", "MR", "error", "ValueError"]]
    assert rows(place / "verification_failures.csv")[1:] == [
        ["2.25.9", "MR", "failed-verification", "a and 1 more"]
    ]
    assert rows(place / "verification_rules.csv")[1:] == [["a", "1"], ["b", "1"]]
    assert rows(place / "attrition.csv") == [["step", "instances"], ["CT", "10"]]
    counted = {row[0]: int(row[1]) for row in rows(place / "reconciliation.csv")[1:]}
    assert counted["requested"] == sum(counted[str(state)] for state in State) == 10
    written = b"".join(path.read_bytes() for path in place.iterdir())
    assert b"1.2.3" not in written, "no source identifier"


def test_an_attrition_label_that_looks_like_an_identifier_is_left_out() -> None:
    steps = [{"step": "patients.PatientID == 1", "instances": 3}, {"step": "CT", "instances": 2}]
    shown = reports.attrition_rows(steps, lambda label: "PatientID" in label)
    assert shown == [
        ("step", "instances"),
        ("(left out: it may name a person)", 3),
        ("CT", 2),
    ]


def test_every_state_has_a_meaning() -> None:
    assert set(MEANINGS) == set(State)


def test_the_readme_says_counts_dates_profile_and_how_to_cite() -> None:
    text = readme(
        "P-ct-v1-r1", TERMS, frozenset({"retain_longitudinal_modified_dates"}), COUNTS, 5_000_000
    )
    for words in ("5 are here", "P-ct-v1-r1", "`own`", "moved earlier", "SHA-256", "CT | 5"):
        assert words in text
    assert "/site" not in text, "a folder of the provider's machines"
    assert "fixed dummies" in readme("r", TERMS, frozenset(), COUNTS, 1)


def test_published_terms_name_no_folder_of_the_machine() -> None:
    assert TERMS.published()["profile"] == "own"
    assert Terms.from_json(TERMS.to_json()) == TERMS


def test_differing_terms_are_told_one_by_one() -> None:
    values = TERMS.to_json() | {"rules_sha256": "c" * 64, "versions": {"imagehaven": "2"}}
    assert TERMS.differences(TERMS) == []
    told = TERMS.differences(Terms.from_json(values))
    assert told == [
        "the verification rules changed: bbbbbbbbbbbb is now cccccccccccc",
        "imagehaven changed: 1 is now 2",
    ]


def test_metadata_is_read_from_the_file_and_only_in_listed_columns(tmp_path: Path) -> None:
    source = Path(str(get_testdata_file("CT_small.dcm")))
    path = "images/A/1/2/3.dcm"
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(source.read_bytes())
    entry = manifest.entry(tmp_path, path)
    looks = metadata.look_at(
        tmp_path, [[path, entry.sha256, entry.bytes], [path, "0" * 64, 1], ["images/no.dcm", "", 0]]
    )
    assert [look.problem for look in looks] == ["", "altered", "missing"]
    assert looks[0].row is not None
    metadata.write_metadata(tmp_path, [[looks[0].row]])
    table = pq.read_table(tmp_path / layout.METADATA / "instances.parquet")
    first = table.to_pylist()[0]
    assert (first["path"], first["Rows"], first["Modality"]) == (path, 128, "CT")
    assert first["KVP"] == 120.0
    assert str(first["StudyDate"]) == "2004-01-19"
    shown = rows(tmp_path / layout.METADATA / "instances.csv")
    assert shown[0] == table.column_names
    assert len(shown) == 2


def test_metadata_of_nothing_is_an_empty_table(tmp_path: Path) -> None:
    metadata.write_metadata(tmp_path, [])
    assert pq.read_table(tmp_path / layout.METADATA / "instances.parquet").num_rows == 0


def test_the_dictionary_explains_every_column(tmp_path: Path) -> None:
    metadata.write_dictionary(tmp_path)
    described = rows(tmp_path / layout.DICTIONARY)[1:]
    assert [row[0] for row in described] == [c.name for c in metadata.metadata_columns()]
    for name, _, tag, _, description in described:
        assert description
        if tag:
            assert tag == f"({keyword_to_tag(name)[:4]},{keyword_to_tag(name)[4:]})"

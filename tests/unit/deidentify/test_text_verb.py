"""The verb `deidentify-reports`: text files in, pseudonymous text files out, every file told."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from imagehaven.deidentify import Pseudonyms, deidentify_reports
from imagehaven.errors import UserError

KEY = b"k" * 32


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports" / "ward 3"
    folder.mkdir(parents=True)
    (tmp_path / "project.key").write_text(KEY.hex())
    (folder / "quill.txt").write_text("Zoe Quill, seen on 3 March 2019. Clear lungs.", "utf-8")
    (folder / "other.txt").write_bytes("Dr Müller: effusion.".encode("cp1252"))
    (folder / "bad.txt").write_bytes(b"\0\1\2")
    return tmp_path


def run(place: Path, **options: object) -> object:
    return deidentify_reports(
        place / "reports",
        place / "out",
        key=place / "project.key",
        **options,  # type: ignore[arg-type]
    )


def texts(place: Path) -> set[str]:
    return {path.read_text("utf-8") for path in (place / "out").glob("*.txt")}


def test_every_file_is_written_under_a_pseudonym_or_told_of(reports: Path) -> None:
    told = run(reports).summary()  # type: ignore[attr-defined]
    assert (told["found"], told["cleaned"]) == (3, 2)
    assert [entry["reason"] for entry in told["quarantined"]] == ["unreadable"]
    assert texts(reports) == {"[NAME], seen on [DATE]. Clear lungs.", "Dr [NAME]: effusion."}
    assert not any("quill" in path.name for path in (reports / "out").iterdir())


def test_a_patient_of_the_list_moves_the_dates_as_in_the_images(reports: Path) -> None:
    people = reports / "people.csv"
    people.write_text("file,patient_id,names,identifiers,places\nward 3/quill.txt,A1,Zoe Quill,,\n")
    run(reports, known=people)
    assert Pseudonyms(KEY).date_shift("A1").days < 0
    assert not any("[DATE]" in text or "3 March 2019" in text for text in texts(reports))


def test_the_mapping_leads_back_and_lies_outside(reports: Path) -> None:
    run(reports, mapping=reports / "mapping.csv")
    rows = list(csv.DictReader((reports / "mapping.csv").read_text("utf-8").splitlines()))
    assert {row["original"] for row in rows} == {"ward 3/quill.txt", "ward 3/other.txt"}
    assert all((reports / "out" / f"{row['pseudonym']}.txt").is_file() for row in rows)
    with pytest.raises(UserError, match="undo"):
        run(reports, mapping=reports / "out" / "mapping.csv")


def test_a_check_writes_nothing(reports: Path) -> None:
    assert run(reports, check=True).cleaned == 2  # type: ignore[attr-defined]
    assert not (reports / "out").exists()


@pytest.mark.parametrize(
    "rows", ["file,name\na,b\n", "file,patient_id\na.txt,1\na.txt,2\n", "file,names\na,b,c\n"]
)
def test_a_wrong_list_is_refused_with_its_line(reports: Path, rows: str) -> None:
    people = reports / "people.csv"
    people.write_text(rows)
    with pytest.raises(UserError, match=r"people\.csv:[23]"):
        run(reports, known=people)


def test_the_destination_is_never_the_source(reports: Path) -> None:
    with pytest.raises(UserError, match="overlap"):
        deidentify_reports(
            reports / "reports", reports / "reports" / "x", key=reports / "project.key"
        )

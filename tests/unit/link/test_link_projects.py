"""Projects, the vault and opt-outs, on both ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven.errors import TerminalError, UserError
from imagehaven.haven import Haven, Keyring
from imagehaven.link import Vault, create_project, open_project, opt_out, opt_outs, opted_out


def test_a_project_keeps_its_key_and_shares_it_with_no_other(any_haven: Haven) -> None:
    first = create_project(any_haven, "lung")
    assert create_project(any_haven, "lung").key == first.key == open_project(any_haven, "lung").key
    assert create_project(any_haven, "heart").key != first.key
    assert first.key.hex() not in repr(first)


def test_an_unknown_project_is_an_error_that_names_those_there_are(any_haven: Haven) -> None:
    create_project(any_haven, "lung")
    with pytest.raises(UserError, match="Projects: lung"):
        open_project(any_haven, "lungs")
    with pytest.raises(UserError, match="cannot be called"):
        create_project(any_haven, "../lung")


def test_another_master_key_does_not_open_a_project(any_haven: Haven) -> None:
    create_project(any_haven, "lung")
    stranger = Haven(
        any_haven.folder, any_haven.settings, Keyring(b"x" * 32), any_haven.lake, any_haven.ledger
    )
    with pytest.raises(TerminalError, match="master key"):
        open_project(stranger, "lung")


def test_the_vault_holds_originals_encrypted_and_once(any_haven: Haven) -> None:
    create_project(any_haven, "lung")
    vault = Vault(any_haven, "lung")
    pairs = [("PatientID", "0101901234", "P7"), ("StudyInstanceUID", "1.2.3", "2.25.9")]
    for _ in range(2):
        with any_haven.ledger.begin() as connection:
            vault.record(connection, pairs)
    assert vault.pseudonym("PatientID", "0101901234") == "P7"
    assert vault.original("PatientID", "P7") == "0101901234"
    assert vault.original("PatientID", "P8") is None
    with any_haven.ledger.begin() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM vault").all()
    assert len(rows) == 2
    assert not any("0101901234" in str(cell) for row in rows for cell in row)


def test_an_opt_out_holds_for_every_spelling_and_for_every_project(
    any_haven: Haven, tmp_path: Path
) -> None:
    create_project(any_haven, "lung")
    file = tmp_path / "out.csv"
    file.write_text("PatientID,why\n010190 1234,letter\nmrn-7,letter\n")
    assert opt_out(any_haven, [file]).added == 2
    assert opt_out(any_haven, [file]).added == 0
    asked = ["0101901234", "010-190-1234", "MRN-7", "MRN-8"]
    assert opted_out(any_haven, "lung", asked) == {"0101901234", "010-190-1234", "MRN-7"}
    assert opt_outs(any_haven) == {"every project": 2}


def test_an_opt_out_of_one_project_leaves_the_others(any_haven: Haven, tmp_path: Path) -> None:
    create_project(any_haven, "lung")
    create_project(any_haven, "heart")
    file = tmp_path / "out.txt"
    file.write_text("A1\n\nA2\n")
    opt_out(any_haven, [file], project="lung")
    assert opted_out(any_haven, "lung", ["A1"]) == {"A1"}
    assert opted_out(any_haven, "heart", ["A1"]) == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no identifier"),
        ("PatientID\n", "holds no identifier"),
        ("chi,name\n1,2\n", "none is called PatientID"),
        ("PatientID,why\nA1,x\n,x\n", "line 3"),
    ],
)
def test_a_list_that_names_nobody_is_refused(
    haven: Haven, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "out.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=says):
        opt_out(haven, [file])
    assert opt_outs(haven) == {}

"""Making a haven, and refusing to repair one by forgetting what it held."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagehaven.errors import TerminalError, UserError
from imagehaven.haven import Haven, Settings


def test_a_haven_that_lost_its_master_key_is_not_given_another(tmp_path: Path) -> None:
    haven = Haven.create(tmp_path / "haven")
    (haven.folder / "keys" / "master.key").unlink()
    with pytest.raises(UserError, match="Restore it from its backup"):
        Haven.create(haven.folder)
    assert not (haven.folder / "keys" / "master.key").exists()


def test_a_haven_that_lost_its_ledger_says_so(tmp_path: Path) -> None:
    haven = Haven.create(tmp_path / "haven")
    (haven.folder / "ledger.sqlite").unlink()
    with pytest.raises(UserError, match=r"ledger\.sqlite is missing"):
        Haven.open(haven.folder)


def test_a_ledger_that_is_no_database_is_damaged_and_not_away(tmp_path: Path) -> None:
    haven = Haven.create(tmp_path / "haven")
    for file in haven.folder.glob("ledger.sqlite*"):
        file.unlink()
    (haven.folder / "ledger.sqlite").write_bytes(b"no database at all " * 200)
    with pytest.raises(TerminalError, match="damaged"):
        Haven.open(haven.folder).ledger.audit.head()


def test_a_store_that_cannot_be_used_leaves_no_haven_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mysql"):
        Haven.create(tmp_path / "haven", Settings(database="mysql://x/y"))
    assert not (tmp_path / "haven" / "haven.toml").exists()
    assert Haven.create(tmp_path / "haven").settings.database == ""


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made in"):
        Haven.create(tmp_path / "file" / "haven")

"""The commands: exit codes, words and JSON; and the same worklist in PostgreSQL."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagehaven.acquire import retrieve_status
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from retrieving import arrived, days, declare, dimse, retrieve, uid, web


def run(haven: Haven, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imagehaven", "-C", str(haven.folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_retrieves_and_tells(haven: Haven, pacs: Any, tmp_path: Path) -> None:
    declare(haven, main=dimse(pacs.server.dicom))
    done = run(haven, "retrieve", "main", "--from", "2020-01-01", "--to", "2020-01-31")
    assert done.returncode == 0, done.stderr
    assert "Every study arrived, with every instance that the source lists." in done.stdout
    shown = run(haven, "retrieve-status", "1")
    assert shown.returncode == 0
    assert "2020-01-02" in shown.stdout
    assert "1.2.826" not in shown.stdout
    listed = tmp_path / "list.csv"
    listed.write_text("AccessionNumber\nA202001010\nNOT-THERE\n")
    done = run(haven, "retrieve", "main", "--list", str(listed), "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["not_found"], told["whole"]) == (1, False)
    assert told["instances"] == {"listed": 6, "held": 6, "fetched": 0, "missing": 0}
    done = run(haven, "retrieve", "main", "--list", str(listed), "--check", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["instances"] == 6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("main",), "Say what to retrieve in one way"),
        (("main", "--to", "2020-01-01"), "Say what to retrieve in one way"),
        (("main", "--from", "2020-01-01", "--query", "SELECT 1"), "in one way"),
        (("main", "--from", "1.1.2020"), "a date such as"),
        (("other", "--from", "2020-01-01"), "Valid choices: main"),
    ],
)
def test_what_cannot_be_asked_is_told(haven: Haven, words: tuple[str, ...], says: str) -> None:
    declare(haven, main=dimse(104))
    done = run(haven, "retrieve", *words)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_number_or_a_state_that_there_is_not_is_told(haven: Haven) -> None:
    with pytest.raises(UserError, match="There is no retrieval 7"):
        retrieve_status(haven, 7)
    with pytest.raises(UserError, match="planned, arrived, partly, missing, failed"):
        retrieve_status(haven, state="lost")


def test_the_worklist_may_live_in_postgresql(haven_on_postgresql: Haven, pacs: Any) -> None:
    haven = haven_on_postgresql
    declare(haven, main=web(pacs.server.url, limits={"associations": 3}))
    told, _ = retrieve(haven, days("main", "2020-01-01", "2020-01-31", "CT", "MR"))
    assert told.whole
    assert told.studies["arrived"] == 8
    assert set(arrived(haven, "main")) == {uid(path) for path in pacs.made.paths}
    rows = retrieve_status(haven, told.retrieval).studies
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    again, _ = retrieve(haven, days("main", "2020-01-01", "2020-01-31", "CT", "MR"))
    assert again.instances["fetched"] == 0

"""What a person reads about objects that could not be read: reason, remedy, and a way to retry."""

import json
import re
from pathlib import Path

import pytest

from imagehaven.catalogue.reasons import reasons
from imagehaven.cli.main import run
from imagehaven.haven import Haven

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "note.txt").write_text("no image")
    (folder / "lone.gz").write_bytes(bytes.fromhex("1f8b08") + b"no gzip")
    return folder


def ask(haven: Haven, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["-C", str(haven.folder), *words]) == 0
    return capsys.readouterr().out


def test_the_list_names_file_reason_and_remedy(
    haven: Haven, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(haven, capsys, "ingest", str(archive), "--workers", "1")
    told = json.loads(ask(haven, capsys, "quarantine", "list", "--json"))
    assert told["remedies"]["empty"] == "fetch it again"
    assert [Path(thing["source"]).name for thing in told["objects"]] == [
        "empty.dcm",
        "lone.gz",
        "note.txt",
    ]
    assert [thing["size"] for thing in told["objects"]] == [0, None, 8]
    shown = ask(haven, capsys, "quarantine", "list")
    assert "what to do" in shown
    assert "fetch it again" in shown


@pytest.mark.parametrize("verb", ["list", "retry"])
def test_a_reason_that_does_not_exist_is_refused_with_those_that_do(
    verb: str, haven: Haven, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(haven.folder), "quarantine", verb, "--reason", "truncate"]) == 2
    assert "Valid choices: empty, not-dicom, truncated" in capsys.readouterr().err


def test_a_check_says_that_nothing_was_changed(
    haven: Haven, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(haven, capsys, "ingest", str(archive), "--check")
    assert told.endswith("Only checked: nothing was changed.\n")
    assert "none" in ask(haven, capsys, "quarantine", "list")


def test_every_reason_in_the_code_has_a_meaning_and_a_remedy() -> None:
    raised = re.compile(r"Quarantine\(\s*\"([a-z-]+)\"")
    used = set()
    for room in ("acquire", "catalogue", "dicom"):
        for file in (ROOT / "src" / "imagehaven" / room).rglob("*.py"):
            used |= set(raised.findall(file.read_text(encoding="utf-8")))
    assert used <= set(reasons())
    assert all(reason.meaning and reason.remedy for reason in reasons().values())
    assert len(used) > 15


def test_the_documentation_lists_the_same_reasons() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    for reason in reasons().values():
        assert f"| `{reason.reason}` | {reason.meaning} | {reason.remedy} |" in page

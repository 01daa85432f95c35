"""The release folder: one release, one process, and no file that nobody asked for."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven
from imagehaven.release.folder import claim, layout


def image(folder: Path, path: str, content: bytes = b"x") -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return path


def test_an_image_lies_by_pseudonym_study_series_and_instance() -> None:
    assert layout.image_path("ABC", "2.25.1", "2.25.2", "2.25.3") == (
        "images/ABC/2.25.1/2.25.2/2.25.3.dcm"
    )


@pytest.mark.parametrize("part", ["", "..", "a/b", "/etc", ".hidden", "a\nb", "x" * 200])
def test_a_pseudonym_that_is_no_file_name_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="pseudonym"):
        layout.image_path("ABC", part, "2.25.2", "2.25.3")


def test_an_empty_or_absent_folder_can_take_a_release(haven: Haven, tmp_path: Path) -> None:
    assert claim.problem_with(haven, tmp_path / "new" / "deeper") is None
    (tmp_path / "empty").mkdir()
    assert claim.problem_with(haven, tmp_path / "empty") is None


def test_a_folder_with_content_a_file_or_the_haven_itself_cannot(
    haven: Haven, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    image(full, "notes.txt")
    inside = haven.folder / "out"
    for place, words in (
        (full, "not empty"),
        (full / "notes.txt", "is a file"),
        (inside, "inside the haven"),
        (haven.folder.parent, "inside the haven or around it"),
    ):
        assert words in str(claim.problem_with(haven, place))


def test_a_claim_stays_until_the_release_is_complete(haven: Haven, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with claim.claimed(folder, "P-c-v1-r1"):
        image(folder, ".partial/draft-1/left.dcm")
    assert claim.claimant(folder) == "P-c-v1-r1"
    assert "P-c-v1-r1" in str(claim.problem_with(haven, folder))
    with claim.claimed(folder, "P-c-v1-r1"):
        assert not (folder / ".partial" / "draft-1").exists(), "drafts of a killed run go first"
    claim.unclaim(folder)
    assert claim.claimant(folder) is None
    assert list(folder.iterdir()) == []


def test_two_processes_cannot_write_one_folder(tmp_path: Path) -> None:
    other = (
        "import sys, pathlib\n"
        "from imagehaven.release.folder import claim\n"
        "from imagehaven.errors import UserError\n"
        "try:\n"
        "    with claim.claimed(pathlib.Path(sys.argv[1]), 'r'): pass\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    with claim.claimed(tmp_path, "r"):
        said = subprocess.run(
            [sys.executable, "-c", other, str(tmp_path)], check=True, capture_output=True, text=True
        )
    assert "Another process" in said.stdout


def test_reconciling_removes_what_is_not_named_and_tells_what_is_missing(tmp_path: Path) -> None:
    kept = image(tmp_path, "images/A/1/2/3.dcm")
    for stray in ("images/A/1/2/9.dcm", "images/A/8/8/8.dcm", "images/B/1/1/1.dcm", "images/x"):
        image(tmp_path, stray)
    (tmp_path / "images/A/1/2/folder").mkdir()
    (tmp_path / "images/A/1/link").symlink_to(tmp_path)
    gone = "images/C/1/1/1.dcm"
    assert layout.reconcile_images(tmp_path, [kept, gone]) == [gone]
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [kept]
    assert not (tmp_path / "images/B").exists()
    assert tmp_path.is_dir(), "a link is removed, never followed"


def test_a_stranger_in_the_folder_is_named(tmp_path: Path) -> None:
    image(tmp_path, "notes.txt")
    image(tmp_path, "README.md")
    assert layout.strangers(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, TransientError, "is full"),
        (errno.EDQUOT, TransientError, "is full"),
        (errno.ENOENT, TransientError, "did not answer"),
        (errno.EIO, TransientError, "did not answer"),
        (errno.EACCES, UserError, "chmod"),
        (errno.EROFS, UserError, "choose another --to"),
    ],
)
def test_what_the_system_says_becomes_an_error_with_file_and_remedy(
    tmp_path: Path, number: int, kind: type[Exception], words: str
) -> None:
    file = tmp_path / "images" / "x.dcm"
    with pytest.raises(kind, match=words) as caught, layout.writing(tmp_path):
        raise OSError(number, os.strerror(number), str(file))
    assert str(file) in str(caught.value)
    assert "repeat the same command" in str(caught.value)


def test_a_release_does_not_go_where_the_next_ingest_would_find_it(
    haven: Haven, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    haven.ledger.runs.start("ingest", {"paths": [str(archive)]})
    assert "which was ingested" in str(claim.problem_with(haven, archive / "zone"))
    assert claim.problem_with(haven, tmp_path / "archive-zone") is None

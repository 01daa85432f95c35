"""The manifest: whole, sorted, checkable by hand, and honest about what was altered."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from imagehaven.errors import UserError
from imagehaven.release.folder import layout, manifest
from imagehaven.release.folder.manifest import Entry, verify_manifest


def release_folder(tmp_path: Path) -> Path:
    """A folder with two images and a README, sealed."""
    folder = tmp_path / "out"
    for path, content in (("images/A/1/2/3.dcm", b"one"), ("images/A/1/2/4.dcm", b"two")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / layout.README).write_text("Read me.\n", encoding="utf-8")
    (folder / layout.PARTIAL).mkdir()
    paths = [layout.README, "images/A/1/2/3.dcm", "images/A/1/2/4.dcm"]
    files = [manifest.entry(folder, path) for path in paths]
    manifest.write(folder, {"release": "P-c-v1-r1", "counts": {"released": 2}}, files)
    (folder / layout.PARTIAL).rmdir()
    return folder


def test_a_manifest_is_json_with_sorted_keys_and_every_file(tmp_path: Path) -> None:
    folder = release_folder(tmp_path)
    read = json.loads((folder / layout.MANIFEST).read_text(encoding="utf-8"))
    assert list(read) == sorted(read)
    assert [file["path"] for file in read["files"]] == sorted(f["path"] for f in read["files"])
    assert read["files"][1]["sha256"] == hashlib.sha256(b"one").hexdigest()
    assert manifest.sections(folder) == {k: v for k, v in read.items() if k != "files"}
    assert list(manifest.entries(folder)) == [Entry(**file) for file in read["files"]]


def test_a_manifest_without_files_is_json_too(tmp_path: Path) -> None:
    (tmp_path / layout.PARTIAL).mkdir()
    manifest.write(tmp_path, {"release": "empty"}, [])
    assert json.loads((tmp_path / layout.MANIFEST).read_text(encoding="utf-8"))["files"] == []
    assert list(manifest.entries(tmp_path)) == []
    assert manifest.label(tmp_path) == "empty"


def test_coreutils_agrees_with_the_sums(tmp_path: Path) -> None:
    folder = release_folder(tmp_path)
    subprocess.run(["sha256sum", "--strict", "-c", layout.SUMS], cwd=folder, check=True)


def test_an_untouched_folder_fits_its_manifest(tmp_path: Path) -> None:
    assert verify_manifest(release_folder(tmp_path)) == []


def test_what_was_altered_added_or_taken_away_is_named(tmp_path: Path) -> None:
    folder = release_folder(tmp_path)
    (folder / "images/A/1/2/3.dcm").write_bytes(b"One")
    (folder / "images/A/1/2/4.dcm").unlink()
    (folder / ".hidden").write_bytes(b"")
    assert verify_manifest(folder) == [
        ".hidden is not part of the release",
        "images/A/1/2/3.dcm was altered",
        "images/A/1/2/4.dcm is missing or cannot be read",
    ]


@pytest.mark.parametrize("text", ["", "{", '{\n"files":[\n{"path":1}\n', "[]"])
def test_a_damaged_manifest_is_a_user_error_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / layout.MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="rerun"):
        list(manifest.entries(tmp_path))
    assert manifest.label(tmp_path) is None


def test_a_folder_without_a_manifest_is_not_a_finished_release(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a finished release"):
        verify_manifest(tmp_path)

"""The walk meets everything once, in the order of locations, and goes on from any of them."""

from __future__ import annotations

import os
import socket
import zipfile
from pathlib import Path

import pytest

from imagehaven.acquire import Problem, Source, walk
from imagehaven.errors import UserError


def met(*paths: Path, after: str | None = None) -> list[Source | Problem]:
    return list(walk(paths, after))


def names(root: Path, items: list[Source | Problem]) -> list[str]:
    return [item.location.removeprefix(f"{root}/") for item in items]


def make(root: Path, *files: str) -> None:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_folders_are_walked_in_the_order_of_locations_as_text(tmp_path: Path) -> None:
    make(tmp_path, "a/b", "a.txt", "a-", "B", "é", "a/.hidden", "Thumbs.db")
    found = names(tmp_path, met(tmp_path))
    assert found == ["B", "Thumbs.db", "a-", "a.txt", "a/.hidden", "a/b", "é"]
    assert found == sorted(found)


def test_archives_keep_the_order_among_files_with_similar_names(tmp_path: Path) -> None:
    make(tmp_path, "a.zip ", "a.zip#", "a.zip!x", "a.zip!", "b!/c")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("z", "z")
        archive.writestr("m", "m")
    found = names(tmp_path, met(tmp_path))
    assert found == [
        "a.zip ", "a.zip!/m", "a.zip!/z", "a.zip!x", "a.zip#", "a.zip\\x21", "b\\x21/c",
    ]  # fmt: skip
    assert found == sorted(found)


def test_a_walk_goes_on_strictly_behind_any_location(tmp_path: Path) -> None:
    make(tmp_path, "a/b", "a.txt", "a/c/d", "z", "a.zipp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x", "y", "../evil"):
            archive.writestr(name, name)
    everything = met(tmp_path)
    assert len(everything) == 8
    for index, item in enumerate(everything):
        assert met(tmp_path, after=item.location) == everything[index + 1 :]
    assert met(tmp_path, after=f"{tmp_path}/a.zip") == everything[1:]
    assert met(tmp_path, after="") == everything


def test_overlapping_paths_yield_each_location_once(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c", "a/d")
    found = met(tmp_path / "a" / "b", tmp_path / "a", tmp_path / "a" / "b" / "c", tmp_path / "a")
    assert names(tmp_path, found) == ["a/b/c", "a/d"]
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert met(tmp_path / "link", tmp_path / "a") == found


def test_paths_with_similar_names_do_not_overlap(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "a.b/x", "ab/x")
    found = met(tmp_path / "a", tmp_path / "a.b", tmp_path / "ab")
    assert names(tmp_path, found) == ["a.b/x", "a/x", "ab/x"]


def test_a_path_that_does_not_exist_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        met(tmp_path / "nowhere")


def test_special_files_are_problems(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(tmp_path / "sock"))
    listener.close()
    found = met(tmp_path)
    assert [item.reason for item in found if isinstance(item, Problem)] == ["special-file"] * 2
    assert names(tmp_path, found) == ["pipe", "sock"]


def test_links_are_followed_to_files_and_never_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "in/a", "in/sub/b", "out/c", "out/deep/d")
    (tmp_path / "in" / "file").symlink_to(tmp_path / "in" / "a")
    (tmp_path / "in" / "broken").symlink_to(tmp_path / "nothing")
    (tmp_path / "in" / "self").symlink_to("self")
    (tmp_path / "in" / "twice").symlink_to(tmp_path / "in" / "sub")
    (tmp_path / "in" / "sub" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "away").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "deep" / "back").symlink_to(tmp_path / "out")
    found = met(tmp_path / "in")
    assert names(tmp_path / "in", found) == [
        "a", "away/c", "away/deep/back/", "away/deep/d", "broken", "file", "self", "sub/b",
        "sub/up/",
    ]  # fmt: skip
    reasons = {i.location.rsplit("/in/")[-1]: i.reason for i in found if isinstance(i, Problem)}
    assert reasons == {
        "away/deep/back/": "symlink-loop",
        "broken": "broken-link",
        "self": "symlink-loop",
        "sub/up/": "symlink-loop",
    }


def test_what_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    make(tmp_path, "file", "folder/inner", "fine")
    (tmp_path / "file").chmod(0)
    (tmp_path / "folder").chmod(0)
    for parent in [tmp_path, *tmp_path.parents][:4]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    root = os.geteuid() == 0
    if root:  # root may read everything: look with the eyes of nobody
        os.seteuid(65534)
    try:
        found = met(tmp_path)
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / "folder").chmod(0o700)
    problems = {i.location.rsplit("/", 1)[-1]: i.reason for i in found if isinstance(i, Problem)}
    assert problems == {"file": "unreadable-permissions", "": "unreadable-permissions"}
    assert names(tmp_path, found) == ["file", "fine", "folder/"]


def test_names_that_are_no_text_have_a_location_that_is(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path)
    for name in (b"caf\xe9", b"caf\\xe9", b"new\nline"):
        with Path(os.fsdecode(raw + b"/" + name)).open("wb") as file:
            file.write(name)
    found = met(tmp_path)
    assert names(tmp_path, found) == ["caf\\\\xe9", "caf\\xe9", "new\\x0aline"]
    for item in found:
        assert isinstance(item, Source)
        item.location.encode()
        assert Source.from_json(item.to_json()) == item
        assert Path(Source.from_json(item.to_json()).path).exists()

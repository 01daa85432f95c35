"""Archives are gone through whatever they hold, and never written out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from imagehaven.acquire import Limits, Problem, Source, open_source, open_sources, walk
from imagehaven.acquire.forward import ForwardStream
from imagehaven.errors import Quarantine


def met(path: Path, limits: Limits | None = None) -> dict[str, str]:
    """Return what an archive holds: the location behind it, and 'source' or the problem."""
    found = list(walk([path], limits=limits or Limits()))
    assert [item.location for item in found] == sorted({item.location for item in found})
    return {
        item.location.removeprefix(str(path)): item.reason
        if isinstance(item, Problem)
        else "source"
        for item in found
    }


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def contents(path: Path) -> dict[str, bytes | str]:
    sources = [item for item in walk([path]) if isinstance(item, Source)]
    result: dict[str, bytes | str] = {}
    for source, stream in open_sources(sources):
        inner = source.location.removeprefix(str(path))
        result[inner] = stream.reason if isinstance(stream, Quarantine) else stream.read()
    assert len(result) == len(sources)
    return result


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_archives_are_read_by_their_content_not_their_name(
    tmp_path: Path, mode: str, layout: int
) -> None:
    members = {"b/two.dcm": b"2" * 1024, "a/one.dcm": b"1" * 700, "c": b"", "é" * 40: b"long"}
    path = tmp_path / "archive.dcm"
    with tarfile.open(path, mode, format=layout) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert contents(path) == {f"!/{name}": content for name, content in members.items()}


def test_an_old_tar_without_magic_is_known_by_its_checksum(tmp_path: Path) -> None:
    path = tarred(tmp_path / "old", {"a": b"abc"})
    raw = bytearray(path.read_bytes())
    raw[257:265] = b"\0" * 8
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    path.write_bytes(raw)
    assert contents(path) == {"!/a": b"abc"}


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_zip_archives_of_every_method_are_read(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a", {"x/y.dcm": b"abc" * 99, ".DS_Store": b"", "k/": b""}, method)
    assert contents(path) == {"!/x/y.dcm": b"abc" * 99, "!/.DS_Store": b""}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_lone_compressed_file_is_one_source(tmp_path: Path, pack: object, ct: bytes) -> None:
    path = tmp_path / "f.dcm.gz"
    path.write_bytes(pack(ct))  # type: ignore[operator]
    assert contents(path) == {"!/": ct}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_within_an_archive_are_opened(tmp_path: Path, pack: object) -> None:
    packed = pack(b"image")  # type: ignore[operator]
    tarball = pack(tarred(tmp_path / "t", {"f": b"deep"}).read_bytes())  # type: ignore[operator]
    path = zipped(tmp_path / "a", {"x.gz": packed, "t.tgz": tarball})
    assert contents(path) == {"!/x.gz!/": b"image", "!/t.tgz!/f": b"deep"}


def test_archives_within_archives_are_opened_to_the_third(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "1", {"f": b"deep"}).read_bytes()
    for level in ("2", "3"):
        inner = tarred(tmp_path / level, {f"{level}.tar": inner}).read_bytes()
    path = tmp_path / "3"
    assert contents(path) == {"!/3.tar!/2.tar!/f": b"deep"}
    path = zipped(tmp_path / "4", {"4.tar": inner})
    assert met(path) == {"!/4.tar!/3.tar!/2.tar": "archive-too-deep"}


@pytest.mark.parametrize(
    "name", ["../../evil", "a/../../evil", "/etc/evil", "C:/evil", "..\\evil", "new\nline"]
)
def test_a_name_that_leads_elsewhere_is_a_problem(tmp_path: Path, name: str) -> None:
    found = met(zipped(tmp_path / "zip", {name: b"x", "good": b"y"}))
    assert sorted(found.values()) == ["path-traversal", "source"]
    found = met(tarred(tmp_path / "tar", {name: b"x", "good": b"y"}))
    assert sorted(found.values()) == ["path-traversal", "source"]
    assert {path.name for path in tmp_path.iterdir()} == {"zip", "tar"}


def test_a_name_with_nul_is_a_problem(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"aXb": b"x"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    assert met(path) == {"!/a\\x00b": "path-traversal"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_two_sources(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("x", b"first")
        archive.writestr("x", b"second")
    assert contents(tmp_path / "a") == {"!/x": b"first", "!/x\\#2": b"second"}


def test_an_encrypted_member_is_a_problem(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"x": b"abc"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    assert met(path) == {"!/x": "encrypted-archive"}


def test_an_unknown_zip_method_is_a_problem(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"x": b"abc"})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<H", raw, raw.index(b"PK\1\2") + 10, 99)
    path.write_bytes(raw)
    assert met(path) == {"!/x": "unsupported-compression"}


def test_links_and_devices_in_a_tar_are_problems(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("dev", b"3")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert set(met(tmp_path / "a").values()) == {"special-file"}


SMALL = Limits(ratio_from=2**16, member_size=2**22, members=50)


def test_zip_bombs_are_problems(tmp_path: Path) -> None:
    assert met(zipped(tmp_path / "a", {"x": b"\0" * 2**20}), SMALL) == {"": "archive-bomb"}
    assert (
        met(zipped(tmp_path / "b", {str(n): b"" for n in range(60)}), SMALL)[""] == "archive-bomb"
    )
    stored = zipped(tmp_path / "c", {"x": b"\0" * 2**23}, zipfile.ZIP_STORED)
    assert met(stored, SMALL) == {"!/x": "archive-bomb"}
    mixed = {"x": b"\0" * 2**18, "y": bytes(range(256)) * 400}
    with zipfile.ZipFile(tmp_path / "d", "w") as archive:
        archive.writestr("x", mixed["x"], zipfile.ZIP_DEFLATED)
        archive.writestr("y", mixed["y"], zipfile.ZIP_STORED)
    assert met(tmp_path / "d", SMALL) == {"!/x": "archive-bomb", "!/y": "source"}


def test_compressed_tar_bombs_are_problems(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", {"x": b"\0" * 2**22, "y": b"1"}, "w:gz")
    assert "archive-bomb" in met(path, SMALL).values()


def test_a_lone_compressed_bomb_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0" * 2**24))
    (source,) = walk([path], limits=SMALL)
    assert isinstance(source, Source)
    with pytest.raises(Quarantine) as caught, open_source(source, SMALL):
        pass
    assert caught.value.reason == "archive-bomb"


def test_many_nested_archives_share_one_limit(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "i", {str(n): b"" for n in range(30)}).read_bytes()
    path = zipped(tmp_path / "a", {"one": inner, "two": inner + b"", "three": inner})
    assert "archive-bomb" in met(path, SMALL).values()


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar", "gz", "xz"])
def test_a_damaged_archive_is_a_problem_and_never_an_error(
    tmp_path: Path, kind: str, ct: bytes
) -> None:
    members = {"a": ct, "b": ct[::-1], "c": b"x" * 3000}
    path = tmp_path / "a"
    if kind == "zip":
        zipped(path, members)
    elif kind.startswith("tar"):
        tarred(path, members, "w:gz" if kind == "tar.gz" else "w")
    else:
        path.write_bytes(gzip.compress(ct) if kind == "gz" else lzma.compress(ct))
    whole = path.read_bytes()
    for cut in range(600, len(whole) - 20, len(whole) // 23):
        path.write_bytes(whole[:cut] if cut % 2 else whole[:cut] + b"\xff" * 60 + whole[cut + 60 :])
        for item in walk([path]):
            if isinstance(item, Source):
                for _, stream in open_sources([item]):
                    assert isinstance(stream, Quarantine) or stream.read() is not None


def test_members_before_the_damage_of_a_tar_are_still_sources(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", {"a": b"1" * 600, "b": b"2" * 600})
    path.write_bytes(path.read_bytes()[:2000])
    found = met(path)
    assert found.pop("") == "broken-archive"
    assert found == {"!/a": "source"} or found == {"!/a": "source", "!/b": "source"}


def test_a_dicom_file_whose_preamble_looks_like_a_zip_is_a_file(tmp_path: Path, ct: bytes) -> None:
    (tmp_path / "a").write_bytes(b"PK\3\4" + ct[4:])
    assert met(tmp_path / "a") == {"": "source"}


def test_one_pass_reads_all_members_of_a_compressed_tar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tarred(
        tmp_path / "a", {f"{n:03}": bytes([n]) * 512 * (n % 3) for n in range(200)}, "w:gz"
    )
    sources = [item for item in walk([path]) if isinstance(item, Source)]
    passes: list[ForwardStream] = []
    original = ForwardStream.__init__

    def counted(self: ForwardStream, *arguments: object) -> None:
        passes.append(self)
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ForwardStream, "__init__", counted)
    read = [s.location for s, stream in open_sources(sources) if not isinstance(stream, Quarantine)]
    assert sorted(read) == [source.location for source in sources]
    assert len(passes) == 1


def test_one_pass_also_reads_what_lies_in_archives_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = {f"{n:03}.dcm.gz": gzip.compress(bytes([n]) * 600) for n in range(50)}
    path = tarred(tmp_path / "a", {**lone, "025": b"between"}, "w:gz")
    opened: list[str] = []
    original = gzip.GzipFile.__init__

    def counted(self: gzip.GzipFile, *arguments: object, **options: object) -> None:
        opened.append("gzip")
        original(self, *arguments, **options)  # type: ignore[arg-type]

    sources = [item for item in walk([path]) if isinstance(item, Source)]
    monkeypatch.setattr(gzip.GzipFile, "__init__", counted)
    read = {s.location: stream.read() for s, stream in open_sources(sources)}  # type: ignore[union-attr]
    assert len(read) == 51
    assert read[f"{path}!/007.dcm.gz!/"] == bytes([7]) * 600
    assert len(opened) == 2 + 2 * 50  # to tell what it is and to read it: the tar, each member


def test_a_zip_cut_behind_an_inner_zip_is_broken_and_not_taken_for_the_inner_one(
    tmp_path: Path,
) -> None:
    inner = zipped(tmp_path / "inner", {"inside": b"i"}).read_bytes()
    whole = zipped(tmp_path / "whole", {"first": b"f", "inner.zip": inner}, zipfile.ZIP_STORED)
    content = whole.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(content[: content.index(inner) + len(inner)])
    assert met(whole) == {"!/first": "source", "!/inner.zip!/inside": "source"}
    assert met(cut) == {"": "broken-archive"}


def test_an_archive_that_ends_early_says_so_in_plain_words(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", {"x": bytes(range(256)) * 64}, "w:gz")
    path.write_bytes(path.read_bytes()[:-20])
    details = [item.detail for item in walk([path]) if isinstance(item, Problem)]
    assert details == ["it is cut off before its end"]


def test_an_archive_without_any_file_is_a_problem_and_not_passed_over(tmp_path: Path) -> None:
    empty = zipped(tmp_path / "empty", {})
    assert met(empty) == {"": "empty-archive"}
    around = zipped(tmp_path / "around", {"a.dcm": b"a", "empty.zip": empty.read_bytes()})
    assert met(around) == {"!/a.dcm": "source", "!/empty.zip": "empty-archive"}
    with tarfile.open(tmp_path / "folders", "w") as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    assert met(tmp_path / "folders") == {"": "empty-archive"}

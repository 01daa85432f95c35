"""Opening and reading sources: whole, once, and with a reason where it fails."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import resource
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from imagehaven.acquire import (
    Source,
    open_source,
    open_sources,
    read_source,
    referenced_files,
    walk,
)
from imagehaven.acquire import opening as opening_module
from imagehaven.acquire import reading as reading_module
from imagehaven.errors import Quarantine, TransientError


def only(path: Path) -> Source:
    (source,) = walk([path])
    assert isinstance(source, Source)
    return source


def test_a_reading_holds_elements_offsets_and_hashes(tmp_path: Path, ct: bytes) -> None:
    (tmp_path / "ct").write_bytes(ct)
    source = only(tmp_path)
    with open_source(source) as stream:
        reading = read_source(stream, source)
    assert reading.location == f"{tmp_path}/ct"
    assert reading.size == len(ct)
    assert reading.content_sha256 == hashlib.sha256(ct).hexdigest()
    dataset = ct[ct.index(b"\x08\x00\x05\x00CS") :]
    assert reading.dataset_sha256 == hashlib.sha256(dataset).hexdigest()
    assert (reading.pixel_length, reading.transfer_syntax) == (32768, "1.2.840.10008.1.2.1")
    assert reading.meta["00020010"]["Value"] == ["1.2.840.10008.1.2.1"]
    assert reading.elements["00080060"] == {"vr": "CS", "Value": ["CT"]}
    assert "FFFCFFFC" in reading.elements  # behind the pixel data
    assert "7FE00010" not in reading.elements
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_the_same_data_set_under_another_preamble_has_the_same_dataset_hash(ct: bytes) -> None:
    source = Source("x", "x", (), len(ct))
    one = read_source(io.BytesIO(ct), source)
    other = read_source(io.BytesIO(b"\xff" * 128 + ct[128:]), source)
    assert one.dataset_sha256 == other.dataset_sha256
    assert one.content_sha256 != other.content_sha256


def test_a_large_file_reads_like_a_small_one(ct: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("x", "x", (), len(ct))
    small = read_source(io.BytesIO(ct), source)
    monkeypatch.setattr(reading_module, "IN_MEMORY", 0)
    assert read_source(io.BytesIO(ct), source) == small


def test_a_file_that_vanished_is_quarantined(tmp_path: Path, ct: bytes) -> None:
    (tmp_path / "ct").write_bytes(ct)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("x", b"x")
    sources = [item for item in walk([tmp_path]) if isinstance(item, Source)]
    (tmp_path / "ct").unlink()
    (tmp_path / "zip").unlink()
    outcomes = [stream for _, stream in open_sources(sources)]
    assert [o.reason for o in outcomes if isinstance(o, Quarantine)] == ["vanished", "vanished"]


def test_an_archive_that_changed_quarantines_what_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"x")
        archive.writestr("y", b"y")
    sources = [item for item in walk([path]) if isinstance(item, Source)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("y", b"y")
    outcomes = {
        source.members[0]: stream.reason if isinstance(stream, Quarantine) else "read"
        for source, stream in open_sources(sources)
    }
    assert outcomes == {"x": "vanished", "y": "read"}


def test_a_file_that_may_not_be_read_is_quarantined(tmp_path: Path, ct: bytes) -> None:
    (tmp_path / "ct").write_bytes(ct)
    source = only(tmp_path)
    (tmp_path / "ct").chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(Quarantine) as caught, open_source(source):
            pass
    finally:
        if root:
            os.seteuid(0)
    assert caught.value.reason == "unreadable-permissions"


def test_originals_are_opened_read_only(tmp_path: Path, ct: bytes) -> None:
    (tmp_path / "ct").write_bytes(ct)
    with open_source(only(tmp_path)) as stream:
        assert not stream.writable()


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """A copy of pydicom's medium, where some references are missing."""
    dicomdir = Path(str(get_testdata_file("DICOMDIR")))
    shutil.copytree(dicomdir.parent, tmp_path / "cd")
    return tmp_path / "cd"


def test_a_dicomdir_given_as_a_path_brings_what_it_refers_to(medium: Path) -> None:
    existing, missing = referenced_files(medium / "DICOMDIR")
    assert len(existing) > 20
    locations = [item.location for item in walk([medium / "DICOMDIR"])]
    assert locations == sorted([str(medium / "DICOMDIR"), *map(str, existing)])
    existing[0].unlink()
    after, gone = referenced_files(medium / "DICOMDIR")
    assert len(after) == len(existing) - 1
    assert len(gone) == len(missing) + 1


def test_references_that_lead_out_of_the_folder_are_missing(medium: Path, tmp_path: Path) -> None:
    existing, missing = referenced_files(medium / "DICOMDIR")
    outside = tmp_path / "secret"
    outside.write_bytes(existing[0].read_bytes())
    existing[0].unlink()
    existing[0].symlink_to(outside)
    after, gone = referenced_files(medium / "DICOMDIR")
    assert existing[0] not in after
    assert len(gone) == len(missing) + 1


def test_lower_case_files_of_a_medium_are_found(medium: Path) -> None:
    existing, missing = referenced_files(medium / "TINY_ALPHA" / "DICOMDIR")
    (medium / "TINY_ALPHA" / "PT000000").rename(medium / "TINY_ALPHA" / "pt000000")
    after, gone = referenced_files(medium / "TINY_ALPHA" / "DICOMDIR")
    assert (len(after), gone) == (len(existing), missing)


def test_a_file_that_is_no_dicomdir_has_no_references(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"nothing")
    assert referenced_files(tmp_path / "DICOMDIR") == ([], [])
    assert referenced_files(tmp_path / "absent") == ([], [])


def test_memory_does_not_grow_with_the_pixel_data(tmp_path: Path, ct: bytes) -> None:
    size = 128 * 2**20
    start = ct.index(b"\xe0\x7f\x10\x00OW") + 8
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(ct[:start] + size.to_bytes(4, "little"))
        file.truncate(start + 4 + size)
    source = only(path)
    tracemalloc.start()
    with open_source(source) as stream:
        reading = read_source(stream, source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (reading.size, reading.pixel_length) == (start + 4 + size, size)
    assert peak < 2**23


def test_full_temporary_storage_is_a_transient_error_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("x", os.urandom(2**21))
    source = only(tmp_path / "zip")
    monkeypatch.setattr(opening_module, "IN_MEMORY", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    try:
        with pytest.raises(TransientError, match="TMPDIR"), open_source(source):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

"""What lies around a data set: preambles, file and folder names, archives, tables, messages."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import zipfile
from dataclasses import asdict
from pathlib import Path

import pydicom
import pytest

from imagehaven.deidentify import deidentify
from leak_runs import (
    BORN,
    CHI,
    STRANGER,
    STRANGER_CHI,
    Released,
    as_bytes,
    real,
    release,
    survivors,
)

_SECRETS = (STRANGER, STRANGER_CHI, "drummond", CHI, BORN)
_PREAMBLES = {
    "TIFF": b"II*\0\x08\0\0\0" + f"{STRANGER} {STRANGER_CHI}".encode(),
    "big TIFF": b"MM\0+" + STRANGER.encode(),
    "PE": b"MZ\x90\0\3\0\0\0" + STRANGER.encode(),
    "text": f"{STRANGER}^Fiona {STRANGER_CHI}".encode(),
}
_TAILS = {
    "text": f"\n{STRANGER} {STRANGER_CHI}".encode(),
    "archive": b"PK\3\4" + STRANGER.encode(),
    "element of no group": b"\xff\xff\xff\xff" + STRANGER.encode(),
}


@pytest.fixture(scope="module", name="outcome")
def _outcome(tmp_path_factory: pytest.TempPathFactory) -> Released:
    folder = tmp_path_factory.mktemp("around")
    source = folder / "source"
    source.mkdir()
    names = {}
    for name, start in _PREAMBLES.items():
        names[f"p{len(names)}.dcm"] = f"preamble: {name}"
        data = as_bytes(real())
        (source / list(names)[-1]).write_bytes(start.ljust(128, b"\0")[:128] + data[128:])
    for name, tail in _TAILS.items():
        names[f"t{len(names)}.dcm"] = f"behind: {name}"
        (source / list(names)[-1]).write_bytes(as_bytes(real()) + tail)
    named = f"{STRANGER}_Fiona_{STRANGER_CHI}.dcm"
    names[named] = "name of the file"
    (source / named).write_bytes(as_bytes(real()))
    names["plain.dcm"] = "nothing special"
    (source / "plain.dcm").write_bytes(as_bytes(real()))
    return release(source, folder / "out", names)


@pytest.mark.parametrize("name", _PREAMBLES)
def test_a_preamble_does_not_follow(name: str, outcome: Released) -> None:
    written = outcome.bytes_of(f"preamble: {name}")
    assert written[:132] == bytes(128) + b"DICM"
    assert not survivors(written, _SECRETS)


@pytest.mark.parametrize("name", _TAILS)
def test_what_lies_behind_a_data_set_does_not_follow(name: str, outcome: Released) -> None:
    assert not survivors(outcome.bytes_of(f"behind: {name}"), _SECRETS)


def test_a_plain_file_is_released_beside_them(outcome: Released) -> None:
    assert outcome.dataset("nothing special").Modality == "CT"


def test_no_name_of_a_released_file_or_folder_is_the_sources(outcome: Released) -> None:
    assert "name of the file" in outcome.files
    told = "\n".join(str(path.relative_to(outcome.folder)) for path in outcome.folder.rglob("*"))
    assert not survivors(told.encode(), (*_SECRETS, "plain", "p0"))


def test_the_folder_of_released_files_holds_nothing_else(outcome: Released) -> None:
    assert {path for path in outcome.folder.rglob("*") if path.is_file()} == set(
        outcome.files.values()
    )


def test_only_the_mapping_undoes_it_and_only_its_owner_reads_it(outcome: Released) -> None:
    assert outcome.mapping.stat().st_mode & 0o077 == 0
    assert outcome.folder not in outcome.mapping.parents
    with outcome.mapping.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert CHI in {row["original"] for row in rows}
    assert not {row["original"] for row in rows} & {row["pseudonym"] for row in rows}


def test_the_verifier_finds_nothing_in_what_was_released(outcome: Released) -> None:
    assert [f"{one.file} {one.location} {one.rule}" for one in outcome.findings] == []


def _archive(comment: bytes) -> bytes:
    """A zip of one file, with a comment on the archive and on its member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        member = zipfile.ZipInfo(f"{STRANGER}/{STRANGER_CHI}/image.dcm")
        member.comment = comment
        archive.writestr(member, as_bytes(real()))
        archive.comment = comment
    return stream.getvalue()


def test_names_and_comments_of_an_archive_do_not_follow(tmp_path: Path) -> None:
    source, out, key = tmp_path / "source", tmp_path / "out", tmp_path / "key"
    source.mkdir()
    (source / f"{STRANGER}.zip").write_bytes(_archive(f"{STRANGER} {STRANGER_CHI}".encode()))
    key.write_bytes(os.urandom(32))
    assert deidentify(source, out, key=key, workers=1).released == 1
    (written,) = out.rglob("*.dcm")
    told = written.read_bytes() + str(written.relative_to(out)).encode()
    assert not survivors(told, _SECRETS)
    assert pydicom.dcmread(written).Modality == "CT"


def test_what_is_refused_leaves_no_trace_of_its_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    source, out, key = tmp_path / "source", tmp_path / "out", tmp_path / "key"
    source.mkdir()
    key.write_bytes(os.urandom(32))
    plain = as_bytes(real())
    unknown = real(SOPClassUID=f"1.2.826.{STRANGER_CHI}")
    broken = {
        "unknown class": as_bytes(unknown),
        "cut short": plain[: len(plain) // 2],
        "no DICOM": f"{STRANGER} {STRANGER_CHI}".encode() * 20,
        "wrong length": plain.replace(b"PN", b"P\xff", 1),
    }
    for number, data in enumerate(broken.values()):
        (source / f"{number}.dcm").write_bytes(data)
    with caplog.at_level(logging.DEBUG):
        summary = deidentify(source, out, key=key, workers=1)
    assert summary.released == 0
    assert len(summary.withheld) + len(summary.quarantined) == len(broken)
    entries = [asdict(entry) for entry in [*summary.withheld, *summary.quarantined]]
    told = json.dumps([summary.summary(), entries]) + caplog.text + "".join(capfd.readouterr())
    assert not survivors(told.encode(), _SECRETS)
    assert not [path for path in out.rglob("*") if path.is_file()]


def test_two_projects_share_no_file_name_and_no_file_hash(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.dcm").write_bytes(as_bytes(real()))
    names: dict[str, set[str]] = {}
    for project in ("one", "two"):
        out, key = tmp_path / project, tmp_path / f"{project}.key"
        key.write_bytes(os.urandom(32))
        deidentify(source, out, key=key, workers=1)
        names[project] = {
            part for path in out.rglob("*.dcm") for part in path.relative_to(out).parts
        } | {path.read_bytes().hex() for path in out.rglob("*.dcm")}
    assert len(names["one"]) == len(names["two"]) == 5
    assert not names["one"] & names["two"]

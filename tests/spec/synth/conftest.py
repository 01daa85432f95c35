"""One synthetic hospital, made once for the tests that only read it."""

import csv
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from imagehaven.synth import synthesise


class Hospital:
    """A made hospital with ways to read its key and its files."""

    def __init__(self, root: Path, summary) -> None:
        self.root = root
        self.summary = summary

    def key(self, name: str) -> list[dict[str, str]]:
        with (self.root / "answer_key" / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.root / "health" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def content(self, file: str) -> bytes:
        if "!/" not in file:
            return (self.root / file).read_bytes()
        archive, member = file.split("!/")
        raw = io.BytesIO((self.root / archive).read_bytes())
        if archive.endswith(".zip"):
            with zipfile.ZipFile(raw) as opened:
                return opened.read(member)
        with tarfile.open(fileobj=raw) as opened:
            return opened.extractfile(member).read()

    def instances(self) -> list[tuple[dict[str, str], bytes]]:
        """Every instance that can be read, with its row of files.csv."""
        return [
            (row, self.content(row["file"]))
            for row in self.key("files.csv")
            if row["state"] != "quarantined"
        ]


@pytest.fixture(scope="session")
def hospital(tmp_path_factory):
    root = tmp_path_factory.mktemp("hospital")
    return Hospital(root, synthesise(root, patients=30, seed=11))

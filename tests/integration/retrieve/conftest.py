"""A PACS with a few days of studies, for tests that change nothing in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagehaven.haven import Haven, Settings
from retrieving import Made, make
from servers import orthanc
from servers.orthanc import Orthanc
from servers.ports import free_port

DAYS = {"20200101": 3, "20200102": 4, "20200105": 1}


@dataclass(frozen=True)
class Filled:
    """A PACS, what is in it, and the port that it moves to."""

    server: Orthanc
    made: Made
    move_to: int


@pytest.fixture(scope="session")
def made_haven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "haven"
    made = Haven.create(folder, Settings(name="test", workers=2, chunk_items=20))
    made.ledger.close()
    made.lake.close()
    return folder


@pytest.fixture
def haven(made_haven: Path, tmp_path: Path) -> Iterator[Haven]:
    """A haven of the test's own, as a copy: many tests here want one, and none its making."""
    shutil.copytree(made_haven, tmp_path / "haven")
    opened = Haven.open(tmp_path / "haven")
    yield opened
    opened.ledger.close()


@pytest.fixture(scope="session")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("pacs")
    made = make(folder / "files", DAYS)
    port = free_port()
    with orthanc.running(folder / "orthanc", move_to=port) as server:
        server.add(made.paths)
        yield Filled(server, made, port)


@pytest.fixture
def files(tmp_path: Path) -> Made:
    """Two days with three studies of six instances."""
    return make(tmp_path / "files", {"20200101": 2, "20200102": 1})


@pytest.fixture
def own(tmp_path: Path, files: Made) -> Iterator[Orthanc]:
    """A PACS of the test's own, with these files."""
    with orthanc.running(tmp_path / "orthanc") as server:
        server.add(files.paths)
        yield server

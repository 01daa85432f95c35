"""A Ray cluster of several nodes, one of them killed at work: what is made is whole and single.

The nodes stand in network namespaces where this user may make them, else on loopback addresses
(:mod:`servers.networks`). The kill is of every process of a node at once. What is to be killed
rests until it is dead (:mod:`raywork`), so the kill hits however fast the machine is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import raywork
from catalogue_files import rows_of, write_archive_of_patients
from imagehaven.catalogue import IngestReport, ingest
from imagehaven.errors import TransientError
from imagehaven.haven import Haven, Settings
from imagehaven.release import release, verify_manifest
from imagehaven.synth import synthesise
from road_to_release import catalogued
from servers import raycluster
from servers.raycluster import Cluster, Node
from stopping import images

pytestmark = pytest.mark.slow

DRIVER = Path(raywork.__file__)


@dataclass(frozen=True)
class Running:
    """A cluster, and the marks that its workers leave."""

    cluster: Cluster
    marks: Path

    def drive(self, *words: object) -> subprocess.Popen[str]:
        """Start a process that gives the cluster work."""
        what, *rest = map(str, words)
        return subprocess.Popen(
            [sys.executable, str(DRIVER), what, self.cluster.at, *rest],
            env={**os.environ, **self.cluster.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def drive_on_the_head(self, *words: object) -> subprocess.Popen[str]:
        """Start a process on the head's machine that joins by RAY_ADDRESS, as a batch job does."""
        what, *rest = map(str, words)
        environment = {"RAY_ADDRESS": self.cluster.address, **self.cluster.environment}
        head = self.cluster.nodes[0].place
        return subprocess.Popen(
            [*head.prefix, sys.executable, str(DRIVER), what, "ray", *rest],
            env={**os.environ, raywork.MARKS: str(self.marks), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def marked(self, word: str, node: Node) -> bool:
        """Whether a worker on the node left that mark."""
        return any(self.marks.glob(f"{node.place.address}-{word}-*"))

    def let_go(self) -> None:
        """Let what rests go on."""
        (self.marks / raywork.GO).touch()


@contextmanager
def three_nodes(place: Path, *, namespaces: bool | None = None) -> Iterator[Running]:
    marks = place / "marks"
    marks.mkdir()
    environment = {raywork.MARKS: str(marks)}
    # Ray's sockets need a short path.
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as short,
        raycluster.several(
            Path(short), 3, environment=environment, namespaces=namespaces
        ) as cluster,
    ):
        yield Running(cluster, marks)


def wait_until(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError("".join(process.communicate()))
        time.sleep(0.05)


def ended(process: subprocess.Popen[str]) -> str:
    told, fault = process.communicate(timeout=240)
    assert process.returncode == 0, told + fault
    return told


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive_of_patients(tmp_path_factory.mktemp("archive"), 120)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> dict[str, list[str]]:
    haven = Haven.create(tmp_path_factory.mktemp("whole"), Settings(chunk_items=10))
    ingest(haven, [archive], engine="inline")
    return rows_of(haven)


@pytest.fixture
def at_scale(
    tmp_path: Path, postgresql_url: str, s3_settings: dict[str, object]
) -> Iterator[Haven]:
    """A haven with its catalog and ledger in PostgreSQL and its lake in the object store."""
    options: dict[str, object] = {"chunk_items": 10, "commit_items": 10, "database": postgresql_url}
    made = Haven.create(tmp_path / "haven", Settings(**options, **s3_settings))  # type: ignore[arg-type]
    yield made
    made.ledger.close()


@pytest.mark.parametrize("namespaces", [None, False], ids=["apart", "on-loopback"])
def test_results_that_a_killed_node_kept_are_made_again(
    tmp_path: Path, namespaces: bool | None
) -> None:
    with three_nodes(tmp_path, namespaces=namespaces) as running:
        driver = running.drive("compute")

        def kept() -> list[Node]:
            """Nodes that hold a result, while the first chunk, which goes before it, rests."""
            at_rest = [node for node in running.cluster.nodes[1:] if running.marked("rests", node)]
            if not any(running.marks.glob("*-rests-*")):
                return []
            found = [node for node in running.cluster.nodes[1:] if running.marked("done", node)]
            return [node for node in found if node not in at_rest]

        wait_until(lambda: bool(kept()), driver)
        kept()[0].kill()
        running.let_go()
        assert ended(driver).split() == [str(number) for number in range(8)]


def test_a_job_on_the_head_joins_the_cluster_and_works_on_other_nodes_too(tmp_path: Path) -> None:
    """What a RayJob and a Slurm script do: `--engine ray`, and the address in the environment."""
    with three_nodes(tmp_path) as running:
        driver = running.drive_on_the_head("compute")

        def working() -> set[str]:
            """Where work rests or is done: who rests fills a node, and others go elsewhere."""
            return {mark.name.split("-")[0] for mark in running.marks.glob("*-*-*")}

        wait_until(lambda: len(working()) > 1, driver)
        running.let_go()
        assert ended(driver).split() == [str(number) for number in range(8)]


def test_an_ingest_whose_node_is_killed_ends_with_the_rows_of_an_undisturbed_one(
    at_scale: Haven, archive: Path, uninterrupted: dict[str, list[str]], tmp_path: Path
) -> None:
    with three_nodes(tmp_path) as running:
        doomed = running.cluster.nodes[2]
        driver = running.drive("ingest", at_scale.folder, archive)
        wait_until(lambda: running.marked("rests", doomed) and _some_done(at_scale), driver)
        doomed.kill()
        running.let_go()
        ended(driver)
    assert rows_of(at_scale) == uninterrupted


def test_an_ingest_whose_cluster_is_lost_goes_on_with_another_engine(
    at_scale: Haven, archive: Path, uninterrupted: dict[str, list[str]], tmp_path: Path
) -> None:
    with three_nodes(tmp_path) as running:
        head, other, _ = running.cluster.nodes
        driver = running.drive("ingest", at_scale.folder, archive)
        wait_until(lambda: running.marked("rests", other) and _some_done(at_scale), driver)
        head.kill()
        told = driver.communicate(timeout=240)[1]
        assert driver.returncode != 0
        assert TransientError.__name__ in told, told
    done, total = at_scale.ledger.runs.progress(1)
    assert 0 < done < total
    report = ingest(at_scale, [archive], engine="pool", workers=2)
    assert isinstance(report, IngestReport)
    assert report.resumed
    assert rows_of(at_scale) == uninterrupted


def test_a_release_whose_node_is_killed_has_the_files_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    synthesise(tmp_path / "hospital", patients=8, seed=6)
    road = catalogued(tmp_path, tmp_path / "hospital")
    road.cohort("steady")
    whole, survived = tmp_path / "whole", tmp_path / "survived"
    expected = release(road.haven, "steady", "all", to=whole, engine="inline")
    with three_nodes(tmp_path) as running:
        doomed = running.cluster.nodes[2]
        driver = running.drive("release", road.haven.folder, "steady", survived)
        wait_until(lambda: running.marked("rests", doomed), driver)
        doomed.kill()
        running.let_go()
        ended(driver)
    assert verify_manifest(survived) == []
    assert images(survived) == images(whole)
    assert len(images(whole)) == expected.states["released"] > 0


def _some_done(haven: Haven) -> bool:
    return haven.ledger.runs.progress(1)[0] > 0

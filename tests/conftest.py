"""Fixtures for every test: havens on every store, real DICOM files, real servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from imagehaven.haven import Haven, Settings
from servers import objectstore, postgresql

ROOT = Path(__file__).resolve().parents[1]

# Worker processes, of the pool and of Ray, import what tests hand them by name.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")])
)

# The same examples on every machine, and none that fails because the machine is busy.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _no_haven_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEHAVEN_HOME", raising=False)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgreSQL]:
    with postgresql.running() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.PostgreSQL) -> Iterator[str]:
    """The URL of a database of this test's own."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def object_store() -> Iterator[objectstore.ObjectStore]:
    with objectstore.running() as store:
        yield store


@pytest.fixture
def s3_settings(
    object_store: objectstore.ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Settings for a bucket of this test's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", objectstore.KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", objectstore.SECRET)
    return {
        "objects": f"s3://{object_store.bucket()}/lake",
        "s3_endpoint": object_store.endpoint,
        "s3_tls": False,
    }


@pytest.fixture
def haven(tmp_path: Path) -> Iterator[Haven]:
    """A haven in files, with small chunks so that a run has several."""
    made = Haven.create(tmp_path / "haven", Settings(name="test", workers=2, chunk_items=20))
    yield made
    made.ledger.close()


@pytest.fixture
def haven_on_postgresql(tmp_path: Path, postgresql_url: str) -> Iterator[Haven]:
    """A haven whose catalog and ledger are in PostgreSQL."""
    options = Settings(name="test", database=postgresql_url, workers=2, chunk_items=20)
    made = Haven.create(tmp_path / "haven", options)
    yield made
    made.ledger.close()


@pytest.fixture(params=["embedded", "postgresql", "postgresql+s3"])
def any_haven(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Haven]:
    """The same haven on every store: a test that takes it is a conformance test."""
    options: dict[str, object] = {"name": "test", "workers": 2, "chunk_items": 20}
    if request.param.startswith("postgresql"):
        options["database"] = request.getfixturevalue("postgresql_url")
    if request.param.endswith("s3"):
        options |= request.getfixturevalue("s3_settings")
    made = Haven.create(tmp_path / "haven", Settings(**options))  # type: ignore[arg-type]
    yield made
    made.ledger.close()


@pytest.fixture(scope="session")
def shared() -> Path | None:
    """The folder of extra real files beside the checkout, or None where there is none."""
    place = Path(os.environ.get("IMAGEHAVEN_SHARED", ROOT.parent / "shared"))
    return place if place.is_dir() else None

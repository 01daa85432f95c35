"""The real files that the tests of this folder read."""

from __future__ import annotations

import os
from pathlib import Path

import data_store
import pytest
from pydicom import data

_NO_IMAGES = {".py", ".pyc", ".json", ".md", ".txt", ".csv"}


@pytest.fixture(scope="session")
def real_files() -> list[Path]:
    """Every file of the pydicom wheel, of pydicom-data, and of the shared folder if present."""
    beside = Path(__file__).resolve().parents[4] / "shared"
    shared = Path(os.environ.get("IMAGEHAVEN_SHARED", beside))
    places = [Path(data.__file__).parent, Path(next(iter(data_store.__path__))), shared / "dicom"]
    found = (path for place in places for path in place.rglob("*"))
    files = sorted(path for path in found if path.is_file() and path.suffix not in _NO_IMAGES)
    # The shared folder repeats many of the others: one of each is enough.
    return sorted({(path.name, path.stat().st_size): path for path in files}.values())

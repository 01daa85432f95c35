"""A small hospital, catalogued once, for every test of the release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagehaven.synth import synthesise
from road_to_release import Road, catalogued


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three made-up patients, with the answer key of what identifies them."""
    place = tmp_path_factory.mktemp("hospital")
    synthesise(place / "synthetic", patients=3, seed=5)
    return place / "synthetic"


@pytest.fixture(scope="session")
def road(hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """Synthetic and real files, catalogued; tests leave the catalogue as it is."""
    made = catalogued(tmp_path_factory.mktemp("road"), hospital, real=True)
    yield made
    made.haven.ledger.close()

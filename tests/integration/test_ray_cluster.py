"""The road on a Ray cluster that is reached through its client port."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imagehaven.catalogue import ingest
from imagehaven.engine import make_engine
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.synth import synthesise
from servers import raycluster
from servers.ports import free_port

ROWS = "SELECT * EXCLUDE (load_run) FROM {} ORDER BY ALL"


def test_an_ingest_on_a_cluster_catalogues_the_same_rows(tmp_path: Path) -> None:
    synthesise(tmp_path / "hospital", patients=2, seed=4)
    images = tmp_path / "hospital" / "dicom"
    alone, cluster = (Haven.create(tmp_path / name) for name in ("alone", "cluster"))
    ingest(alone, [images], engine="inline")
    # Ray's sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="ray-") as short, raycluster.running(Path(short)) as at:
        done = subprocess.run(
            [
                sys.executable, "-m", "imagehaven", "-C", str(cluster.folder),
                "ingest", str(images), "--engine", at, "--json",
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["catalogued"] > 0
    for table in ("instance", "source", "conflict", "quarantine"):
        assert cluster.sql(ROWS.format(table)) == alone.sql(ROWS.format(table)), table


def test_a_cluster_that_is_not_there_is_said_at_once() -> None:
    nobody = f"ray://127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=r"could not be reached.*head node"), make_engine(nobody):
        pass

"""The demonstration keeps its promise: the whole road, twice, and no planted identifier comes out.

Everything that the commands say on the way is kept, and searched for what was planted too.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagehaven.synth.survival import survival

SAID_NOWHERE = {"name", "chi", "nhs", "phone", "email", "postcode", "address"}


def imagehaven(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imagehaven", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    done = imagehaven("demo", "show", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "show", json.loads(done.stdout)


def test_no_planted_identifier_survives(demo: tuple[Path, dict[str, Any]]) -> None:
    _, report = demo
    assert report["identifiers_planted"] > report["identifiers_in_released_files"] > 1000
    assert report["identifiers_survived"] == 0
    assert report["audit_intact"]


def test_its_numbers_add_up(demo: tuple[Path, dict[str, Any]]) -> None:
    _, report = demo
    found = report["ingest"]
    ends = ("catalogued", "duplicate", "conflicting", "quarantined")
    assert found["found"] == sum(found[end] for end in ends)
    assert found["quarantined"] == sum(found["quarantined_by_reason"].values())
    released = report["release"]
    assert released["requested"] == found["catalogued"] == sum(released["states"].values())
    assert report["cohort"]["counts"]["patients"] > 0


def test_the_check_would_see_a_leak(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The same check on the originals finds nearly all of what was planted: it can fail."""
    folder, _ = demo
    marked: dict[str, str] = {}
    for row in _planted(folder):
        if row["file"].endswith(".dcm") and "!" not in row["file"]:
            marked[row["SOPInstanceUID"]] = row["file"]
    chosen = dict(sorted(marked.items())[:20])
    outcome = survival(
        folder / "hospital", {uid: folder / "hospital" / file for uid, file in chosen.items()}
    )
    assert len(outcome.survivors) > 0.9 * outcome.in_released


def test_nothing_that_is_said_on_the_way_holds_an_identifier(
    demo: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = demo
    again = [
        ("demo", str(folder)),
        ("-C", str(folder / "haven"), "audit", "list", "--json"),
        ("-C", str(folder / "haven"), "release", "demo", "everything", "--to", "elsewhere"),
        ("-C", str(folder / "haven"), "release", "demo", "nothing", "--to", "elsewhere"),
        ("-C", str(folder / "haven"), "query", "SELECT CAST(PatientName AS DATE) FROM patient"),
    ]
    said = ""
    for words in again:
        done = imagehaven(*words, folder=folder.parent)
        said += done.stdout + done.stderr
    assert len(said) > 2000
    secrets = {
        row["value"]
        for row in _planted(folder)
        if row["kind"] in SAID_NOWHERE and len(row["value"]) >= 6
    }
    assert len(secrets) > 100
    assert not [secret for secret in secrets if secret in said]


def _planted(folder: Path) -> Iterator[dict[str, str]]:
    key = folder / "hospital" / "answer_key" / "identifiers.csv"
    with key.open(newline="", encoding="utf-8") as rows:
        yield from csv.DictReader(rows)

"""The whole road by its commands, as a program would call them: one JSON document for each."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from imagehaven.cli.main import run
from imagehaven.synth import synthesise

COHORT = '''"""Every CT and MR series."""
from imagehaven.cohort import cohort, series
ct = series.where(series.Modality == "CT")
mr = series.where(series.Modality == "MR")
cohort(ct | mr)
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("road")
    synthesise(folder / "hospital", patients=4, seed=7)
    (folder / "ct_mr.py").write_text(COHORT)
    (folder / "project.key").write_text("ab" * 32)
    return folder


@pytest.fixture
def ask(place: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> Any:
    """Calls a command with ``--json`` in the haven and gives its one document."""
    monkeypatch.chdir(place)

    def call(*words: str, code: int = 0) -> Any:
        assert run(["-C", "haven", "--json", *words]) == code
        told = capsysbinary.readouterr()
        return json.loads(told.out)

    return call


def test_the_road_from_end_to_end(ask: Any, place: Path) -> None:
    assert ask("init", "haven")["new"] is True
    assert ask("doctor")["healthy"] is True

    foreseen = ask("ingest", "hospital/dicom", "--check")
    assert foreseen["bytes"] > 0
    assert ask("quarantine", "list")["quarantined"] == 0
    found = ask("ingest", "hospital/dicom", "--workers", "2")
    assert found["found"] == foreseen["found"] > 0
    ends = ("catalogued", "duplicate", "conflicting", "quarantined")
    assert found["found"] == sum(found[end] for end in ends)
    expected = json.loads((place / "hospital/answer_key/expected.json").read_text())
    assert found["catalogued"] == expected["catalogued"]
    assert found["quarantined_by_reason"] == expected["quarantined"]

    again = ask("ingest", "hospital/dicom", "--workers", "2")
    assert again["catalogued"] == 0
    assert again["found"] == sum(again[end] for end in ends) == found["found"]
    assert again["unchanged"] == again["duplicate"]

    quarantine = ask("quarantine", "list")
    assert quarantine["quarantined"] == len(quarantine["objects"]) == found["quarantined"]
    assert ask("quarantine", "retry", "--workers", "2")["quarantined"] == found["quarantined"]
    assert ask("curate")["views"] == 14
    assert ask("load", "smoking", "hospital/health/smoking.csv", "--patient", "chi")["rows"] >= 0

    assert ask("project", "create", "brains", "--check")["would"]
    assert ask("project", "list") == []
    assert ask("project", "create", "brains")["project"] == "brains"
    assert [row["project"] for row in ask("project", "list")] == ["brains"]

    assert ask("cohort", "check", "ct_mr.py")["checked_against"] == "haven"
    assert "SELECT" in ask("cohort", "explain", "ct_mr.py")["explanation"]
    trial = ask("cohort", "run", "ct_mr.py", "--project", "brains", "--check")
    assert trial["version"] == 0
    assert ask("cohort", "list") == []
    version = ask("cohort", "run", "ct_mr.py", "--project", "brains")
    assert version["version"] == 1
    assert version["counts"] == trial["counts"]
    assert [row["cohort"] for row in ask("cohort", "list", "--project", "brains")] == ["ct_mr@1"]

    foreseen = ask("release", "brains", "ct_mr", "--to", "zone", "--check")
    assert foreseen["requested"] == version["counts"]["instances"]
    assert not (place / "zone").exists()
    released = ask("release", "brains", "ct_mr", "--to", "zone", "--workers", "2")
    assert sum(released["states"].values()) == released["requested"]
    files = list((place / "zone" / "images").rglob("*.dcm"))
    assert len(files) == released["states"]["released"] > 0
    assert ask("rerun", released["release"], "--workers", "2")["identical"] is True

    assert ask("opt-out", "list") == {}
    with (place / "gone.txt").open("w") as gone:
        gone.write(ask("query", "SELECT PatientID FROM ct LIMIT 1")[0]["PatientID"])
    assert ask("opt-out", "add", "gone.txt")
    assert ask("opt-out", "list") == {"every project": 1}
    later = ask("release", "brains", "ct_mr", "--to", "zone-2", "--workers", "2")
    assert later["states"]["opted-out"] > 0
    differs = ask("rerun", released["release"], "--workers", "2", code=1)
    assert differs["differences"]
    assert all(
        "opted out" in row["why"] or "follows" in row["why"] for row in differs["differences"]
    )

    events = [row["event"] for row in ask("audit", "list")]
    assert events[:2] == ["init", "ingest"]
    for event in ("ingest", "load", "cohort-run", "release", "opt-out", "rerun"):
        assert event in events
    assert ask("audit", "verify")["intact"] is True


def test_the_trail_shows_what_a_database_administrator_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    haven = tmp_path / "haven"
    assert run(["init", str(haven)]) == 0
    assert run(["-C", str(haven), "project", "create", "brains"]) == 0
    with sqlite3.connect(haven / "ledger.sqlite") as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    database.close()
    capsys.readouterr()
    assert run(["-C", str(haven), "audit", "verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problem"] == "row 2 was altered"


def test_the_stateless_twins_need_no_haven(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source, key = str(place / "hospital" / "dicom"), str(place / "project.key")
    words = ["deidentify", source, "out", "--key", key, "--mapping", "m.csv", "--workers", "2"]
    assert run([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["withheld"]
    assert all(row["reason"] for row in report["withheld"])
    assert (tmp_path / "m.csv").read_text().splitlines()[0] == "kind,original,pseudonym"
    assert run(["identifiable", source, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"file", "location", "value_class", "rule", "detector"} <= findings[0].keys()


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_query_is_written_in_each_format(
    form: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "haven"]) == 0
    output = tmp_path / "answer"
    query = "SELECT 1 AS one, 'ä' AS text"
    words = ["-C", "haven", "query", query, "--format", form, "--output", str(output)]
    assert run(words) == 0
    if form == "parquet":
        import pyarrow.parquet as pq

        assert pq.read_table(output).to_pylist() == [{"one": 1, "text": "ä"}]
    elif form == "json":
        assert json.loads(output.read_text()) == [{"one": 1, "text": "ä"}]
    else:
        assert "one" in output.read_text()
        assert "ä" in output.read_text()
    capsys.readouterr()


def test_control_c_ends_quietly_and_the_same_command_goes_on(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "haven")
    many = tmp_path / "many"
    synthesise(many, instances=3000, seed=1)
    assert run(["init", folder]) == 0
    # So slow, and in so small portions, that it is not done before it is interrupted.
    settings = tmp_path / "haven" / "haven.toml"
    told = settings.read_text().replace("compiled = true", "compiled = false")
    settings.write_text(told.replace("commit_items = 4000", "commit_items = 200"))
    assert "compiled = false" in settings.read_text()
    assert "commit_items = 200" in settings.read_text()
    words = [sys.executable, "-m", "imagehaven", "-C", folder, "ingest", str(many)]
    # A session of its own: the terminal sends Ctrl-C to the command and its workers alike.
    command = subprocess.Popen(
        [*words, "--workers", "2"], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    ledger = tmp_path / "haven" / "ledger.sqlite"
    deadline = time.monotonic() + 120
    while not _chunks_done(ledger):
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(command.pid, signal.SIGINT)
    _, told = command.communicate(timeout=120)
    assert command.returncode == 130
    assert told.splitlines()[-1].startswith("error: interrupted")
    assert "Traceback" not in told
    capsys.readouterr()
    assert run(["-C", folder, "ingest", str(many), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["resumed"] is True
    assert report["catalogued"] == 3000


def _chunks_done(ledger: Path) -> int:
    database = sqlite3.connect(ledger, timeout=60)
    try:
        return int(
            database.execute("SELECT count(*) FROM chunk WHERE state = 'done'").fetchone()[0]
        )
    finally:
        database.close()

"""The public challenge's own validation script as an outside oracle.

The script (github.com/CBIIT/MIDI_validation_script) is no package: a site that has a checkout of it
names its folder and a Python with what it needs. It reads the answer key in its own SQLite layout,
the released files, and two tables of old and new identities; we read back its verdicts.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pydicom

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.corpus.key import write_sqlite
from benchmarks.deid.midi.places import flat
from benchmarks.deid.midi.scoring.actions import Consistency
from benchmarks.deid.midi.scoring.outcome import Run
from benchmarks.measure import table
from imagehaven.dicom.quiet import quiet_pydicom


def ask(corpus: Corpus, run: Run, checkout: Path, python: Path, work: Path) -> str:
    """Return the oracle's verdicts on a run as Markdown. Raises RuntimeError if it fails."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "files").mkdir(parents=True)
    known = Consistency()
    with quiet_pydicom():
        for case in corpus.cases:
            if (path := run.released.get(case.instance)) is not None:
                shutil.copyfile(path, work / "files" / case.file)
                known.learn(case, flat(pydicom.dcmread(path, force=True, stop_before_pixels=True)))
    write_sqlite(corpus.cases, corpus.folder, work / "key.db")
    _pairs(work / "uids.csv", known.uids)
    _pairs(work / "patients.csv", known.patients)
    config = {
        "run_name": "run", "input_data_path": str(work / "files"),
        "output_data_path": str(work / "out"), "answer_db_file": str(work / "key.db"),
        "uid_mapping_file": str(work / "uids.csv"), "log_path": str(work / "log"),
        "patid_mapping_file": str(work / "patients.csv"), "multiprocessing": "False",
        "multiprocessing_cpus": "1", "log_level": "error", "report_series": "False",
    }  # fmt: skip
    (work / "config.json").write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run(
        [str(python), str(checkout / "run_validation.py"), str(work / "config.json")],
        capture_output=True, text=True, check=False, cwd=checkout,
    )  # fmt: skip
    results = work / "out" / "run" / "validation_results.db"
    if not results.is_file():
        raise RuntimeError(f"the oracle gave no results: {done.stderr[-500:]}")
    return _verdicts(results, run.name)


def _pairs(path: Path, pairs: Mapping[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id_old", "id_new"))
        writer.writerows(pairs.items())


def _verdicts(results: Path, name: str) -> str:
    query = (
        "SELECT action, TOTAL(check_passed = 1), TOTAL(check_passed = 0), "
        "TOTAL(check_passed IS NULL) "
        "FROM validation_results GROUP BY action ORDER BY action"
    )
    with sqlite3.connect(results) as database:
        counted = database.execute(query).fetchall()
    rows = [
        [f"`{str(action).strip('<>')}`", *(f"{count:.0f}" for count in rest)]
        for action, *rest in counted
    ]
    passed, failed = sum(row[1] for row in counted), sum(row[2] for row in counted)
    share = int(10000 * passed / (passed + failed)) / 100 if passed + failed else 0.0
    rows.append(["all", f"{passed:.0f}", f"{failed:.0f}", f"score {share:.2f} %"])
    return table([f"the public scorer on {name}", "passed", "failed", "left to people"], rows)

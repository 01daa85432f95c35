"""imagehaven itself, through its command line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.scoring.outcome import Run

NAME = "imagehaven"


def run_imagehaven(corpus: Corpus, folder: Path, *, workers: int = 1) -> Run:
    """De-identify the corpus with a fresh key; the mapping says which file became which."""
    folder.mkdir(parents=True)
    key, mapping, out = folder / "key", folder / "mapping.csv", folder / "out"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    command = [
        sys.executable, "-m", "imagehaven", "deidentify", str(corpus.folder), str(out),
        "--key", str(key), "--mapping", str(mapping), "--workers", str(workers), "--json",
    ]  # fmt: skip
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"imagehaven ended with {done.returncode}: {(done.stderr + done.stdout)[-800:]}"
        )
    told = json.loads(done.stdout)
    written = {path.stem: path for path in out.rglob("*.dcm")}
    with mapping.open(newline="", encoding="utf-8") as file:
        new = {
            row["original"]: row["pseudonym"]
            for row in csv.DictReader(file)
            if row["kind"] == "SOPInstanceUID"
        }
    reasons = {
        Path(entry["source"]).name: entry["reason"]
        for entry in [*told["withheld"], *told["quarantined"]]
    }
    released = {
        case.instance: written[new[case.instance]]
        for case in corpus.cases
        if case.file not in reasons and new.get(case.instance) in written
    }
    refused = {
        case.instance: reasons.get(case.file, "missing")
        for case in corpus.cases
        if case.instance not in released
    }
    return Run(NAME, released, refused, seconds)

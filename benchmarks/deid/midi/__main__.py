"""Run the benchmark: `python -m benchmarks.deid.midi [--shared DIR] [--peers]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.deid.midi.corpus.build import build
from benchmarks.deid.midi.corpus.key import write_sqlite
from benchmarks.deid.midi.runs.controls import run_delete, run_identity
from benchmarks.deid.midi.runs.ctp import run_ctp
from benchmarks.deid.midi.runs.ours import run_imagehaven
from benchmarks.deid.midi.runs.peers import run_peers
from benchmarks.deid.midi.scoring.judge import judge
from benchmarks.deid.midi.scoring.oracle import ask
from benchmarks.deid.midi.scoring.report import failures, markdown


def main() -> None:
    """Build the corpus, let everybody work on it, print Markdown."""
    wish = _arguments().parse_args()
    also = [wish.shared] if wish.shared and wish.shared.is_dir() else []
    with tempfile.TemporaryDirectory(dir=wish.work, prefix="midi-") as made:
        work = Path(made)
        corpus = build(
            work / "corpus",
            also=also,
            patients=wish.patients,
            per_class=wish.per_class,
            largest=wish.largest,
        )
        if wish.key:
            write_sqlite(corpus.cases, corpus.folder, wish.key)
        runs = [run_imagehaven(corpus, work / "imagehaven")]
        runs += [run_identity(corpus, work / "identity"), run_delete(corpus, work / "delete")]
        if wish.peers:
            runs.append(run_ctp(corpus, work / "ctp"))
        notes = []
        for made_by in run_peers(corpus, work / "peers", wish.cache) if wish.peers else ():
            if isinstance(made_by, str):
                notes.append(f"- {made_by}.")
            else:
                runs.append(made_by)
        scores = [judge(corpus, run) for run in runs]
        print("\n".join([markdown(corpus, scores), *notes]))
        if wish.oracle:
            print()
            print(ask(corpus, runs[0], wish.oracle, wish.oracle_python, work / "oracle"))
        if wish.failures:
            wish.failures.write_text(failures(scores[0]) + "\n", encoding="utf-8")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deid.midi", description=__doc__)
    shared = os.environ.get("IMAGEHAVEN_SHARED", "../shared")
    parser.add_argument(
        "--shared", type=Path, default=Path(shared) / "dicom", help="a folder of more real files"
    )
    parser.add_argument("--patients", type=int, default=12, help="of the synthetic hospital")
    parser.add_argument("--per-class", type=int, default=40, help="real files of a SOP class")
    parser.add_argument("--largest", type=int, default=3_000_000, help="bytes of a real file")
    parser.add_argument("--peers", action="store_true", help="other de-identifiers, too")
    cache = Path.home() / ".cache" / "imagehaven-benchmarks"
    parser.add_argument("--cache", type=Path, default=cache, help="where peers are installed")
    parser.add_argument("--key", type=Path, help="also write the answer key as SQLite")
    parser.add_argument(
        "--oracle", type=Path, help="a checkout of the challenge's validation script, to ask it too"
    )
    parser.add_argument(
        "--oracle-python", type=Path, default=Path(sys.executable), help="the Python it runs in"
    )
    parser.add_argument("--failures", type=Path, help="write what failed, with made-up values")
    parser.add_argument("--work", type=Path, help="a folder for the corpus and what is made of it")
    return parser


if __name__ == "__main__":
    main()

"""What does an engine cost, and do more nodes bring as much more? `make bench-scaling`.

Chunks as long as a real one, one second each, which sleeps: input and output are simulated, since a
small machine has no cores for four nodes. What goes in and comes out is real: 500 planned items in,
500 rows of 3 kB out, through the engine that ingests and releases run on. The pool and Ray have as
many workers; then Ray alone on 1, 2 and 4 nodes, each in a network namespace of its own where this
user may make them. Every case is a process of its own, warmed up, in turn.

    python -m benchmarks.scaling [--chunks 96] [--seconds 1.0] [--repeats 3]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import table
from imagehaven.engine import make_engine, run_chunks

ITEMS = 500
ROW = "x" * 3000
#: Chunks that each node works at once.
WIDTH = 4
NODES = (1, 2, 4)
WARM = 2


@dataclass(frozen=True)
class Chunk:
    items: list[dict[str, Any]]


def wait(seconds: float, items: list[dict[str, Any]]) -> list[str]:
    """A chunk of work that waits for its storage, and gives rows as long as a scan's."""
    time.sleep(seconds)
    return [f"{item['source']}{ROW}" for item in items]


def timed(engine: str, workers: int, chunks: int, seconds: float) -> float:
    """Wall seconds for so many chunks on a warm engine."""
    made = [
        Chunk([{"source": f"/archive/{chunk}/{item}", "size": 1} for item in range(ITEMS)])
        for chunk in range(chunks)
    ]
    with make_engine(engine, workers) as machine:
        # Long enough that Ray has started a worker for each slot of each node.
        for _ in range(WARM):
            for _ in run_chunks(machine, made[: 2 * machine.width], wait, seconds):
                pass
        begun = time.perf_counter()
        done = sum(len(rows) for _, rows in run_chunks(machine, made, wait, seconds))
        assert done == chunks * ITEMS
        return time.perf_counter() - begun


def apart(options: argparse.Namespace, engine: str, workers: int, **environment: str) -> float:
    """The same in a process of its own, as Ray wants it."""
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.scaling", "--one", engine, "--workers", str(workers),
            "--chunks", str(options.chunks), "--seconds", str(options.seconds),
        ],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )  # fmt: skip
    return float(json.loads(done.stdout.splitlines()[-1]))


def on_nodes(options: argparse.Namespace, nodes: int) -> float:
    from servers import raycluster

    path = os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as short,
        raycluster.several(
            Path(short), nodes, cpus=WIDTH, environment={"PYTHONPATH": path}
        ) as cluster,
    ):
        return apart(options, cluster.at, nodes * WIDTH, **cluster.environment)


def cases(options: argparse.Namespace) -> Iterator[tuple[str, int, float]]:
    yield "process pool", WIDTH, apart(options, "pool", WIDTH)
    yield "Ray on this machine", WIDTH, apart(options, "ray", WIDTH)
    for nodes in NODES:
        yield f"Ray, {nodes} node{'s'[: nodes > 1]}", nodes * WIDTH, on_nodes(options, nodes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=WIDTH)
    parser.add_argument("--one", help="One engine, once; prints its seconds.")
    options = parser.parse_args()
    if options.one:
        # By its own name, so that workers can import what they are handed.
        itself = importlib.import_module("benchmarks.scaling")
        print(itself.timed(options.one, options.workers, options.chunks, options.seconds))
        return
    found: dict[str, list[float]] = {}
    widths: dict[str, int] = {}
    for _ in range(options.repeats):
        for name, width, seconds in cases(options):
            found.setdefault(name, []).append(seconds)
            widths[name] = width
            print(f"{name}: {seconds:.2f} s", file=sys.stderr, flush=True)
    print(table(*rows(options, found, widths)))


def rows(
    options: argparse.Namespace, found: dict[str, list[float]], widths: dict[str, int]
) -> tuple[list[str], list[list[str]]]:
    def ratio(ours: list[float], base: list[float]) -> str:
        return f"{statistics.median(b / o for o, b in zip(ours, base, strict=True)):.3f}"

    pool, one = found["process pool"], found["Ray, 1 node"]
    lines = []
    for name, seconds in found.items():
        width = widths[name]
        ideal = -(-options.chunks // width) * options.seconds
        nodes = [one_of * WIDTH / width for one_of in one]
        lines.append([
            name, str(width), f"{statistics.median(seconds):.2f} s",
            f"{statistics.median(seconds) / ideal - 1:.1%}",
            ratio(seconds, pool) if width == WIDTH else "",
            ratio(seconds, nodes) if name.startswith("Ray, ") else "",
        ])  # fmt: skip
    heading = ["engine", "chunks at once", "time", "over the sleep itself",
               "rate, of the pool's", "efficiency"]  # fmt: skip
    return heading, lines


if __name__ == "__main__":
    main()

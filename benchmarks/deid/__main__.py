"""All parts in turn, each printing its Markdown: `python -m benchmarks.deid [--peers FOLDER]`.

A part that is missing or fails is said so in its place; the others still run. Ends with 1 when one
failed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One benchmark: a module that prints Markdown, and what it is called with.

    ``peers`` are further arguments where peers are wanted; ``{}`` is their folder.
    """

    title: str
    module: str
    arguments: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


PARTS = (
    Part(
        "Elements, identifiers and pixels, in the manner of MIDI-B",
        "benchmarks.deid.midi",
        (),
        ("--peers", "--cache", "{}"),
    ),
    Part("Reports", "benchmarks.deid.text", ("--split", "test"), ("--peers", "{}")),
    Part("Text in pixels", "benchmarks.deid.ocr", (), ("--peers", "{}")),
    Part("Faces", "benchmarks.deid.faces"),
    Part("The verifier", "benchmarks.deid.verifier"),
)


def main() -> int:
    """Run the parts that were asked for, all by default."""
    names = [part.module.rpartition(".")[2] for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deid", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names))
    parser.add_argument("--peers", type=Path, help="run peers too, installed in this folder")
    wish = parser.parse_args()
    unknown = sorted(set(wish.parts) - set(names))
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}: choose among {', '.join(names)}")
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    chosen = [
        part
        for part, name in zip(PARTS, names, strict=True)
        if not wish.parts or name in wish.parts
    ]
    failed = [run(part, wish.peers) for part in chosen]
    return int(any(failed))


def run(part: Part, peers: Path | None) -> bool:
    """Run one part in a process of its own; say in its place what is wrong. True if it failed."""
    print(f"\n### {part.title}\n", flush=True)
    if find_spec(part.module) is None:
        print(f"Not measured: {part.module} is not there.")
        return True
    words = [*part.arguments]
    if peers is not None:
        words += [word.format(peers.resolve()) for word in part.peers]
    done = subprocess.run([sys.executable, "-m", part.module, *words], check=False)
    if done.returncode:
        print(f"Not measured: {part.module} ended with {done.returncode}.")
    return bool(done.returncode)


if __name__ == "__main__":
    sys.exit(main())

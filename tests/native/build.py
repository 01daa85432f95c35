"""Builds the fuzz targets of the compiled core with clang's sanitizers; `make fuzz` runs them long.

    python tests/native/build.py FOLDER

writes FOLDER/fuzz_scan, FOLDER/fuzz_rewrite, FOLDER/fuzz_walk and FOLDER/seeds, small real files
to start from.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from pydicom import data

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "imagehaven" / "dicom" / "native"
READER = ROOT / "src" / "imagehaven" / "verify" / "read" / "native"
FLAGS = (
    "-g",
    "-O1",
    "-std=c11",
    "-fsanitize=fuzzer,address,undefined",
    "-fno-sanitize-recover=all",
)
_SMALL = 60_000


#: Each target with the folder of what it fuzzes.
TARGETS = {"fuzz_scan": CORE, "fuzz_rewrite": CORE, "fuzz_walk": READER}


def build(folder: Path, name: str) -> tuple[Path, Path]:
    """Make one target and the seeds; return both."""
    folder.mkdir(parents=True, exist_ok=True)
    target, seeds = folder / name, folder / "seeds"
    # A few files are the door for Python; what lies behind it needs none.
    place = TARGETS[name]
    sources = [path for path in sorted(place.glob("*.c")) if not _is_door(path.read_text())]
    command = ["clang", *FLAGS, f"-I{place}", ROOT / "tests" / "native" / f"{name}.c", *sources]
    subprocess.run([*command, "-o", target], check=True)
    seeds.mkdir(exist_ok=True)
    for path in Path(data.__file__).parent.rglob("*"):
        if path.is_file() and path.stat().st_size < _SMALL:
            content = path.read_bytes()
            (seeds / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    return target, seeds


def _is_door(text: str) -> bool:
    return '"python.h"' in text or "<Python.h>" in text


if __name__ == "__main__":
    for one in TARGETS:
        build(Path(sys.argv[1]), one)

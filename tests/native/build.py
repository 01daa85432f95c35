"""Builds the fuzz targets of the compiled core with clang's sanitizers; `make fuzz` runs them long.

    python tests/native/build.py FOLDER

writes FOLDER/fuzz_scan, FOLDER/fuzz_rewrite and FOLDER/seeds, small real files to start from.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from pydicom import data

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "imagehaven" / "dicom" / "native"
FLAGS = (
    "-g",
    "-O1",
    "-std=c11",
    "-fsanitize=fuzzer,address,undefined",
    "-fno-sanitize-recover=all",
)
_SMALL = 60_000


TARGETS = ("fuzz_scan", "fuzz_rewrite")


def build(folder: Path, name: str) -> tuple[Path, Path]:
    """Make one target and the seeds; return both."""
    folder.mkdir(parents=True, exist_ok=True)
    target, seeds = folder / name, folder / "seeds"
    # Two files are the door for Python; what lies behind it needs none.
    sources = [path for path in sorted(CORE.glob("*.c")) if '"python.h"' not in path.read_text()]
    command = ["clang", *FLAGS, f"-I{CORE}", ROOT / "tests" / "native" / f"{name}.c", *sources]
    subprocess.run([*command, "-o", target], check=True)
    seeds.mkdir(exist_ok=True)
    for path in Path(data.__file__).parent.rglob("*"):
        if path.is_file() and path.stat().st_size < _SMALL:
            content = path.read_bytes()
            (seeds / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    return target, seeds


if __name__ == "__main__":
    for one in TARGETS:
        build(Path(sys.argv[1]), one)

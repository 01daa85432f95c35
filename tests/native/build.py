"""Builds the fuzz target of the compiled core with clang's sanitizers; `make fuzz` runs it long.

    python tests/native/build.py FOLDER

writes FOLDER/fuzz_scan and FOLDER/seeds, small real files to start from.
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


def build(folder: Path) -> tuple[Path, Path]:
    """Make the target and its seeds; return both."""
    folder.mkdir(parents=True, exist_ok=True)
    target, seeds = folder / "fuzz_scan", folder / "seeds"
    # module.c is the door for Python; what lies behind it needs none.
    sources = [path for path in sorted(CORE.glob("*.c")) if path.name != "module.c"]
    command = ["clang", *FLAGS, f"-I{CORE}", ROOT / "tests" / "native" / "fuzz_scan.c", *sources]
    subprocess.run([*command, "-o", target], check=True)
    seeds.mkdir(exist_ok=True)
    for path in Path(data.__file__).parent.rglob("*"):
        if path.is_file() and path.stat().st_size < _SMALL:
            content = path.read_bytes()
            (seeds / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    return target, seeds


if __name__ == "__main__":
    build(Path(sys.argv[1]))

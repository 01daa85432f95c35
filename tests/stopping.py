"""Stop a release from outside, as a power cut does, and look at what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from road_to_release import Road

# Each step of its progress takes a while, so that the fastest machine is still at work when killed.
PROGRAM = """
import sys
import time
from pathlib import Path
from imagehaven.haven import Haven
from imagehaven.release import release

def tell(stage, done, total):
    print(stage, done, flush=True)
    time.sleep(0.1)

if __name__ == "__main__":
    haven = Haven.open(Path(sys.argv[1]))
    release(haven, sys.argv[2], "all", to=Path(sys.argv[3]), workers=2, progress=tell)
    print("ended", 0, flush=True)
"""


def images(folder: Path) -> dict[str, bytes]:
    """Every file below ``images`` with its bytes."""
    place = folder / "images"
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }


def killed_at(road: Road, project: str, to: Path, lines: int, delay: float) -> bool:
    """Run the release in a process of its own and kill it, workers and all; False if it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(road.haven.folder), project, str(to)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as told:
        for number, line in enumerate(told, 1):
            if line.startswith("ended"):
                process.wait()
                return False
            if number >= lines:
                break
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True

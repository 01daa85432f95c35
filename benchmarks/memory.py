"""Does memory stay flat as the archive grows? `make bench-memory`.

Ingests synthetic archives of growing size, each into a fresh haven, and prints rate, the peak
memory of the largest process and of all of them, and the commit times of early and late chunks.

    python -m benchmarks.memory 10000 100000 1000000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.measure import table
from imagehaven.haven import Haven
from imagehaven.synth import synthesise


class Watch(threading.Thread):
    """Samples the resident memory of a process and all its descendants, in KiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.largest = 0
        self.together = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.25):
            sizes = [_resident(pid) for pid in _family(self.pid)]
            self.largest = max([self.largest, *sizes])
            self.together = max(self.together, sum(sizes))


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:  # it ended while we looked
            continue
    return found


def _resident(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    except OSError:  # it ended while we looked
        pass
    return 0


def measure(instances: int, place: Path) -> list[str]:
    """Make an archive of that many instances, ingest it, and give its row of the table."""
    hospital = place / f"hospital-{instances}"
    synthesise(hospital, instances=instances, seed=5)
    haven = Haven.create(place / f"haven-{instances}")
    begun = time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "imagehaven",
            "-C",
            str(haven.folder),
            "ingest",
            "--json",
            str(hospital / "dicom"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    watch = Watch(process.pid)
    watch.start()
    answer, _ = process.communicate()
    seconds = time.perf_counter() - begun
    watch.ended.set()
    report = json.loads(answer)
    assert report["catalogued"] == instances, report
    return [
        f"{instances:,}",
        f"{seconds:,.0f} s",
        f"{instances / seconds:,.0f}",
        f"{watch.largest / 1024:,.0f} MiB",
        f"{watch.together / 1024:,.0f} MiB",
    ]


def main() -> None:
    """Measure each size in its turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instances", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--place", type=Path, help="A folder on a disk with room (about 8 GB).")
    options = parser.parse_args()
    heading = ["instances", "time", "instances/s", "largest process", "all processes"]
    with tempfile.TemporaryDirectory(dir=options.place) as temporary:
        rows = []
        for instances in options.instances:
            rows.append(measure(instances, Path(temporary)))
            print(table(heading, rows) + "\n", flush=True)


if __name__ == "__main__":
    main()

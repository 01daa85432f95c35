"""What does verification cost a release? `make bench-verify`: one core, a warm cache.

MR images of 26 KB of one patient, and CT images of 10 MB. Each case works on every file: alone
de-identified, or as a worker of a release does it (read, hashed and compared with the catalogue,
de-identified, verified against all that is known of the patient, put in place). "Every string" is
a release that reads no pixels; the last rows read the sample that the verifier's policy wants.
Processor time of the process, not wall time.

    python -m benchmarks.verification [--small 1000] [--large 12] [--repeats 3]
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pydicom

from benchmarks.measure import table
from benchmarks.rewrite import large_files, small_files, with_us
from imagehaven.deidentify import load
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.release.folder import layout
from imagehaven.release.requested import Item
from imagehaven.release.states import State
from imagehaven.release.work import WorkContext, release_chunk
from imagehaven.verify import Decided, default_rules
from imagehaven.verify.pixels import look

CHUNK = 500


def items(files: list[Path]) -> list[Item]:
    """What a release would be asked for, as the catalogue knows it."""
    found = []
    for seq, file in enumerate(files):
        header = pydicom.dcmread(file, stop_before_pixels=True)
        size, digest = file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()
        source = [str(file), str(file), "[]", size]
        uids = str(header.SOPInstanceUID), str(header.Modality)
        found.append(Item(seq, *uids, digest, size, str(header.StudyInstanceUID), [source], []))
    return found


def released(wanted: list[Item], target: Path, *, compiled: bool) -> None:
    """Do a release's work on every file; none may fail."""
    (target / layout.PARTIAL).mkdir(parents=True)
    (target / layout.IMAGES).mkdir()
    context = WorkContext(
        target, bytes(32), load(), default_rules(), Decided(), {}, compiled=compiled
    )
    for start in range(0, len(wanted), CHUNK):
        rows = [asdict(item) for item in wanted[start : start + CHUNK]]
        for result in release_chunk(context, rows):
            if result.state is not State.RELEASED:
                raise SystemExit(f"a file was not released: {result.state} {result.reason}")


def without_pixels(case: Callable[[Path], None]) -> Callable[[Path], None]:
    """The case with a policy under which no image of a scanner is read."""
    usual = look.policy()

    def run(target: Path) -> None:
        look.policy = lambda: replace(usual, one_in=2**64)  # type: ignore[assignment]
        try:
            case(target)
        finally:
            look.policy = lambda: usual  # type: ignore[assignment]

    return run


def measured(files: list[Path], place: Path, repeats: int) -> list[list[str]]:
    """The rows of one corpus."""
    profile, wanted = load(), items(files)
    few = max(3, len(files) // 5)
    fast, slow = (partial(released, compiled=compiled) for compiled in (True, False))
    cases: dict[str, tuple[Callable[[Path], None], int]] = {
        "de-identify alone": (
            lambda to: with_us(files, to, profile, compiled=True), len(files)
        ),
        "release, every string verified": (
            without_pixels(lambda to: fast(wanted, to)), len(files)
        ),
        "the same without the compiled parts": (
            without_pixels(lambda to: slow(wanted[:few], to)), few
        ),
        "release, with the sample of pixels read": (lambda to: fast(wanted, to), len(files)),
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(repeats + 1):
        for name, (case, count) in cases.items():
            target = place / "out"
            started = time.process_time()
            case(target)
            if turn:  # the first one warms up
                taken[name].append(1000 * (time.process_time() - started) / count)
            shutil.rmtree(target)
    alone = statistics.median(taken["de-identify alone"])
    return [
        [name, f"{statistics.median(times):.2f}", f"{statistics.median(times) / alone:.1f}"]
        for name, times in taken.items()
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for title, make, count in (
        ("MR images of 26 KB", small_files, options.small),
        ("CT images of 10 MB", large_files, options.large),
    ):
        with tempfile.TemporaryDirectory() as folder, quiet_pydicom():
            files = make(Path(folder) / "source", count)
            rows = measured(files, Path(folder), options.repeats)
        print(f"\n{title}\n")
        print(table(["work", "ms a file", "times de-identify alone"], rows))


if __name__ == "__main__":
    main()

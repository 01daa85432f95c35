"""How fast are files de-identified? `make bench-rewrite`: one core, a warm cache, beside others.

Two corpora: MR images of 26 KB, and CT images of 10 MB. Each case reads every file and writes it
again somewhere else. imagehaven does its whole job (every element of the full profile, the look at
the pixels, SHA-256 of what it writes); the peers do theirs, which is less: see their settings in
``benchmarks/deid/midi/runs/scripts.yaml``. Processor time of the process and its children, not wall
time; what a peer needs to start is taken off.

    python -m benchmarks.rewrite [--small 1000] [--large 12] [--repeats 3] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file

from benchmarks.deid.midi.runs.peers import Peer, Unavailable, home_of, peers
from benchmarks.measure import table
from benchmarks.road import recipe
from imagehaven.deidentify import Deidentifier, Profile, Pseudonyms, load
from imagehaven.dicom.quiet import quiet_pydicom

PEERS = ("deid", "dicom-anonymizer", "dicognito")
DCMODIFY = ["-nb", "-ie", "-ep", "-gst", "-gse", "-gin", "-ma", "PatientName=X", "-ma",
            "PatientID=X", "-ea", "PatientBirthDate", "-ea", "AccessionNumber"]  # fmt: skip


def small_files(folder: Path, count: int) -> list[Path]:
    """MR images of one scanner, each with what differs from slice to slice."""
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    dataset.PixelData = np.tile(dataset.pixel_array, (2, 2))[:112, :112].tobytes()
    dataset.Rows = dataset.Columns = 112
    return [_slice(dataset, folder / f"{number}.dcm", number) for number in range(count)]


def large_files(folder: Path, count: int) -> list[Path]:
    """CT images whose pixels are the most of them."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    pixels = np.random.default_rng(7).normal(0, 300, (2304, 2304)).astype(np.int16)
    dataset.PixelData, dataset.Rows, dataset.Columns = pixels.tobytes(), 2304, 2304
    return [_slice(dataset, folder / f"{number}.dcm", number) for number in range(count)]


def _slice(dataset: pydicom.FileDataset, path: Path, number: int) -> Path:
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{10**20 + number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstanceNumber, dataset.SliceLocation = number, f"{number * 0.7:.3f}"
    dataset.ImagePositionPatient = [-120.5, -100.25, round(number * 0.7, 3)]
    dataset.ContentTime = f"{10 + number % 10:02d}{number // 60 % 60:02d}{number % 60:02d}.12"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path


# ---- the cases -------------------------------------------------------------------------------


def with_us(files: Iterable[Path], target: Path, profile: Profile, *, compiled: bool) -> None:
    maker = Deidentifier(profile, Pseudonyms(bytes(32)), compiled=compiled)
    for file in files:
        maker.file(file, target)


def with_recipe(files: Iterable[Path], target: Path) -> None:
    for file in files:
        recipe(file).save_as(target / file.name)


def with_copy(files: Iterable[Path], target: Path) -> None:
    for file in files:
        shutil.copyfile(file, target / file.name)


def with_peer(peer: Peer, python: Path, source: Path, target: Path) -> None:
    command = [str(python), "-W", "ignore", "-c", peer.script, str(source), str(target)]
    subprocess.run(command, capture_output=True, check=False)


def with_dcmodify(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
    files = [str(path) for path in target.iterdir()]
    subprocess.run(["dcmodify", *DCMODIFY, *files], capture_output=True, check=False)


def processor_seconds() -> float:
    return sum(os.times()[:4])


class Bench:
    """Runs the cases on one corpus, each in an empty folder; the rows of the table in the end."""

    def __init__(self, source: Path, files: list[Path], place: Path, cache: Path) -> None:
        self.source, self.files, self.place, self.cache = source, files, place, cache
        self.one = place / "one"
        self.one.mkdir()
        shutil.copyfile(files[0], self.one / files[0].name)

    def cases(self, slow: int) -> dict[str, tuple[Callable[[Path], None], int]]:
        """Each case, and how many files it works on: the slow ones get a part of the corpus."""
        profile, few = load(), self.files[:slow]
        part = self.place / "part"
        part.mkdir()
        for file in few:
            shutil.copyfile(file, part / file.name)
        cases: dict[str, tuple[Callable[[Path], None], int]] = {
            "imagehaven": (
                lambda to: with_us(self.files, to, profile, compiled=True), len(self.files)
            ),
            "copy": (lambda to: with_copy(self.files, to), len(self.files)),
            "imagehaven without the core": (
                lambda to: with_us(few, to, profile, compiled=False), len(few)
            ),
            "pydicom, a few elements": (lambda to: with_recipe(few, to), len(few)),
        }  # fmt: skip
        if shutil.which("dcmodify"):
            cases["dcmodify, a few elements"] = (lambda to: with_dcmodify(part, to), len(few))
        for peer in peers():
            if peer.name in PEERS:
                try:
                    cases[peer.name] = (self._peer(peer, part), len(few))
                except Unavailable as reason:
                    print(f"{peer.name}: not run, {reason}")
        return cases

    def _peer(self, peer: Peer, part: Path) -> Callable[[Path], None]:
        python = home_of(peer, self.cache)
        return lambda to: with_peer(peer, python, part, to)

    def seconds(self, name: str, case: Callable[[Path], None]) -> float:
        """Processor time of a case, without that which a peer needs to start."""
        begun = processor_seconds()
        with tempfile.TemporaryDirectory(dir=self.place) as target:
            case(Path(target))
            spent = processor_seconds() - begun
        return spent - self._start(name)

    def _start(self, name: str) -> float:
        known = [peer for peer in peers() if peer.name == name]
        if not known:
            return 0.0
        begun = processor_seconds()
        with tempfile.TemporaryDirectory(dir=self.place) as target:
            with_peer(known[0], home_of(known[0], self.cache), self.one, Path(target))
        return processor_seconds() - begun

    def rows(self, repeats: int, slow: int) -> list[list[str]]:
        cases = self.cases(slow)
        for name, (case, _) in cases.items():
            self.seconds(name, case)
        rates: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(repeats):
            for name, (case, count) in cases.items():
                rates[name].append(count / max(self.seconds(name, case), 1e-6))
        size = sum(file.stat().st_size for file in self.files) / len(self.files) / 1e6
        ours, rows = rates["imagehaven"], []
        for name, theirs in rates.items():
            times = statistics.median(own / other for own, other in zip(ours, theirs, strict=True))
            rate = statistics.median(theirs)
            rows.append([name, f"{rate:,.0f}", f"{rate * size:,.0f}", f"{times:.2f}"])
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(".bench-peers"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    corpora = [("26 KB", small_files, options.small, 100), ("10 MB", large_files, options.large, 6)]
    for name, make, count, slow in corpora:
        with quiet_pydicom(), tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            files = make(place / "source", count)
            bench = Bench(place / "source", files, place, options.cache)
            heading = [f"files of {name}", "files/s", "MB/s", "imagehaven is × as fast"]
            print(table(heading, bench.rows(options.repeats, slow)) + "\n", flush=True)


if __name__ == "__main__":
    main()

"""How fast are headers read? `make bench-scan`: one core, a warm cache, beside pydicom and others.

Every case reads the same files, those that all readers accept, and does its own whole job:
imagehaven writes lossless JSON and the promoted columns of each header into one Parquet file;
pydicom makes JSON of each header and keeps nothing; fastdicom makes a dict of its top-level values;
the plain read loads the first 32 KiB. Processor time of this one process, not wall time.

    python -m benchmarks.scan FOLDER… [--repeats 5]
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
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pydicom
from pydicom.data import get_testdata_files

from benchmarks.measure import table
from imagehaven.catalogue.declared import promoted_keywords
from imagehaven.dicom import read_header, to_elements
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.scan import scan_files

FIRST = 32 * 1024
PEERS = {"fastdicom": "0.1.0"}


def peer(name: str, place: Path) -> Any:
    """Install a peer into a folder of its own, and import it from there."""
    target = place / name
    if not target.is_dir():
        wanted = f"{name}=={PEERS[name]}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", wanted]
        subprocess.run([*command, "--target", str(target)], check=True)
    sys.path.append(str(target))
    return importlib.import_module(name)


def readable(files: list[Path], reader: Any) -> list[Path]:
    """The files that the core, pydicom and the peer all read; others would not be fair to some."""
    declined = scan_files([os.fsencode(path) for path in files], (), hashing=False).declined
    kept = []
    for path, why in zip(files, declined, strict=True):
        try:
            with_pydicom(path)
            with_peer(path, reader)
        except Exception:  # noqa: BLE001 - whatever a reader raises, it does not read the file
            continue
        if why is None:
            kept.append(path)
    return kept


def with_pydicom(path: Path) -> str:
    return json.dumps(pydicom.dcmread(path, stop_before_pixels=True).to_json_dict())


def with_peer(path: Path, reader: Any) -> dict[Any, Any]:
    return dict(reader.dcmread(str(path), stop_before_pixels=True).items())


def without_core(path: Path) -> str:
    """The reference that the core is measured against: ours, through pydicom's parser."""
    with path.open("rb") as stream:
        header = read_header(stream, path.stat().st_size)
    return json.dumps(to_elements(header.dataset) | to_elements(header.trailing))


def first_bytes(path: Path) -> int:
    with path.open("rb") as stream:
        return len(stream.read(FIRST))


def to_parquet(files: list[bytes], target: Path) -> None:
    scanned = scan_files(files, promoted_keywords(), hashing=False)
    pq.write_table(scanned.columns, target, compression="zstd")


def seconds(case: Callable[[], object]) -> float:
    begun = time.process_time()
    case()
    return time.process_time() - begun


def measure(files: list[Path], reader: Any, repeats: int, target: Path) -> list[list[str]]:
    """The rows of the table: each case in turn, as often as asked."""
    some = files[:: max(1, len(files) // 200)]
    paths = [os.fsencode(path) for path in files]
    cases: dict[str, tuple[Callable[[], object], int]] = {
        "imagehaven, to Parquet": (lambda: to_parquet(paths, target), len(files)),
        "fastdicom to dict": (lambda: [with_peer(path, reader) for path in files], len(files)),
        "plain read of 32 KiB": (lambda: [first_bytes(path) for path in files], len(files)),
        "imagehaven without the core": (lambda: [without_core(p) for p in some], len(some)),
        "pydicom to JSON": (lambda: [with_pydicom(p) for p in some], len(some)),
    }
    for case, _ in cases.values():
        case()
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, (case, count) in cases.items():
            rates[name].append(count / seconds(case))
    ours = rates["imagehaven, to Parquet"]
    rows = []
    for name, theirs in rates.items():
        times = statistics.median(own / other for own, other in zip(ours, theirs, strict=True))
        rows.append([name, f"{statistics.median(theirs):,.0f}", f"{times:.2f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=Path(".bench-peers"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    reader = peer("fastdicom", options.peers)
    found = [Path(name) for name in get_testdata_files("*.dcm")]
    found += [path for folder in options.folders for path in folder.rglob("*") if path.is_file()]
    with quiet_pydicom(), tempfile.TemporaryDirectory() as temporary:
        files = readable(sorted(found), reader)
        rows = measure(files, reader, options.repeats, Path(temporary) / "scan.parquet")
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:,.0f} MB; processor time of one core\n")
    print(table(["case", "headers/s", "imagehaven is × as fast"], rows))


if __name__ == "__main__":
    main()

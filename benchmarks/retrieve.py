"""How fast do studies come home? From Orthanc, by every method, beside other retrievers.

Each retriever gets the same studies from the same Orthanc into an empty folder; they take turns
(A B C, A B C, …). Ours asks for the day, lists every instance, keeps its worklist in the ledger,
waits for the disk, compares, and starts a process; the others are told the studies and only fetch.

    python -m benchmarks.retrieve [--studies 8] [--instances 25] [--side 512] [--repeats 3]

Needs Orthanc with its DICOMweb plug-in, and DCMTK. pynetdicom is installed into a folder of its
own, because its scripts have the names of DCMTK's tools.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.measure import table
from benchmarks.receive import corpus, dcmtk, orthanc_program, peer

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
DICOM, HTTP, MOVE = 11821, 11822, 11823
OURS = "imagehaven, C-GET"

#: Fetches studies into a folder.
Retriever = Callable[[Path, list[str]], None]


@contextmanager
def pacs(place: Path) -> Iterator[None]:
    """An empty Orthanc."""
    settings = {
        "StorageDirectory": str(place / "storage"),
        "IndexDirectory": str(place / "storage"),
        "DicomPort": DICOM,
        "DicomAet": "PACS1",
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": {"haven": ["IMAGEHAVEN", "127.0.0.1", MOVE]},
        "DicomThreadsCount": 8,
        "HttpPort": HTTP,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [PLUGIN],
    }
    configuration = place / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([orthanc_program(), str(configuration)], stdout=quiet, stderr=quiet)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/system", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit("Orthanc did not start")
        yield
    finally:
        process.terminate()
        process.wait(60)


def ours(source: dict[str, object]) -> Retriever:
    """Our command with a source declared so."""

    def retrieve(folder: Path, _studies: list[str]) -> None:
        haven = folder / "haven"
        program = [sys.executable, "-m", "imagehaven"]
        subprocess.run([*program, "init", str(haven)], check=True, capture_output=True)
        (haven / "pacs.yaml").write_text(yaml.safe_dump({"sources": {"main": source}}))
        words = ["retrieve", "main", "--from", "2020-01-01", "--to", "2020-01-01", "--json"]
        begun = time.perf_counter()
        subprocess.run([*program, "-C", str(haven), *words], check=True, capture_output=True)
        (folder / "seconds").write_text(str(time.perf_counter() - begun))

    return retrieve


def getscu(program: list[str], more: list[str], environment: dict[str, str]) -> Retriever:
    """A C-GET of others, one call for all studies where it takes lists."""

    def retrieve(folder: Path, studies: list[str]) -> None:
        begun = time.perf_counter()
        for study in studies:
            words = ["-aec", "PACS1", "-aet", "IMAGEHAVEN", "127.0.0.1", str(DICOM), "-S",
                     "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}",
                     "-od", str(folder), *more]  # fmt: skip
            subprocess.run([*program, *words], check=True, capture_output=True, env=environment)
        (folder / "seconds").write_text(str(time.perf_counter() - begun))

    return retrieve


def retrievers(peers: Path) -> dict[str, Retriever]:
    """The retrievers to compare, ours first."""
    dimse = {"kind": "dimse", "host": "127.0.0.1", "port": DICOM, "title": "PACS1"}
    move = {**dimse, "retrieve": "c-move",
            "destination": {"title": "IMAGEHAVEN", "port": MOVE}}  # fmt: skip
    web = {"kind": "dicomweb", "url": f"http://127.0.0.1:{HTTP}/dicom-web"}
    path = os.pathsep.join(filter(None, [peer(peers), os.environ.get("PYTHONPATH")]))
    quick = {**os.environ, "TCP_NODELAY": "1"}
    two = {"limits": {"associations": 2}}
    return {
        OURS: ours(dimse),
        "imagehaven, C-GET, 2 associations": ours({**dimse, **two}),
        "imagehaven, C-MOVE": ours(move),
        "imagehaven, WADO-RS": ours(web),
        "imagehaven, WADO-RS, 2 connections": ours({**web, **two}),
        "DCMTK getscu +B": getscu([dcmtk("getscu")], ["+B"], quick),
        "pynetdicom getscu": getscu(
            [sys.executable, "-m", "pynetdicom", "getscu"], [], {**quick, "PYTHONPATH": path}
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=8)
    parser.add_argument("--instances", type=int, default=25)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=Path(".bench-peers"))
    options = parser.parse_args()
    count = options.studies * options.instances
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        size = corpus(place / "CT", count, options.studies, options.side, "CT")
        studies = dated(place / "CT")
        cases = retrievers(options.peers)
        times: dict[str, list[float]] = {name: [] for name in cases}
        with pacs(place):
            for path in (place / "CT").rglob("*.dcm"):
                upload(path)
            for number in range(options.repeats):
                for name, retrieve in cases.items():
                    folder = place / f"{number} {name}"
                    folder.mkdir()
                    retrieve(folder, studies)
                    came = sum(
                        1 for path in folder.rglob("*") if path.stat().st_size > size / count / 2
                    )
                    if came < count:
                        raise SystemExit(f"{name} brought {came} of {count}")
                    times[name].append(float((folder / "seconds").read_text()))
    print(f"{count} CT of {options.side}², {size / 1e6:,.0f} MB, {options.studies} studies\n")
    print(table(("retriever", "objects/s", "MB/s", "ours, C-GET, is … times as fast"),
                rows(times, count, size)))  # fmt: skip


def dated(folder: Path) -> list[str]:
    """Give every file the day that is asked for; returns the studies."""
    import pydicom

    studies = set()
    for path in folder.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.StudyDate, dataset.StudyTime = "20200101", "120000"
        dataset.save_as(path)
        studies.add(str(dataset.StudyInstanceUID))
    return sorted(studies)


def upload(path: Path) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{HTTP}/instances", data=path.read_bytes(), method="POST"
    )
    urllib.request.urlopen(request, timeout=60).close()


def rows(times: dict[str, list[float]], count: int, size: int) -> list[list[str]]:
    """A row for each retriever: rates, and ours by C-GET as a ratio."""
    found = []
    for name, spent in times.items():
        ratios = [other / own for own, other in zip(times[OURS], spent, strict=True)]
        middle = statistics.median(spent)
        found.append([name, f"{count / middle:,.0f}", f"{size / middle / 1e6:,.0f}",
                      f"{statistics.median(ratios):.2f}"])  # fmt: skip
    return found


if __name__ == "__main__":
    main()

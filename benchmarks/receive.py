"""How fast do objects come in? C-STORE from several DCMTK senders at once, beside other receivers.

Each receiver is a process of its own with an empty folder, started anew for each turn; the clock
runs from the first sender's start to the last one's end, and every sender must have heard success
for every object. Receivers take turns (A B C, A B C, …). Orthanc also indexes what it stores;
the others only write files.

    python -m benchmarks.receive [--count 400] [--senders 4] [--repeats 3] [--nagle]
                                 [--netem "delay 10ms 2ms loss 0.1%"]

Needs DCMTK; Orthanc is measured where it is installed. pynetdicom is installed into a folder of its
own, because its scripts have the names of DCMTK's tools. ``--nagle`` lets DCMTK's senders and its
receiver delay small packets, as they do unless TCP_NODELAY=1 is in their environment. ``--netem``
measures over a bad network, made by Linux (tc-netem(8)) within a network namespace of this
benchmark's own; that needs root, and a kernel with sch_netem. Ours alone
waits, before it answers a release, until all is on the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from benchmarks.measure import table

PYNETDICOM = "pynetdicom==3.0.4"
OURS = "imagehaven receive"
TUNED = """
import os, socket, sys
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification

folder = sys.argv[2]

def nodelay(event):
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

def store(event):
    name = os.path.join(folder, event.request.AffectedSOPInstanceUID)
    with open(name + ".part", "wb") as file:
        file.write(event.encoded_dataset())
    os.rename(name + ".part", name + ".dcm")
    return 0

ae = AE("ANY-SCP")
ae.maximum_pdu_size = 131072
ae.add_supported_context(Verification)
for context in AllStoragePresentationContexts:
    ae.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
handlers = [(evt.EVT_CONN_OPEN, nodelay), (evt.EVT_C_STORE, store)]
ae.start_server(("127.0.0.1", int(sys.argv[1])), evt_handlers=handlers)
"""

Command = Callable[[int, Path], list[str]]


def peer(place: Path) -> str:
    """Install pynetdicom into a folder of its own; returns the folder, for PYTHONPATH."""
    target = place / "pynetdicom"
    if not target.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", PYNETDICOM]
        subprocess.run([*command, "--target", str(target)], check=True)
    return str(target.absolute())


def dcmtk(name: str) -> str:
    """A tool of DCMTK: pynetdicom puts some of the same names beside its own interpreter."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    found = shutil.which(name, path=path)
    if found is None:
        raise SystemExit(f"{name} is missing: install the Debian package dcmtk")
    return found


def ours(port: int, folder: Path) -> list[str]:
    program = [sys.executable, "-m", "imagehaven"]
    subprocess.run([*program, "init", str(folder / "haven")], check=True, capture_output=True)
    return [*program, "-C", str(folder / "haven"), "receive", "--port", str(port), "--aet",
            "ANY-SCP", "--spool", str(folder / "spool")]  # fmt: skip


def pynetdicom_default(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-od", str(folder)]


def pynetdicom_tuned(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-c", TUNED, str(port), str(folder)]


def storescp(port: int, folder: Path) -> list[str]:
    return [dcmtk("storescp"), "+B", "--fork", "-pdu", "131072", "-od", str(folder), str(port)]


def orthanc(port: int, folder: Path) -> list[str]:
    configuration = folder / "orthanc.json"
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "DicomPort": port,
        "DicomAet": "ANY-SCP",
        "HttpServerEnabled": False,
        "Plugins": [],
        "DicomThreadsCount": 8,
        "DicomAlwaysAllowStore": True,
    }
    configuration.write_text(json.dumps(settings))
    return [orthanc_program(), str(configuration)]


def orthanc_program() -> str:
    return shutil.which("Orthanc", path=os.environ["PATH"] + ":/usr/sbin") or ""


def receivers() -> dict[str, Command]:
    """The receivers to compare, ours first."""
    found: dict[str, Command] = {
        OURS: ours,
        "pynetdicom storescp": pynetdicom_default,
        "pynetdicom tuned (PDU, no delay, raw data set)": pynetdicom_tuned,
        "DCMTK storescp +B --fork": storescp,
    }
    if orthanc_program():
        found["Orthanc"] = orthanc
    return found


def corpus(folder: Path, count: int, senders: int, side: int, kind: str) -> int:
    """``count`` images of ``side`` by ``side`` in a folder for each sender; returns their bytes."""
    chance = np.random.default_rng(1)
    total = 0
    for number in range(count):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CTImageStorage if kind == "CT" else MRImageStorage
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[kind, str(number)])
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=[kind, str(number % senders)])
        dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[kind, "series", str(number)])
        dataset.Modality, dataset.PatientID = kind, "benchmark"
        dataset.Rows = dataset.Columns = side
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.PixelData = chance.integers(0, 4096, (side, side), np.uint16).tobytes()
        place = folder / str(number % senders)
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        total += path.stat().st_size
    return total


@contextmanager
def running(command: Command, folder: Path, environment: dict[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    folder.mkdir(parents=True)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command(port, folder), env=environment, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        echo = [dcmtk("echoscu"), "127.0.0.1", str(port)]
        for _ in range(200):
            if subprocess.run(echo, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise SystemExit("a receiver did not start")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def seconds(command: Command, files: Path, place: Path, environment: dict[str, str]) -> float:
    """Send every folder of ``files`` at once; the seconds until the last sender is done."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "receiver"
    with running(command, folder, environment) as port:
        begun = time.perf_counter()
        senders = [
            subprocess.Popen(
                [dcmtk("storescu"), "+sd", "127.0.0.1", str(port), str(part)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for part in sorted(files.iterdir())
        ]
        told = [sender.communicate()[1] for sender in senders]
        spent = time.perf_counter() - begun
    if any(sender.returncode for sender in senders):
        raise SystemExit(f"a sender failed: {told}")
    shutil.rmtree(folder.parent)
    return spent


def compare(
    files: Path, count: int, size: int, repeats: int, environment: dict[str, str]
) -> list[list[str]]:
    """A row for each receiver: objects and megabytes in a second, and ours as a ratio."""
    cases = receivers()
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, command in cases.items():
            times[name].append(seconds(command, files, files.parent, environment))
    rows = []
    for name, spent in times.items():
        ratios = [other / own for own, other in zip(times[OURS], spent, strict=True)]
        middle = statistics.median(spent)
        rows.append(
            [
                files.name,
                name,
                f"{count / middle:,.0f}",
                f"{size / middle / 1e6:,.0f}",
                f"{statistics.median(ratios):.2f}",
            ]
        )
    return rows


def over_bad_network(rule: str, rest: list[str]) -> None:
    """Run this benchmark once more, within a network namespace whose loopback follows ``rule``."""
    made = f"ip link set lo up && tc qdisc add dev lo root netem {rule}"
    tried = subprocess.run(
        ["unshare", "-n", "sh", "-c", made], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        raise SystemExit(f"this machine cannot make a bad network: {tried.stderr.strip()}")
    program = [sys.executable, "-m", "benchmarks.receive", *rest]
    inside = ["unshare", "-n", "sh", "-c", f'{made} && exec "$@"', "netem", *program]
    raise SystemExit(subprocess.run(inside, check=False).returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--nagle", action="store_true")
    parser.add_argument("--peers", type=Path, default=Path(".bench-peers"))
    parser.add_argument("--netem", metavar="RULE")
    options = parser.parse_args()
    if options.netem:
        peer(options.peers)  # within the namespace nothing can be fetched
        given = sys.argv[1:]
        at = next(n for n, word in enumerate(given) if word.startswith("--netem"))
        rest = given[:at] + given[at + (1 if "=" in given[at] else 2) :]
        over_bad_network(options.netem, rest)
    path = os.pathsep.join(filter(None, [peer(options.peers), os.environ.get("PYTHONPATH")]))
    delay = "0" if options.nagle else "1"
    environment = {**os.environ, "PYTHONPATH": path, "TCP_NODELAY": delay}
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for kind, side in (("CT", 512), ("MR", 256)):
            files = Path(temporary, f"{kind} {side} × {side}")
            size = corpus(files, options.count, options.senders, side, kind)
            rows += compare(files, options.count, size, options.repeats, environment)
    print(f"{options.count} objects of each kind from {options.senders} senders at once\n")
    print(table(["objects", "receiver", "objects/s", "MB/s", "imagehaven is × as fast"], rows))


if __name__ == "__main__":
    main()

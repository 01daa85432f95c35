"""DCMTK's dcmqrscp on a free loopback port: a second PACS, by other hands than Orthanc."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from receiving import dcmtk, quick, tool
from servers.ports import free_port

TITLE = "ARCHIVE"


@dataclass(frozen=True)
class Archive:
    """A running dcmqrscp."""

    port: int
    process: subprocess.Popen[bytes]

    def add(self, paths: Sequence[Path]) -> None:
        """Store files."""
        done = dcmtk("dcmsend", "-aec", TITLE, "127.0.0.1", self.port, *paths)
        assert done.returncode == 0, done.stderr


@contextmanager
def running(folder: Path, *options: str, move_to: int = 1) -> Iterator[Archive]:
    """An empty archive; ``move_to`` is the port of our destination IMAGEHAVEN."""
    storage = folder / "storage"
    storage.mkdir(parents=True)
    port = free_port()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nhaven = (IMAGEHAVEN, 127.0.0.1, {move_to})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\n{TITLE} {storage} RW (100, 1024mb) ANY\nAETable END\n"
    )
    log = (folder / "dcmqrscp.log").open("wb")
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", tool("dcmqrscp"), *options,
         "-c", str(configuration)],
        stdout=log, stderr=log, env=quick(),
    )  # fmt: skip
    log.close()
    try:
        for _ in range(300):
            if dcmtk("echoscu", "-aec", TITLE, "127.0.0.1", port).returncode == 0:
                break
            assert process.poll() is None, (folder / "dcmqrscp.log").read_text()
            time.sleep(0.05)
        else:
            raise AssertionError("dcmqrscp does not answer")
        yield Archive(port, process)
    finally:
        process.kill()
        process.wait()

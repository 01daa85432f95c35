"""A receiver for tests, in this process or in one of its own, and DCMTK's tools to talk to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.filereader import _read_file_meta_info, read_preamble

from imagehaven.acquire.receive.association import Totals
from imagehaven.acquire.receive.commitment import nowhere
from imagehaven.acquire.receive.options import Options
from imagehaven.acquire.receive.server import Receiver


@dataclass
class Running:
    """A receiver in this process, and the associations that ended."""

    receiver: Receiver
    spool: Path
    ended: list[Totals] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.receiver.port

    @property
    def web(self) -> int:
        return self.receiver.web_port

    def objects(self) -> list[Path]:
        return sorted((self.spool / "incoming").rglob("*.dcm"))

    def drafts(self) -> list[Path]:
        return list((self.spool / "drafts").iterdir())

    def outcomes(self, count: int) -> list[str]:
        """The outcomes, once so many associations have ended."""
        eventually(lambda: len(self.ended) >= count)
        return [totals.outcome for totals in self.ended]


@contextmanager
def running(spool: Path, **wanted: Any) -> Iterator[Running]:
    """Run a receiver on a free loopback port until the block ends."""
    holds = wanted.pop("holds", nowhere)
    options = Options(**{"port": 0, "spool": spool, "host": "127.0.0.1", **wanted})
    with Receiver(options, holds) as receiver:
        told = Running(receiver, spool)

        # One by one, so that a test sees each as it ends.
        def hear() -> None:
            for totals in receiver.associations():
                told.ended.append(totals)

        thread = threading.Thread(target=hear)
        thread.start()
        try:
            yield told
        finally:
            receiver.stop()
            thread.join()


@contextmanager
def process(haven: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process of its own; it is killed with the block, if not ended before."""
    command = [sys.executable, "-m", "imagehaven", "-C", str(haven), "receive", "--json"]
    started = subprocess.Popen(
        [*command, "--port", str(port), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        first = started.stderr.readline()
        assert first.startswith("listening"), first + started.stderr.read()
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def dcmtk(name: str, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run one of DCMTK's tools, whatever its exit code."""
    command = [tool(name), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=quick(), **more
    )


def tool(name: str) -> str:
    """The path of one of DCMTK's tools: other packages put the same names beside Python."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    found = shutil.which(name, path=path)
    assert found, f"{name} is missing: install the Debian package dcmtk"
    return found


def quick() -> dict[str, str]:
    """The environment in which DCMTK does not hold small packets back."""
    return {**os.environ, "TCP_NODELAY": "1"}


def data_set(path: Path) -> bytes:
    """The bytes of a file behind its file meta."""
    with path.open("rb") as stream:
        read_preamble(stream, force=False)
        _read_file_meta_info(stream)
        return stream.read()


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds that another thread or process brings about."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)

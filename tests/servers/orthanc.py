"""A real Orthanc on free loopback ports, with its DICOMweb plug-in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.ports import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass
class Orthanc:
    """A PACS that can be filled, stopped in the middle, killed and started again."""

    folder: Path
    dicom: int
    http: int
    configuration: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    _ids: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where its DICOMweb service is."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def start(self, allowed: Collection[int] = ()) -> None:
        """Start it, and wait until it answers, be it by one of the statuses ``allowed``."""
        place = self.folder / "orthanc.json"
        place.write_text(json.dumps(self.configuration))
        log = (self.folder / "orthanc.log").open("ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program(), str(place)],
            stdout=log,
            stderr=log,
        )
        log.close()
        for _ in range(600):
            try:
                self.rest("GET", "/system")
                return
            except OSError as error:
                if getattr(error, "code", 0) in allowed:
                    return
                assert self.process.poll() is None, (self.folder / "orthanc.log").read_text()[
                    -2000:
                ]
                time.sleep(0.05)
        raise AssertionError("Orthanc does not answer")

    def kill(self) -> None:
        """Kill it, as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def pause(self) -> None:
        """Let it answer nothing more until :meth:`go_on`."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def again(self, **changed: Any) -> None:
        """End it, change its configuration, and start it anew on the same data."""
        self.kill()
        self.configuration |= changed
        self.start()

    def add(self, paths: Sequence[Path]) -> None:
        """Store files."""
        for path in paths:
            answer = self.rest("POST", "/instances", path.read_bytes())
            self._ids[str(path)] = answer["ID"]

    def delete(self, path: Path) -> None:
        """Delete a file that was added."""
        self.rest("DELETE", f"/instances/{self._ids[str(path)]}")

    def rest(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask its own REST service."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}", data=body, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


def program() -> str:
    """Where Debian's package has it."""
    found = shutil.which("Orthanc", path=os.environ["PATH"] + ":/usr/sbin")
    assert found, "Orthanc is missing: install the Debian packages orthanc and orthanc-dicomweb"
    assert PLUGIN.exists(), "the DICOMweb plug-in is missing: install orthanc-dicomweb"
    return found


@contextmanager
def running(
    folder: Path, *, move_to: int = 0, title: str = "PACS1", **changed: Any
) -> Iterator[Orthanc]:
    """An empty PACS; ``move_to`` is the port of our destination IMAGEHAVEN."""
    folder.mkdir(parents=True)
    dicom, http = free_port(), free_port()
    configuration = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomPort": dicom,
        "DicomAet": title,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": {"haven": ["IMAGEHAVEN", "127.0.0.1", move_to or 1]},
        "SynchronousCMove": True,
        "UnknownSopClassAccepted": True,
        "DicomThreadsCount": 4,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "HttpThreadsCount": 8,
        "SaveJobs": False,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
        **changed,
    }
    server = Orthanc(folder, dicom, http, configuration)
    server.start()
    try:
        yield server
    finally:
        server.kill()

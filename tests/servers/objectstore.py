"""An S3 server for the length of a test session: moto, in a process of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from servers.ports import free_port

KEY_ID, SECRET = "test-key", "test-secret"


@dataclass(frozen=True)
class ObjectStore:
    """A running S3 service at ``endpoint`` (HOST:PORT, plain HTTP)."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"lake-{secrets.token_hex(6)}"
        request = urllib.request.Request(f"http://{self.endpoint}/{name}", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        return name


@contextmanager
def running() -> Iterator[ObjectStore]:
    """A server, stopped at the end of the block."""
    port = free_port()
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "moto.server",
         "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ},
    )  # fmt: skip
    store = ObjectStore(f"127.0.0.1:{port}", process)
    try:
        _wait_for(store)
        yield store
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(store: ObjectStore) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://{store.endpoint}/", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if store.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The S3 server (moto) did not start.") from None
            time.sleep(0.1)

"""Watches for tests: one look in this process, or the command in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from imagehaven import catalogue
from imagehaven.acquire.watch import WatchOptions
from imagehaven.catalogue import Watched
from imagehaven.haven import Haven

ONE_LOOK = WatchOptions(once=True, settle=0, engine="inline")


def once(haven: Haven, *places: object, **wanted: Any) -> Watched:
    """Look once and take what is there; a file needs not to settle unless asked for."""
    options = replace(ONE_LOOK, places=tuple(map(str, places)), **wanted)
    found = catalogue.watch(haven, options)
    assert isinstance(found, Watched)
    return found


class Told:
    """What a watch in another process says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put("")

    def until(self, event: str, seconds: float = 90) -> dict[str, Any]:
        """The next event of this name."""
        while True:
            line = self._lines.get(timeout=seconds)
            assert line, f"the watch ended without {event!r}: {self.events}"
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == event:
                return self.events[-1]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


@contextmanager
def watching(haven: Path, *words: object) -> Iterator[Told]:
    """Run `imagehaven watch --json` until the block ends."""
    command = [sys.executable, "-m", "imagehaven", "-C", str(haven), "watch", "--json"]
    process = subprocess.Popen(
        [*command, "--every", "0.2", "--workers", "1", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = Told(process)
    try:
        told.until("watching")
        yield told
    finally:
        told.close()

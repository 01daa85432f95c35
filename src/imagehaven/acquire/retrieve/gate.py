"""The gate before a source: hours, rates and its health, shared by all that ask it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from imagehaven.acquire.retrieve.pace import Bucket, Health
from imagehaven.acquire.retrieve.peer import NotServed, PeerError, Unavailable
from imagehaven.acquire.retrieve.sources.source import Source
from imagehaven.errors import TransientError

#: A source that never answered gets so many tries: a wrong address should be told soon.
_FIRST_TRIES: Final = 3
_MEGABYTE: Final = 1e6


class Stopped(Exception):
    """The retriever is to stop."""


class Gate:
    """Lets askers through one by one; a pause holds all of them. ``tell`` hears why they wait."""

    def __init__(self, source: Source, stop: threading.Event, tell: Callable[[str], None]) -> None:
        limits = source.limits
        self._source = source
        self._stop = stop
        self._tell = tell
        self._lock = threading.Lock()
        self._chance = random.Random()  # noqa: S311 - spreads pauses, and guards nothing
        now = time.monotonic()
        bytes_per_second = limits.megabytes_per_second and limits.megabytes_per_second * _MEGABYTE
        self._studies = Bucket.full(limits.studies_per_second, 1.0, now)
        self._bytes = Bucket.full(bytes_per_second, bytes_per_second or 0.0, now)
        self._health = Health(limits.pause_first, limits.pause_longest)
        self._suffering: float | None = None
        self._tries = 0
        self._answered = False
        self._closed = False

    def enter(self, *, study: bool = False, under_way: bool = False) -> None:
        """Wait until the source may be asked; raises :class:`Stopped`.

        ``study`` takes a study from its rate; one that is ``under_way`` is ended after hours too.
        """
        while True:
            closed = self._source.limits.closed_for(datetime.now(UTC))
            wait = 0.0 if under_way else closed
            if wait:
                self._say_closed(wait)
                self._sleep(min(wait, 60.0))
                continue
            self._closed = False
            with self._lock:
                now = time.monotonic()
                wait = max(self._health.wait(now), self._bytes.wait(now))
                if not wait and study:
                    self._studies, study = self._studies.take(1.0, now), False
                    wait = self._studies.wait(now)
            if not wait:
                break
            self._sleep(wait)
        self._sleep(0)

    def came(self, size: int) -> None:
        """Count bytes that came, and wait until they are paid for."""
        self.owe(size)
        with self._lock:
            wait = self._bytes.wait(time.monotonic())
        if wait:
            self._sleep(wait)

    def owe(self, size: int) -> None:
        """Count bytes that came; whoever enters next waits for them."""
        with self._lock:
            self._bytes = self._bytes.take(size, time.monotonic())

    def answered(self, seconds: float) -> None:
        """Hear that the source answered a question."""
        with self._lock:
            before = self._health.distress
            now = time.monotonic()
            self._health = self._health.answered(seconds, now, self._chance.random())
            self._suffering, self._tries, self._answered = None, 0, True
            pause = self._health.wait(now) if self._health.distress > before else 0.0
        if pause:
            self._tell(
                f"{self._source.where}: its answers take {self._health.recent:.1f} s, "
                f"{self._health.usual:.1f} s before. Pausing for {pause:.0f} s."
            )

    def suffered(self, error: PeerError) -> None:
        """Hear of a failure; where it shows distress, all wait.

        Raises TransientError once the source's patience is used up.
        """
        if isinstance(error, NotServed) and not error.distress:
            return
        retry_after = getattr(error, "retry_after", None)
        reached = not isinstance(error, Unavailable) or error.reached
        with self._lock:
            now = time.monotonic()
            self._suffering = now if self._suffering is None else self._suffering
            self._answered = self._answered or reached
            self._tries += 1
            self._health = self._health.suffered(now, self._chance.random(), retry_after)
            pause = self._health.wait(now)
            patience = self._source.limits.patience
            used_up = now - self._suffering >= patience
            early = not self._answered and self._tries >= _FIRST_TRIES
        if used_up or early:
            raise TransientError(
                f"{error} Nothing was lost: the worklist is kept, and the same command, given "
                "again, goes on from here."
            ) from error
        self._tell(f"{error} Pausing for {pause:.0f} s.")

    def rest(self, seconds: float) -> None:
        """Wait; raises :class:`Stopped`."""
        self._sleep(seconds)

    def _say_closed(self, wait: float) -> None:
        if not self._closed:
            self._closed = True
            hours, minutes = divmod(int(wait // 60) + 1, 60)
            self._tell(
                f"{self._source.where}: outside its allowed hours. "
                f"Going on in {hours} h {minutes:02} min."
            )

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds) if seconds else self._stop.is_set():
            raise Stopped

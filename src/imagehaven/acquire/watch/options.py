"""What a watch is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WatchOptions:
    """How to watch. Times are in seconds."""

    #: Folders, receivers' spools, s3://BUCKET/PREFIX; the haven's own spool where there is none.
    places: Sequence[str] = ()
    #: From the end of one look to the next.
    every: float = 30.0
    #: How long a file's size and time must have stood still.
    settle: float = 10.0
    #: Look once (and once more after ``settle``, where something was not settled), then end.
    once: bool = False
    #: Files in one batch at most; each batch is a load run of its own.
    batch: int = 2000
    engine: str = "pool"
    workers: int = 0
    #: The longest pause before a place that was out of reach is tried again.
    longest_pause: float = 900.0

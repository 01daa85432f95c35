"""What tests of a Ray cluster of several nodes hand to its workers, and the process that drives it.

Work rests on its node until the test lets it go, so that what is to be killed is still at work on
the fastest machine. Marks in a folder say who is where: the name begins with the node's address.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagehaven.catalogue import ingest
from imagehaven.catalogue.loading.reader import read_chunk
from imagehaven.engine import make_engine, run_chunks
from imagehaven.haven import Haven
from imagehaven.release import release
from imagehaven.release.work import release_chunk

MARKS = "IMAGEHAVEN_TEST_MARKS"
GO = "go"
#: So many chunks are worked before the others rest: something is done, and something is not.
FREE = 2


def _mark(word: str) -> None:
    from ray.util import get_node_ip_address

    (Path(os.environ[MARKS]) / f"{get_node_ip_address()}-{word}-{secrets.token_hex(4)}").touch()


def _rest() -> None:
    """Say that work rests on this node, and wait until the test lets everybody go."""
    _mark("rests")
    while not (Path(os.environ[MARKS]) / GO).exists():
        time.sleep(0.05)


def _rest_once_some_are_done() -> None:
    if len(list(Path(os.environ[MARKS]).glob("*-done-*"))) >= FREE:
        _rest()


def large_or_resting(_context: None, items: list[int]) -> list[bytes]:
    """Item 0 rests; any other is done at once, and its large result stays on its node."""
    if 0 in items:
        _rest()
    else:
        _mark("done")
    return [bytes([item]) * 2**20 for item in items]


def read_resting(context: Any, items: list[Any]) -> list[Any]:
    _rest_once_some_are_done()
    rows = list(read_chunk(context, items))
    _mark("done")
    return rows


def release_resting(context: Any, items: list[Any]) -> list[Any]:
    _rest_once_some_are_done()
    results = list(release_chunk(context, items))
    _mark("done")
    return results


def _compute(at: str) -> None:
    from chunkwork import Chunk

    chunks = [Chunk([number]) for number in range(8)]
    with make_engine(at) as engine:
        for chunk, results in run_chunks(engine, chunks, large_or_resting, None):
            assert results == [bytes(chunk.items) * 2**20], chunk.items
            print(chunk.items[0], flush=True)


def _ingest(at: str, haven: str, source: str) -> None:
    from imagehaven.catalogue.loading import run

    run.read_chunk = read_resting
    ingest(Haven.open(haven), [Path(source)], engine=at)


def _release(at: str, haven: str, project: str, to: str) -> None:
    from imagehaven.release import run

    run.release_chunk = release_resting
    release(Haven.open(haven), project, "all", to=Path(to), engine=at)


DRIVERS: dict[str, Callable[..., None]] = {
    "compute": _compute,
    "ingest": _ingest,
    "release": _release,
}

if __name__ == "__main__":
    # By its own name, so that workers can import what they are handed.
    import raywork

    raywork.DRIVERS[sys.argv[1]](*sys.argv[2:])

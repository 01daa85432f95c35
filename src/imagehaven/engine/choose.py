"""Chooses the engine that an option names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from imagehaven.engine.chunks import Engine
from imagehaven.engine.cluster import RayEngine
from imagehaven.engine.pool import InlineEngine, PoolEngine
from imagehaven.errors import UserError


@contextmanager
def make_engine(name: str = "pool", workers: int = 0) -> Iterator[Engine]:
    """The engine called ``name``, closed at the end of the block.

    ``pool`` (processes on this machine), ``ray`` (this machine's Ray), ``ray://HOST:10001`` (a
    cluster), ``inline`` (this process). ``workers`` 0 means one for each processor.
    """
    engine = _engine(name, workers)
    try:
        yield engine
    finally:
        engine.close()


def _engine(name: str, workers: int) -> Engine:
    if name == "pool":
        return PoolEngine(workers)
    if name == "inline":
        return InlineEngine()
    if name == "ray":
        return RayEngine(None, workers)
    if name.startswith("ray://"):
        return RayEngine(name, workers)
    raise UserError(
        f"There is no engine {name!r}. Valid choices: pool, ray, ray://HOST:10001, inline."
    )

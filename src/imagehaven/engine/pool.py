"""The default engine: worker processes on this machine, and the plain call in this process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

from imagehaven.engine.chunks import WorkerDied

#: A worker is replaced after so many chunks, so that a leaking decoder cannot fill the memory.
_CHUNKS_PER_WORKER = 200


class PoolEngine:
    """Worker processes, one for each processor unless told otherwise."""

    def __init__(self, workers: int = 0) -> None:
        self.width = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Queue a call; a pool that broke is replaced first."""
        if self._pool is not None:
            try:
                return self._pool.submit(fn, *arguments)
            except (BrokenProcessPool, OSError):
                # OSError: it breaks at this moment, and has closed the pipes of the next worker.
                self.close()
        self._pool = self._fresh()
        return self._pool.submit(fn, *arguments)

    def result(self, ticket: Future[Any]) -> Any:
        """Wait for the call; raises WorkerDied when its process ended without a result."""
        try:
            return ticket.result()
        except BrokenProcessPool as error:
            raise WorkerDied from error

    def close(self) -> None:
        """Cancel what has not begun and wait for the rest."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _fresh(self) -> ProcessPoolExecutor:
        # Not fork: this process has DuckDB's threads, which a forked child would inherit halfway.
        context = multiprocessing.get_context("forkserver")
        return ProcessPoolExecutor(
            self.width,
            mp_context=context,
            initializer=_end_with_parent,
            max_tasks_per_child=_CHUNKS_PER_WORKER,
        )


class InlineEngine:
    """Calls in this process, one after the other: for debugging, and inside a worker."""

    width = 1

    def submit(self, fn: Callable[..., Any], *arguments: Any) -> Any:
        """Call at once."""
        return fn(*arguments)

    def result(self, ticket: Any) -> Any:
        """The ticket is the result."""
        return ticket

    def close(self) -> None:
        """Nothing to let go of."""


def _end_with_parent() -> None:
    # The terminal sends Ctrl-C to every process: the parent decides, the workers finish or end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed parent can't tell its workers, and they would wait on their queue for ever.
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()

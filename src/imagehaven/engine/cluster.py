"""The cluster engine: the same calls as Ray tasks.

``ray`` starts Ray on this machine, or joins the cluster that this machine belongs to;
``ray://HOST:10001`` reaches a cluster through its client port. Sources, haven folder and
destination must be reachable under the same paths from every node.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from imagehaven.engine.chunks import MachineLost, WorkerDied
from imagehaven.errors import TransientError, UserError

#: Ray starts one server process for each client, and on a busy head node gives up on it early.
_ATTEMPTS: Final = 4


class RayEngine:
    """Ray tasks, one processor each. Raises UserError where Ray is missing or out of reach."""

    def __init__(self, address: str | None, workers: int = 0) -> None:
        if address is not None:
            _present_token()
        try:
            import ray
        except ImportError:
            raise UserError(
                "The engine 'ray' needs Ray: `pip install 'imagehaven[ray]'`. "
                "Without it, leave --engine out: the pool engine needs nothing more."
            ) from None
        self._ray = ray
        self._remotes: dict[Callable[..., Any], Any] = {}
        self._owned = not ray.is_initialized()
        if self._owned:
            _start(ray, address, workers)
        self.width = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def submit(self, fn: Callable[..., Any], *arguments: Any) -> Any:
        """Hand the call to the cluster."""
        if fn not in self._remotes:
            # Retrying is run_chunks' decision, so that every engine treats a dead worker alike.
            self._remotes[fn] = self._ray.remote(num_cpus=1, max_retries=0)(fn)
        try:
            return self._remotes[fn].remote(*arguments)
        except (self._ray.exceptions.RaySystemError, ConnectionError) as error:
            raise _gone() from error

    def result(self, ticket: Any) -> Any:
        """Wait for the task; raises WorkerDied, MachineLost, TransientError, or what it raised."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(ticket)
        except errors.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except (errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            raise WorkerDied from error
        except (errors.NodeDiedError, errors.ObjectLostError) as error:
            # A large result stays on the node that made it, and is lost with it.
            raise MachineLost from error
        except (errors.RaySystemError, ConnectionError) as error:
            raise _gone() from error

    def close(self) -> None:
        """Leave the cluster, and stop it if this engine started it."""
        if self._owned and self._ray.is_initialized():
            self._ray.shutdown()


def _gone() -> TransientError:
    return TransientError(
        "The Ray cluster went away. Nothing is lost: the ledger knows which chunks are done. "
        "Start the cluster, or choose another engine, and repeat the command."
    )


def _start(ray: Any, address: str | None, workers: int) -> None:
    options: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if address is None:
        options |= {"include_dashboard": False, "num_cpus": workers or None}
    else:
        options["address"] = address
    fault: Exception = ConnectionRefusedError()
    for _ in range(_ATTEMPTS if address is None or _answers(address) else 0):
        try:
            ray.init(**options)
            return
        except ConnectionError as error:
            fault = error
            ray.shutdown()  # forgets the half-made connection, so that init may be called again
        except (ValueError, RuntimeError) as error:
            fault = error
            break
    raise UserError(
        f"The Ray cluster {address or 'on this machine'} could not be reached "
        f"({type(fault).__name__}). Give --engine ray for this machine or "
        "--engine ray://HOST:10001 for a cluster whose head node runs. A cluster that wants a "
        "token gets it from RAY_AUTH_TOKEN: `ray get-auth-token` prints it on the head node."
    ) from fault


def _answers(address: str) -> bool:
    # Ray itself takes a minute to say that nobody listens there.
    at = urlsplit(address)
    try:
        socket.create_connection((at.hostname or "", at.port or 10001), timeout=10).close()
    except (OSError, ValueError):
        return False
    return True


def _present_token() -> None:
    # Ray's own start-up looks for a token; its client does not, and then waits in vain.
    named = os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
    if named or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")

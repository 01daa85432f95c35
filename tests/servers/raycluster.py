"""A real Ray cluster with its client port: one head node, or several nodes that can be killed.

Each node is started by `ray start`, as an administrator does it on each machine. Several nodes
stand in network namespaces of their own where that is allowed (see :mod:`servers.networks`).
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.networks import Place, kill_all, kill_family, own_namespaces, places
from servers.ports import free_port

#: Bytes of each node's object store; Ray's own choice would be a third of the memory, each.
_STORE = 120 * 2**20
_RAY = str(Path(sys.executable).with_name("ray"))


@dataclass(frozen=True)
class Node:
    """One node: where it is, and the `ray start --block` that holds it."""

    place: Place
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End every process of the node at once, as when its machine loses power."""
        if self.place.namespace is not None:
            kill_all(self.place)
        kill_family(self.process.pid)
        self.process.wait(30)


@dataclass(frozen=True)
class Cluster:
    """A running cluster: ``at`` is its ray:// address; the first node is its head.

    ``address`` is what a process on the head's machine joins by. ``environment`` is what a process
    needs that is to reach it: the cluster's token.
    """

    at: str
    address: str
    nodes: list[Node]
    environment: Mapping[str, str]


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start a head node that keeps its files in ``folder``; gives its ray:// address."""
    with ExitStack() as stack:
        place, client = Place("127.0.0.1"), _port_below_rays_own()
        head = _start(stack, place, _head(place, folder, free_port(), client, 2), os.environ)
        _wait_for(head, _open(place, client))
        yield f"ray://127.0.0.1:{client}"


@contextmanager
def several(
    folder: Path,
    count: int,
    *,
    cpus: int = 1,
    environment: Mapping[str, str] | None = None,
    namespaces: bool | None = None,
) -> Iterator[Cluster]:
    """Start ``count`` nodes of ``cpus`` processors each, whose workers get ``environment`` too.

    ``namespaces`` None takes network namespaces where this user may make them.
    """
    apart = own_namespaces() if namespaces is None else namespaces
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    for_all = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    inside = {**os.environ, **(environment or {}), **for_all}
    with places(count, namespaces=apart) as found, ExitStack() as stack:
        first, *rest = found
        port, client = (6379, 10001) if apart else (free_port(), _port_below_rays_own())
        head = _start(stack, first, _head(first, folder, port, client, cpus), inside)
        _wait_for(head, _open(first, client))
        nodes = [head]
        for place in rest:
            nodes.append(_start(stack, place, _joining(place, first, port, cpus), inside))
            # One after the other: nodes that share a folder trip over each other as they begin.
            _wait_for(nodes[-1], _joined(first, port, len(nodes)), inside)
        at, address = f"ray://{first.address}:{client}", f"{first.address}:{port}"
        yield Cluster(at, address, nodes, for_all)


def _head(place: Place, folder: Path, port: int, client: int, cpus: int) -> list[str]:
    return [
        "--head", f"--node-ip-address={place.address}", f"--port={port}",
        f"--ray-client-server-port={client}", f"--num-cpus={cpus}", "--include-dashboard=false",
        f"--object-store-memory={_STORE}", f"--temp-dir={folder}",
    ]  # fmt: skip


def _joining(place: Place, head: Place, port: int, cpus: int) -> list[str]:
    return [
        f"--address={head.address}:{port}", f"--node-ip-address={place.address}",
        f"--num-cpus={cpus}", f"--object-store-memory={_STORE}",
    ]  # fmt: skip


def _start(
    stack: ExitStack, place: Place, options: list[str], environment: Mapping[str, str]
) -> Node:
    process = subprocess.Popen(
        [*place.prefix, _RAY, "start", "--block", "--disable-usage-stats", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    node = Node(place, process)
    # Asked politely, Ray takes its time; nothing of a test's cluster is worth waiting for.
    stack.callback(node.kill)
    return node


def _port_below_rays_own() -> int:
    # Ray's workers take 10002 to 19999, and its client server hands out 23000 to 24000.
    while 10002 <= (port := free_port()) <= 24000:
        continue
    return port


def _open(place: Place, port: int) -> list[str]:
    """A program that succeeds when the port is open; tests themselves may reach only loopback."""
    script = f"import socket; socket.create_connection(('{place.address}', {port}), 1).close()"
    return [sys.executable, "-c", script]


def _joined(head: Place, port: int, nodes: int) -> list[str]:
    """A program that succeeds when the head knows so many nodes that live."""
    script = (
        "from ray._private.state import state\n"
        "from ray._raylet import GcsClientOptions\n"
        f"options = GcsClientOptions.create('{head.address}:{port}', None, True, False)\n"
        "state._initialize_global_state(options)\n"
        f"assert sum(node['Alive'] for node in state.node_table()) == {nodes}\n"
    )
    return [sys.executable, "-c", script]


def _wait_for(node: Node, test: list[str], environment: Mapping[str, str] | None = None) -> None:
    for _ in range(120):
        if node.process.poll() is not None:
            raise RuntimeError(f"ray start ended with {node.process.returncode}")
        done = subprocess.run(test, stderr=subprocess.DEVNULL, env=environment, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.3)
    raise RuntimeError("A Ray node did not come up")

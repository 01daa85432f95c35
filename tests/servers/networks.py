"""Places for servers that stand for machines: network namespaces, or addresses of the loopback.

With root's rights each place is a network namespace of its own, joined to the others by a bridge:
what runs there has its own address, its own loopback and its own ports, and shares the files. Where
that is not allowed, a place is an address of the loopback (Linux has 127.0.0.0/8), which is as real
to the servers and only lets their ports collide.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a server runs: its address, and the namespace if it has one of its own."""

    address: str
    namespace: str | None = None

    @property
    def prefix(self) -> list[str]:
        """What a command begins with to run there."""
        return ["ip", "netns", "exec", self.namespace] if self.namespace else []


@cache
def own_namespaces() -> bool:
    """Whether this user may make network namespaces here, and they reach each other and this one.

    Some hosts allow the first and filter what passes a bridge, or forbid to run anything there.
    """
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        with places(2, namespaces=True) as (one, other):
            return _reaches(Place("127.0.0.1"), one) and _reaches(one, other)
    except RuntimeError:
        return False


def _reaches(here: Place, there: Place) -> bool:
    """Whether a connection from one place to the other comes about."""
    listen = (
        f"import socket; s = socket.create_server(({there.address!r}, 5000)); "
        "print(1, flush=True); s.accept()"
    )
    connect = f"import socket; socket.create_connection(({there.address!r}, 5000), 5)"
    server = subprocess.Popen(
        [*there.prefix, sys.executable, "-c", listen],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with server:
        try:
            if server.stdout is None or not server.stdout.readline():
                return False
            command = [*here.prefix, sys.executable, "-c", connect]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        finally:
            server.kill()


@contextmanager
def places(count: int, *, namespaces: bool) -> Iterator[list[Place]]:
    """Some places that reach each other, and that this process reaches."""
    if not namespaces:
        # Ray's own ports are drawn at random for each node, so one host can carry several.
        yield [Place(f"127.0.0.{number}") for number in range(1, count + 1)]
        return
    mark = secrets.token_hex(3)
    with ExitStack() as undo:
        yield list(_joined(mark, count, undo))


def _joined(mark: str, count: int, undo: ExitStack) -> Iterator[Place]:
    net, bridge = _free_net(), f"ihb{mark}"
    _ip("link", "add", bridge, "type", "bridge")
    undo.callback(_ip, "link", "del", bridge, check=False)
    _ip("addr", "add", f"{net}.1/24", "dev", bridge)
    _ip("link", "set", bridge, "up")
    for number in range(count):
        name, here, there = f"ih-{mark}-{number}", f"ihv{mark}{number}", "eth0"
        place = Place(f"{net}.{number + 11}", name)
        _ip("netns", "add", name)
        undo.callback(_ip, "netns", "del", name, check=False)
        undo.callback(kill_all, place)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _ip("link", "set", here, "master", bridge, "up")
        _ip("-n", name, "addr", "add", f"{place.address}/24", "dev", there)
        _ip("-n", name, "link", "set", there, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "route", "add", "default", "via", f"{net}.1")
        yield place


def kill_all(place: Place) -> None:
    """Kill at once whatever runs in a namespace: what a lost machine looks like."""
    assert place.namespace is not None
    found = subprocess.run(
        ["ip", "netns", "pids", place.namespace], capture_output=True, text=True, check=False
    )
    for pid in found.stdout.split():
        _kill(int(pid))


def kill_family(pid: int) -> None:
    """Kill a process and all its descendants, the eldest first so that none is started anew."""
    family = [pid]
    for parent in family:
        for task in itertools.chain(Path(f"/proc/{parent}/task").glob("*/children")):
            try:
                family += [int(child) for child in task.read_text().split()]
            except OSError:  # it ended while we looked
                continue
    for one in family:
        _kill(one)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended by itself
        return


def _free_net() -> str:
    """The first three numbers of a private /24 that no interface of this machine has."""
    told = subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    while True:
        net = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}"
        if f" {net}." not in told:
            return net


def _ip(*words: str, check: bool = True) -> bool:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode == 0

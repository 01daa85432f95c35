"""A PostgreSQL server for the length of a test session, and a fresh database for each test.

PostgreSQL refuses to run as root, so a root session runs it as the user ``postgres`` that the
Debian package makes. ``setpriv`` also ends the server with the session, however that ends.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from servers.ports import free_port


@dataclass(frozen=True)
class PostgreSQL:
    """A running server. ``url()`` names one of its databases."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, dropped at the end of the block."""
        name = f"haven_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """A server with its own data folder, stopped and removed at the end of the block."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="imagehaven-postgresql-"))
    dropped = _as_somebody_else(folder)
    data, port = folder / "data", free_port()
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            [*dropped, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust",
             "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, env=environment, cwd="/",
        )  # fmt: skip
        log = (folder / "server.log").open("wb")
        process = subprocess.Popen(
            [*dropped, "--pdeathsig", "INT", str(binaries / "postgres"), "-D", str(data),
             "-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1",
             "-c", "fsync=off", "-c", "max_connections=60"],
            stdout=log, stderr=log, env=environment, cwd="/",
        )  # fmt: skip
        log.close()
        server = PostgreSQL(port, process)
        try:
            _wait_for(server, folder / "server.log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise RuntimeError(
        "PostgreSQL is not installed: `make test` installs it, or `apt-get install postgresql`."
    )


def _as_somebody_else(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return ["setpriv"]
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise RuntimeError(
            "PostgreSQL does not run as root, and there is no user `postgres`: "
            "`apt-get install postgresql` makes it."
        ) from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _wait_for(server: PostgreSQL, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.1)

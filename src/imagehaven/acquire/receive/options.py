"""What a receiver is told, and whether it could start: port, spool, allow-list, certificate."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagehaven.acquire.receive.titles import ONLY_THIS_MACHINE, Allowed, Peer
from imagehaven.errors import UserError


@dataclass(frozen=True)
class Secured:
    """PEM files for TLS; with an ``authority``, peers must show a certificate that it signed."""

    certificate: Path
    key: Path
    authority: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A server's context for TLS 1.2 or later; raises UserError for files that do not fit."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:
            # SSLError is an OSError, and may quote a path but no content.
            names = ", ".join(
                str(path) for path in (self.certificate, self.key, self.authority) if path
            )
            raise UserError(
                f"TLS cannot be set up from {names}: {error.strerror or type(error).__name__}. "
                "Give a certificate and its key without a password, both as PEM."
            ) from error
        return context


@dataclass(frozen=True)
class Options:
    """How to receive."""

    port: int
    spool: Path
    title: str = "IMAGEHAVEN"
    host: str = "0.0.0.0"  # noqa: S104 - the allow-list says who may send
    allow: Sequence[Allowed] = ONLY_THIS_MACHINE
    tls: Secured | None = None
    #: Bytes that the spool may hold, drafts included; None where only the disk limits it.
    spool_limit: int | None = None
    max_associations: int = 32
    #: Wait for the disk before each success, and not only at an association's end.
    sync_each_file: bool = False
    stop_after_objects: int | None = None
    stop_after_seconds: float | None = None
    #: Where storage commitment is reported to, for peers that do not wait for it.
    report_to: Mapping[str, Peer] = field(default_factory=dict)
    #: Seconds that associations get to end the object they are at, when the receiver stops.
    grace: float = 10.0
    #: Seconds between two pieces of an object, and between two messages.
    silence: float = 60.0
    idle: float = 600.0


@dataclass(frozen=True)
class Prospect:
    """What a receiver would do, and what stands against it."""

    listens: str
    title: str
    allowed: list[str]
    tls: str
    spool: str
    free: int
    problems: list[str]

    @property
    def ready(self) -> bool:
        """Whether it could start."""
        return not self.problems

    def summary(self) -> dict[str, Any]:
        """The same as a mapping."""
        return {**self.__dict__, "ready": self.ready}


def examine(options: Options) -> Prospect:
    """Try port, spool and certificate, and leave nothing behind."""
    problems = []
    try:
        listener(options).close()
    except UserError as error:
        problems.append(str(error))
    # The nearest folder that is there decides: the spool itself may still have to be made.
    place = options.spool.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        problems.append(f"The spool {options.spool} cannot be made: {place} cannot be written to.")
    if options.tls is not None:
        try:
            options.tls.context()
        except UserError as error:
            problems.append(str(error))
    return Prospect(
        listens=f"{options.host}:{options.port}",
        title=options.title,
        allowed=[_shown(entry) for entry in options.allow],
        tls=_tls(options.tls),
        spool=str(options.spool),
        free=shutil.disk_usage(place).free,
        problems=problems,
    )


def listener(options: Options) -> socket.socket:
    """A listening socket; raises UserError where the port cannot be had."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such port"
        raise UserError(
            f"Port {options.port} at {options.host} cannot be listened on: {why}. Choose another "
            "port, or stop what has it; ports below 1024 need a right of their own."
        ) from error


def _shown(entry: Allowed) -> str:
    if not entry.networks:
        return entry.title
    return f"{entry.title}@{','.join(str(network) for network in entry.networks)}"


def _tls(secured: Secured | None) -> str:
    if secured is None:
        return "no"
    return "with client certificates" if secured.authority else "yes"

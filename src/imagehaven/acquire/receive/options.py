"""What a receiver is told, and whether it could start: port, spool, allow-list, certificate."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imagehaven.acquire.receive.titles import ONLY_THIS_MACHINE, Allowed, Peer
from imagehaven.acquire.receive.web.callers import Callers
from imagehaven.errors import UserError

#: The two doors of a receiver.
DICOM: Final = "DICOM"
WEB: Final = "STOW-RS"


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
class Web:
    """The door for STOW-RS. Limits are for one request; sizes are in bytes."""

    port: int
    callers: Callers = field(default_factory=Callers)
    longest: int = 64 * 2**30
    most_parts: int = 10_000


@dataclass(frozen=True)
class Options:
    """How to receive: on a DICOM port, a web port, or both."""

    port: int | None
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
    web: Web | None = None

    def ports(self) -> list[tuple[str, int, int]]:
        """Each door's name and port, and how many it serves at a time; raises UserError."""
        doors = []
        if self.port is not None:
            doors.append((DICOM, self.port, self.max_associations))
        if self.web is not None:
            if self.web.callers.tokens and self.tls is None and not self.only_this_machine:
                raise UserError(
                    "Tokens would cross the network for everybody to read: give --tls-cert and "
                    "--tls-key, or let only this machine post."
                )
            doors.append((WEB, self.web.port, self.max_associations))
        if not doors:
            raise UserError("Nothing is listened on: give --port, --web-port or both.")
        return doors

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody on the network may post."""
        return self.web is None or self.web.callers.only_this_machine


@dataclass(frozen=True)
class Prospect:
    """What a receiver would do, and what stands against it."""

    listens: str
    title: str
    allowed: list[str]
    web_allowed: list[str]
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
    ports: list[tuple[str, int, int]] = []
    try:
        ports = options.ports()
        for _, port, _ in ports:
            listener(options.host, port).close()
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
        listens=", ".join(f"{name} {options.host}:{port}" for name, port, _ in ports),
        title=options.title,
        allowed=[_shown(entry) for entry in options.allow] if options.port is not None else [],
        web_allowed=_web_shown(options.web),
        tls=_tls(options.tls),
        spool=str(options.spool),
        free=shutil.disk_usage(place).free,
        problems=problems,
    )


def listener(host: str, port: int) -> socket.socket:
    """A listening socket; raises UserError where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such port"
        raise UserError(
            f"Port {port} at {host} cannot be listened on: {why}. Choose another "
            "port, or stop what has it; ports below 1024 need a right of their own."
        ) from error


def _shown(entry: Allowed) -> str:
    if not entry.networks:
        return entry.title
    return f"{entry.title}@{','.join(str(network) for network in entry.networks)}"


def _web_shown(web: Web | None) -> list[str]:
    if web is None:
        return []
    networks = ", ".join(str(network) for network in web.callers.networks)
    return [networks, *(f"token of {name}" for name, _ in web.callers.tokens)]


def _tls(secured: Secured | None) -> str:
    if secured is None:
        return "no"
    return "with client certificates" if secured.authority else "yes"

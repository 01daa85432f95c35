"""What a source is: where it listens, how it is spoken to, and how much of it may be asked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive.options import Secured
from imagehaven.acquire.receive.titles import Allowed
from imagehaven.acquire.retrieve.sources.hours import Window, seconds_until_open
from imagehaven.errors import UserError
from imagehaven.haven import Settings

C_GET: Final = "c-get"
C_MOVE: Final = "c-move"

#: Priority of C-GET and C-MOVE (PS3.7 table E.1-1, 0000,0700).
PRIORITIES: Final = {"medium": 0, "high": 1, "low": 2}


@dataclass(frozen=True)
class Encrypted:
    """PEM files for TLS as a client; without an ``authority`` the system's own are trusted.

    ``name`` is what the source's certificate has to name, where that is not the host.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str | None = None

    def context(self) -> ssl.SSLContext:
        """A client's context, TLS 1.2 or later; raises UserError for files that do not do."""
        try:
            context = ssl.create_default_context(cafile=self.authority)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # SSLError is one; neither quotes content
            names = ", ".join(
                str(path) for path in (self.authority, self.certificate, self.key) if path
            )
            raise UserError(
                f"TLS cannot be set up from {names}: {error.strerror or type(error).__name__}. "
                "Give the authority, the certificate and its key (without a password) as PEM."
            ) from error
        return context


@dataclass(frozen=True)
class Destination:
    """Where the source sends what C-MOVE asks for: our own receiver, under this title."""

    title: str
    port: int
    host: str = "0.0.0.0"  # noqa: S104 - ``senders`` says who may send
    senders: tuple[Allowed, ...] = ()
    tls: Secured | None = None
    #: Seconds of quiet after the source said that it is done, before what lacks counts as missing.
    settle: float = 5.0


@dataclass(frozen=True)
class Dimse:
    """A source spoken to by C-FIND and C-GET or C-MOVE."""

    host: str
    port: int
    title: str
    our_title: str = "IMAGEHAVEN"
    retrieve: str = C_GET
    destination: Destination | None = None
    tls: Encrypted | None = None
    priority: int = 0


@dataclass(frozen=True)
class Dicomweb:
    """A source spoken to by QIDO-RS and WADO-RS. Secrets are references: ``env:``, ``file:``."""

    url: str
    token: str = ""
    user: str = ""
    password: str = ""
    tls: Encrypted | None = None


@dataclass(frozen=True)
class Limits:
    """How much of a source may be asked. Rates of None have no limit."""

    windows: tuple[Window, ...] = ()
    zone: tzinfo = UTC
    associations: int = 1
    studies_per_second: float | None = None
    megabytes_per_second: float | None = None
    #: How often an instance is asked for before it counts as missing.
    attempts: int = 3
    #: Answers after which the source is known to cut a list; None where it is not known.
    results: int | None = None
    #: Seconds: the longest wait for one answer, the pauses, and how long they may last in all.
    timeout: float = 120.0
    pause_first: float = 2.0
    pause_longest: float = 300.0
    patience: float = 3600.0

    def closed_for(self, now: datetime) -> float:
        """Seconds until the allowed hours begin, 0 within them."""
        return seconds_until_open(self.windows, self.zone, now)


@dataclass(frozen=True)
class Source:
    """One source under its name in the declaration."""

    name: str
    peer: Dimse | Dicomweb
    limits: Limits
    secondary: str | None = None
    #: Where what it delivers goes; HAVEN/retrieved/NAME without it.
    spool: Path | None = None

    @property
    def where(self) -> str:
        """How messages name it: name and address, never a secret."""
        if isinstance(self.peer, Dimse):
            return f"{self.name} ({self.peer.title} at {self.peer.host}:{self.peer.port})"
        return f"{self.name} (DICOMweb)"


def secret(reference: str, source: str) -> str:
    """What ``env:NAME`` or ``file:PATH`` refers to; other text is itself.

    Raises UserError, without the text, where there is nothing.
    """
    if reference.startswith("file:"):
        try:
            return Path(reference[5:]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"The source {source} names the file {reference[5:]} for a secret, and it cannot "
                "be read. See that it is there, and that this user may read it."
            ) from error
    if not reference.startswith("env:"):
        return reference
    try:
        return Settings().secret(reference)
    except UserError:
        raise UserError(
            f"The source {source} names the environment variable {reference[4:]}, which is not "
            "set. Set it, or write file:PATH instead of env:NAME in pacs.yaml."
        ) from None

"""Application entity titles, and who may send: ``AET``, ``AET@HOST``, ``*@NETWORK``.

A title has 1 to 16 printable ASCII characters, no backslash, and spaces at neither end
(PS3.5 section 6.2, AE). Case matters, as it does in DICOM.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imagehaven.errors import UserError

ANYONE: Final = "*"
_TITLE: Final = re.compile(r"(?! )[ -\[\]-~]{1,16}(?<! )")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: Final[tuple[Network, ...]] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1"),
)


@dataclass(frozen=True)
class Allowed:
    """Senders with this title, from one of these networks; from anywhere where there is none."""

    title: str
    networks: tuple[Network, ...] = ()

    def admits(self, title: str, host: str) -> bool:
        """Whether a sender with this title, at this IP address, is one of them."""
        return self.title in (ANYONE, title) and (not self.networks or within(host, self.networks))


@dataclass(frozen=True)
class Peer:
    """Where an application entity listens."""

    title: str
    host: str
    port: int


#: Without any entry: whoever sends from this machine.
ONLY_THIS_MACHINE: Final = (Allowed(ANYONE, LOOPBACK),)


def check_title(title: str) -> str:
    """The title; raises UserError where it is none."""
    if not _TITLE.fullmatch(title):
        raise UserError(
            "An AE title has 1 to 16 printable ASCII characters, no backslash, and no space at "
            "its ends. Give the title as the other system has it configured."
        )
    return title


def allowed(entries: Sequence[str]) -> tuple[Allowed, ...]:
    """Read the entries of an allow-list; an empty one allows this machine only.

    HOST is an address, a network (``10.1.0.0/16``) or a name, which is looked up once, now.
    Raises UserError for an entry that is none.
    """
    return tuple(_entry(text) for text in entries) or ONLY_THIS_MACHINE


def admits(entries: Sequence[Allowed], title: str, host: str) -> bool:
    """Whether any entry admits this sender."""
    return any(entry.admits(title, host) for entry in entries)


def peers(entries: Sequence[str]) -> dict[str, Peer]:
    """Read ``AET@HOST:PORT`` entries, by title; raises UserError for one that is none."""
    found = {}
    for text in entries:
        title, _, place = text.rpartition("@")
        host, _, port = place.rpartition(":")
        if not title or not host or not port.isascii() or not port.isdigit():
            raise UserError(f"{text!r} is no AET@HOST:PORT: write, for instance, PACS@10.1.2.3:104")
        if not 0 < int(port) < 65536:
            raise UserError(f"{port} is no port: they go from 1 to 65535.")
        found[check_title(title)] = Peer(title, host.strip("[]"), int(port))
    return found


def _entry(text: str) -> Allowed:
    # A title may hold an @, a host may not.
    title, at, host = text.rpartition("@")
    if not at:
        title, host = text, ""
    if title != ANYONE:
        check_title(title)
    return Allowed(title, networks_of(host) if at else ())


def networks_of(host: str) -> tuple[Network, ...]:
    """The network that an address, a network or a name means; raises UserError for none."""
    try:
        return (ipaddress.ip_network(host, strict=False),)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM) if host else []
    except OSError:
        found = []
    addresses = sorted({str(entry[4][0]).partition("%")[0] for entry in found})
    if not addresses:
        raise UserError(
            f"The host {host!r} is not known here: give an address (10.1.2.3), a network "
            "(10.1.0.0/16) or a name that this machine can look up."
        )
    return tuple(ipaddress.ip_network(address) for address in addresses)


def within(host: str, networks: Sequence[Network]) -> bool:
    """Whether an IP address lies in one of the networks."""
    address = ipaddress.ip_address(host.partition("%")[0])
    # A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d.
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)

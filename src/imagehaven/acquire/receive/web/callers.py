"""Who may post: networks, and bearer tokens (RFC 6750) from a file that only its owner reads."""

from __future__ import annotations

import hashlib
import hmac
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from imagehaven.acquire.receive.titles import LOOPBACK, Network, networks_of, within
from imagehaven.errors import UserError

#: 128 bits, written in hexadecimal.
SHORTEST: Final = 32
_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})\s+([A-Za-z0-9._~+/-]+=*)")
_BEARER: Final = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/-]+=*)")


@dataclass(frozen=True)
class Callers:
    """Networks that may connect, and the tokens' hashes by name; none means no token is asked."""

    networks: tuple[Network, ...] = LOOPBACK
    tokens: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def admits(self, host: str) -> bool:
        """Whether anyone at this IP address may post."""
        return within(host, self.networks)

    def named(self, authorization: str) -> str | None:
        """The name of the token in an Authorization header; None where it is not one of them."""
        given = _BEARER.fullmatch(authorization.strip())
        digest = _digest(given[1]) if given else b""
        found = None
        for name, known in self.tokens:  # all of them, so that time tells nothing
            if hmac.compare_digest(known, digest):
                found = name
        return found

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody on the network may connect."""
        return all(network.is_loopback for network in self.networks)


def callers(allow: Sequence[str], tokens: Path | None) -> Callers:
    """Read networks (addresses, networks, names) and the file of tokens.

    The file has a line ``NAME TOKEN`` for each sender; raises UserError, without any token, for
    what is none.
    """
    networks = tuple(network for host in allow for network in networks_of(host))
    return Callers(networks or LOOPBACK, _tokens(tokens) if tokens is not None else ())


def _tokens(path: Path) -> tuple[tuple[str, bytes], ...]:
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not ASCII text"
        raise UserError(f"The tokens in {path} cannot be read: {why}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(f"{path} holds secrets and is open to others: chmod 600 {path}.")
    found: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _LINE.fullmatch(line.strip())
        if entry is None or len(entry[2]) < SHORTEST or entry[1] in found:
            raise UserError(
                f"{path}, line {number}: write NAME TOKEN, each name once, and a token of at least "
                f"{SHORTEST} letters and digits; `openssl rand -hex 32` makes one."
            )
        found[entry[1]] = _digest(entry[2])
    if not found:
        raise UserError(f"{path} holds no token: write a line NAME TOKEN for each sender.")
    return tuple(found.items())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

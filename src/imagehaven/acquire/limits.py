"""How much an archive may hold before it is taken for a bomb."""

from __future__ import annotations

from dataclasses import dataclass

from imagehaven.errors import Quarantine


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on archives; sizes in bytes."""

    members: int = 1_000_000
    """Members of one archive."""

    member_size: int = 16 * 2**30
    """One member, uncompressed."""

    total_size: int = 2**40
    """All members of one archive together, uncompressed."""

    ratio: int = 200
    """Uncompressed over compressed, judged once more than ``ratio_from`` has come out."""

    ratio_from: int = 256 * 2**20

    header_size: int = 16 * 2**20
    """One read that the tar format itself asks for: a long name or an extended header."""

    depth: int = 3
    """Archives within archives."""

    def check(self, size: int, compressed: int, what: str) -> None:
        """Raise ``Quarantine('archive-bomb')`` when ``size`` out of ``compressed`` is too much."""
        if size > self.total_size or (size > self.ratio_from and size > self.ratio * compressed):
            raise Quarantine("archive-bomb", f"{what} expands beyond the limits for archives")


DEFAULT = Limits()

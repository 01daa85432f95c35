"""What a peer is for the rest of the retriever: it lists, it fetches, and it may refuse.

Two rooms implement :class:`Peer`: ``dimse`` (C-FIND, C-GET, C-MOVE) and ``dicomweb``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imagehaven.acquire.receive.filing import Incoming
    from imagehaven.acquire.receive.spool import Draft


@dataclass(frozen=True)
class Study:
    """A study as a source lists it; numbers are None where it does not tell them."""

    uid: str
    day: str = ""
    time: str = ""
    accession: str = ""
    modalities: tuple[str, ...] = ()
    series: int | None = None
    instances: int | None = None


@dataclass(frozen=True)
class Instance:
    """An instance as a source lists it; ``sop_class`` is '' where it does not tell."""

    uid: str
    series: str
    sop_class: str = ""
    modality: str = ""


@dataclass(frozen=True)
class Found:
    """Studies of one question. ``cut`` says that the source gave up before the end."""

    studies: tuple[Study, ...]
    cut: bool = False


@dataclass(frozen=True)
class Inventory:
    """Every instance of a study that the source lists.

    ``cut`` where the list is known to be shorter than the study; ``said`` is then how many the
    source says there are, None where it does not.
    """

    instances: tuple[Instance, ...]
    cut: bool = False
    said: int | None = None


@dataclass(frozen=True)
class Order:
    """One thing to fetch: a study, a series of it, or some instances of a series."""

    study: str
    series: str = ""
    instances: tuple[str, ...] = ()
    sop_classes: frozenset[str] = field(default=frozenset(), compare=False)
    modalities: frozenset[str] = field(default=frozenset(), compare=False)


class PeerError(Exception):
    """What went wrong with a peer: its name, the cause and the remedy; never a value."""


class Unavailable(PeerError):
    """The peer cannot be spoken to now; the same may work later, after ``retry_after`` seconds.

    ``reached`` says that it was the peer that answered so, and that it is there.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, reached: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.reached = reached


class Refused(PeerError):
    """The peer will not speak to us until somebody changes a setting, here or there."""


class NotServed(PeerError):
    """One question or order failed. ``reason`` is a short word; ``distress`` asks for a pause."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        distress: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.distress = distress
        self.retry_after = retry_after


class Intake(Protocol):
    """Where objects go as they come."""

    def draft(self, incoming: Incoming) -> Draft:
        """Begin an object; raises :class:`~imagehaven.acquire.receive.spool.SpoolFull`."""

    def wrote(self, size: int) -> None:
        """Hear of bytes that came; may wait, so that the source sends no faster than it may."""

    def kept(self, draft: Draft) -> None:
        """Put a whole object into its place."""


class Peer(Protocol):
    """One conversation with a source, used by one thread."""

    def studies(self, keys: Mapping[str, str]) -> Found:
        """List the studies that match ``keys`` (keyword to value, as in C-FIND)."""

    def inventory(self, study: str) -> Inventory:
        """List every instance of a study; empty where there is none."""

    def fetch(self, order: Order, intake: Intake) -> None:
        """Have the source deliver; what came is seen in the spool, not said here."""

    def close(self) -> None:
        """End the conversation."""

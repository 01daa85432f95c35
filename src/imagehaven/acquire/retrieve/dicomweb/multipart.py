"""Takes a multipart/related answer apart while it comes (RFC 2046 section 5.1).

Memory is bounded by what one read brings, whatever the size of a part.
"""

from __future__ import annotations

import email.message
from collections.abc import Iterator
from typing import Final, Protocol

_READ: Final = 2**18
#: No head of a part that a server means well is longer.
_LONGEST_HEAD: Final = 65536


class Broken(Exception):
    """The answer ends early, or is no multipart."""


class Readable(Protocol):
    """What is read from: at most ``amount`` bytes at a time, b'' at the end."""

    def read(self, amount: int, /) -> bytes:
        """Read."""


def boundary_of(content_type: str) -> str | None:
    """The boundary in a Content-Type, None where it is no multipart."""
    message = email.message.Message()
    message["Content-Type"] = content_type
    if message.get_content_maintype() != "multipart":
        return None
    found = message.get_boundary()
    return found or None


def parts(stream: Readable, boundary: str) -> Iterator[Iterator[bytes]]:
    """Yield each part as an iterator of its pieces, to be used up before the next part is asked.

    Raises :class:`Broken` where the answer ends before its closing delimiter.
    """
    reading = _Reading(stream, b"\r\n--" + boundary.encode("latin-1"))
    for _ in reading.up_to_delimiter():
        pass  # the preamble
    while reading.begins():
        pieces = reading.up_to_delimiter()
        yield pieces
        for _ in pieces:
            pass  # what the caller left


class _Reading:
    def __init__(self, stream: Readable, delimiter: bytes) -> None:
        self._stream = stream
        self._delimiter = delimiter
        # The first delimiter may stand at the very beginning, without its line break.
        self._buffer = b"\r\n"

    def up_to_delimiter(self) -> Iterator[bytes]:
        """The bytes up to the next delimiter, which is taken too."""
        while True:
            place = self._buffer.find(self._delimiter)
            if place >= 0:
                piece = self._buffer[:place]
                self._buffer = self._buffer[place + len(self._delimiter) :]
                if piece:
                    yield piece
                return
            # The last bytes may be the beginning of a delimiter.
            safe = len(self._buffer) - len(self._delimiter) + 1
            if safe > 0:
                piece, self._buffer = self._buffer[:safe], self._buffer[safe:]
                yield piece
            self._more()

    def begins(self) -> bool:
        """Behind a delimiter: whether a part follows. Its head is read over."""
        while len(self._buffer) < 2:
            self._more()
        if self._buffer.startswith(b"--"):
            return False
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise Broken
            self._more()
        self._buffer = self._buffer[end + 4 :]
        return True

    def _more(self) -> None:
        came = self._stream.read(_READ)
        if not came:
            raise Broken
        self._buffer += came

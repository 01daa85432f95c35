"""Takes a MIME multipart body apart as it comes (RFC 2046 section 5.1), and keeps none of it.

Lines end in CRLF, as the RFC has it: a lone LF is data. Preamble and epilogue are dropped, padding
behind a boundary is allowed, and a line that only begins like the boundary is data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

#: Bytes of a part's header, of preamble and epilogue, and of padding behind a boundary.
LONGEST_HEADER: Final = 8192
LONGEST_ASIDE: Final = 65536
_LONGEST_PADDING: Final = 256

#: RFC 2046 section 5.1.1, bchars, and no space at the end. It allows 70; Orthanc sends 73.
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,199}[0-9A-Za-z'()+_,\-./:=?]")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*")


class Malformed(Exception):
    """The body is no multipart of this boundary; the message says why, without any of it."""


@dataclass(frozen=True)
class Begin:
    """A part begins; the names of its header's fields are in lower case."""

    header: dict[str, str]


@dataclass(frozen=True)
class End:
    """The part that began last is complete."""


Event = Begin | bytes | End


class Multipart:
    """The parser: feed it the body in pieces of any size."""

    def __init__(self, boundary: str) -> None:
        raw = boundary.encode("latin-1", "replace")
        if not _BOUNDARY.fullmatch(raw):
            raise Malformed("the boundary is none")
        self._mark = b"\r\n--" + raw
        # The first boundary may stand at the very beginning, without the CRLF that belongs to it.
        self._held = b"\r\n"
        self._aside = 0
        self._state: Callable[[], Iterator[Event]] = self._preamble

    def feed(self, piece: bytes) -> Iterator[Event]:
        """What this piece completes; raises :class:`Malformed`."""
        self._held += piece
        state = None
        while state != self._state:
            state = self._state
            yield from state()

    def close(self) -> None:
        """The body has ended; raises :class:`Malformed` where its last boundary is missing."""
        if self._state != self._epilogue:
            raise Malformed("it ends before its last boundary")

    def _preamble(self) -> Iterator[Event]:
        for data in self._upto_boundary():
            self._drop(data)
        yield from ()

    def _epilogue(self) -> Iterator[Event]:
        self._drop(self._held)
        self._held = b""
        yield from ()

    def _header(self) -> Iterator[Event]:
        # A part may have no field: then an empty line follows the boundary's own.
        end = self._held.find(b"\r\n\r\n") + 2
        if self._held.startswith(b"\r\n"):
            end = 0
        elif end < 2:
            if len(self._held) > LONGEST_HEADER:
                raise Malformed("a part's header has no end")
            return
        if end > LONGEST_HEADER:
            raise Malformed("a part's header is too long")
        lines, self._held = self._held[:end], self._held[end + 2 :]
        self._state = self._body
        yield Begin(_fields(lines))

    def _body(self) -> Iterator[Event]:
        yield from self._upto_boundary()
        if self._state != self._body:
            yield End()

    def _upto_boundary(self) -> Iterator[bytes]:
        """The data before the next boundary; at it, the state behind it is entered."""
        start = 0
        while (at := self._held.find(self._mark, start)) >= 0:
            behind = self._held[at + len(self._mark) :][: _LONGEST_PADDING + 2]
            line = behind.lstrip(b" \t")
            if line.startswith(b"--") or line.startswith(b"\r\n"):
                data, rest = self._held[:at], self._held[at + len(self._mark) :]
                self._held = rest.lstrip(b" \t")[2:]
                self._state = self._epilogue if line.startswith(b"--") else self._header
                yield data
                return
            if line in (b"", b"-", b"\r") and len(behind) <= _LONGEST_PADDING:
                # Whether this is a boundary, only what comes next can tell.
                data, self._held = self._held[:at], self._held[at:]
                yield data
                return
            start = at + 2
        kept = max(0, len(self._held) - len(self._mark) + 1)
        data, self._held = self._held[:kept], self._held[kept:]
        yield data

    def _drop(self, data: bytes) -> None:
        self._aside += len(data)
        if self._aside > LONGEST_ASIDE:
            raise Malformed("there is too much before or behind its parts")


def _fields(lines: bytes) -> dict[str, str]:
    # A field may go on in a line that begins with a space (RFC 822 folding).
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", lines)
    header: dict[str, str] = {}
    for line in unfolded.split(b"\r\n"):
        if not line:
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Malformed("a part's header is none")
        name = field[1].decode("ascii").lower()
        if name in header:
            raise Malformed("a part's header has a field twice")
        header[name] = field[2].decode("latin-1")
    return header

"""Read a compressed stream forward, once, with a bound on what may come out of it."""

from __future__ import annotations

import io
from typing import BinaryIO

from imagehaven.acquire.limits import Limits
from imagehaven.errors import Quarantine

_BLOCK = 2**20


class ForwardStream(io.RawIOBase):
    """A readable stream that seeks forward, and back by one byte, over a decompressor.

    The tar reader steps back one byte at each member; a decompressor would start over for that,
    and a large archive would take quadratic time. Raises ``Quarantine('archive-bomb')`` when more
    comes out than ``limits`` allow for ``compressed`` bytes.
    """

    def __init__(self, inner: BinaryIO, compressed: int, limits: Limits) -> None:
        super().__init__()
        self._inner = inner
        self._compressed = compressed
        self._limits = limits
        self._position = 0
        self._last = b""
        self._stepped_back = False
        self.last_read = b""
        """What the latest read returned: for a tar reader, the header that ended its pass."""

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def seekable(self) -> bool:
        """Say that this stream can seek, which holds for forward."""
        return True

    def tell(self) -> int:
        """Return the position in the uncompressed bytes."""
        return self._position - self._stepped_back

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes; a read of everything is refused."""
        if size < 0 or size > self._limits.header_size:
            raise Quarantine("archive-bomb", "a part of the archive's structure is too large")
        if size == 0:
            return b""
        self.last_read = b""
        start = b""
        if self._stepped_back:
            start, self._stepped_back = self._last, False
        data = self._inner.read(size - len(start))
        self._position += len(data)
        self._limits.check(self._position, self._compressed, "the compressed stream")
        self._last = data[-1:] or start
        self.last_read = start + data
        return self.last_read

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go forward to ``offset``, or back by one byte."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only absolute positions")
        if offset == self._position - 1 and self._last:
            self._stepped_back = True
            return offset
        if offset < self.tell():
            raise io.UnsupportedOperation("cannot go back in a compressed stream")
        while (left := offset - self.tell()) > 0:
            if not self.read(min(left, _BLOCK)):
                break
        return self.tell()

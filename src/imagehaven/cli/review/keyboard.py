"""Single keys from a terminal, or the first letters of lines from anything else."""

from __future__ import annotations

import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

#: What Ctrl-D sends, and what an ended input gives.
END: Final = "\x04"


class Keyboard:
    """Reads keys. ``raw`` says that single keys come without Enter."""

    def __init__(self) -> None:
        self.raw = sys.stdin.isatty()
        self._cooked: list[Any] | None = None

    @contextmanager
    def open(self) -> Iterator[Keyboard]:
        """Take the terminal for single keys, and give it back however the block ends."""
        if not self.raw:
            yield self
            return
        self._cooked = termios.tcgetattr(sys.stdin.fileno())
        try:
            tty.setcbreak(sys.stdin.fileno(), termios.TCSADRAIN)
            yield self
        finally:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._cooked)

    def key(self) -> str:
        """The next key in lower case; END when there are no more."""
        if self.raw:
            return sys.stdin.read(1).lower() or END
        line = sys.stdin.readline()
        return (line.strip().lower()[:1] or " ") if line else END

    def line(self, prompt: str) -> str:
        """A line of text, typed with the terminal's own editing; empty when it was left empty."""
        sys.stdout.write(prompt)
        sys.stdout.flush()
        if not self.raw or self._cooked is None:
            return sys.stdin.readline().strip()
        descriptor = sys.stdin.fileno()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, self._cooked)
        try:
            return sys.stdin.readline().strip()
        finally:
            tty.setcbreak(descriptor, termios.TCSADRAIN)

"""The project's own few errors, each with the remedy in its message.

Three kinds stop a verb, and each carries the exit code that the command line returns:

- :class:`UserError`: something that the caller can mend (a path, an option, a definition).
- :class:`TransientError`: a store or server that went away; the same call may go through later.
- :class:`TerminalError`: a store that contradicts itself; nobody should retry without looking.

Two are outcomes of a single object and never stop a run: :class:`Quarantine` (it cannot be read)
and :class:`Withheld` (it may not be released). Messages name files, keywords and internal ids,
never a value out of an image or a record.
"""

from __future__ import annotations


class ImagehavenError(Exception):
    """Base of every error that imagehaven raises on purpose."""

    exit_code = 1


class UserError(ImagehavenError):
    """The caller can mend this: the message says what, where, the valid choices, the next step."""

    exit_code = 2


class TransientError(ImagehavenError):
    """A store, server or disk was out of reach; nothing is lost, the same call may be repeated."""

    exit_code = 3


class TerminalError(ImagehavenError):
    """A store contradicts itself (a broken audit chain, totals that do not reconcile)."""

    exit_code = 4


class Outcome(ImagehavenError):
    """What became of one object, raised where it is found out and recorded where the run goes on.

    ``reason`` is one of a closed list of short words with hyphens that reports group by;
    ``detail`` is a sentence for people, free of values.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[Outcome], tuple[str, str]]:
        """Travel between processes whole: the default would pickle the joined message only."""
        return type(self), (self.reason, self.detail)


class Quarantine(Outcome):
    """This object cannot be read; it goes to the quarantine table with its reason."""


class Withheld(Outcome):
    """This instance may not be released; it goes to the release's rejections with its reason."""

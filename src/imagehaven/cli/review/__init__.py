"""Commands for reviewing findings: at the keyboard, and one by one for scripts."""

from imagehaven.cli.review.commands import add_to

__all__ = ["add_to"]

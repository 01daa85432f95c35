"""Which names say that a file is not complete: those of ``temporary_names.yaml``."""

from __future__ import annotations

import fnmatch
import functools
import re
from importlib.resources import files

from imagehaven.declarations import read_yaml
from imagehaven.errors import UserError


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name is still being written, as far as names tell."""
    return _pattern().fullmatch(name.lower()) is not None


@functools.cache
def _pattern() -> re.Pattern[str]:
    place = files("imagehaven.acquire.watch") / "temporary_names.yaml"
    listed = read_yaml(place.read_text(encoding="utf-8"))
    for number, pattern in enumerate(listed, 1):
        if not isinstance(pattern, str) or not pattern:
            raise UserError(f"{place}: entry {number} is no pattern; write it in quotes.")
    return re.compile("|".join(fnmatch.translate(one.lower()) for one in listed))

"""What may stand in released pixels: the verifier's own list of words and forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import yaml

_SHORTEST: Final = 3
_SPACE: Final = re.compile(r"[\s,;|()\[\]<>]+")
# A window's letter and its value stand apart as often as not.
_WINDOW: Final = re.compile(r"\b(ww|wl|wc|w|l|c)\s*[:=]?\s+(?=-?\d)", re.I)


@dataclass(frozen=True)
class Harmless:
    """Words in upper case, and the form that a whole part may have."""

    words: frozenset[str]
    form: re.Pattern[str]


@lru_cache(maxsize=1)
def harmless() -> Harmless:
    """Return the list, read once."""
    told = yaml.safe_load(files(__package__).joinpath("harmless.yaml").read_text("utf-8"))
    words = frozenset(str(word).upper() for group in told["words"].values() for word in group)
    return Harmless(words, re.compile("|".join(f"(?:{form})" for form in told["forms"]), re.I))


def is_free_text(text: str) -> bool:
    """Say whether a text says something that the list does not know to be the same for everybody.

    Fewer than three letters and digits say nothing.
    """
    if sum(character.isalnum() for character in text) < _SHORTEST:
        return False
    known = harmless()
    if known.form.fullmatch(text.replace(" ", "")):
        return False
    joined = _WINDOW.sub(r"\1", text)
    parts = [part for part in _SPACE.split(joined) if any(map(str.isalnum, part))]
    return not all(
        part.strip(".:=-_/'\"").upper() in known.words or known.form.fullmatch(part)
        for part in parts
    )

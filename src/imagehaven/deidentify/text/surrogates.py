"""Invented people and numbers in the place of real ones: the same for the same, within a project.

Everything comes from the project's key (HMAC-SHA256): the same word gives the same surrogate in
every report, another key gives another. A name's surrogate serves as given and as family name.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from imagehaven.deidentify.text.data_files import text_of
from imagehaven.deidentify.text.detect.patterns import is_nhs_number
from imagehaven.deidentify.text.words import fold

_WORD = re.compile(r"[^\W\d_]+(?:['’`´\u00ad\u200b-\u200f][^\W\d_]+)*")
_PHONE: Final = "01632 960"
"""Ofcom keeps 01632 960000 to 960999 for drama: nobody is called there."""


@dataclass(frozen=True)
class Surrogates:
    """Makes the surrogates of one project from its ``key``, which it never shows."""

    key: bytes = field(repr=False)

    def replace(self, kind: str, original: str) -> str:
        """Return the surrogate of an identifier, or the label of a kind that has none."""
        if kind == "NAME":
            return _WORD.sub(lambda match: self._name(match[0]), original)
        if kind in {"ID", "UID"}:
            return self._number(original)
        if kind == "PHONE":
            return f"{_PHONE}{self._pick(kind, original, 1000):03d}"
        if kind == "EMAIL":
            return f"person{self._pick(kind, original, 10**6):06d}@example.org"
        if kind == "POSTCODE":
            return f"ZZ99 {self._pick(kind, original, 10)}ZZ"
        return f"[{kind}]"

    def _name(self, word: str) -> str:
        folded = fold(word)
        if len(folded) <= 1:
            return "ABCDEFGHJKLMNPRSTW"[self._pick("initial", folded, 18)]
        names = _names()
        at = self._pick("name", folded, len(names))
        # A surrogate must not be the name itself.
        name = names[at] if names[at].lower() != folded else names[(at + 1) % len(names)]
        if word.isupper():
            return name.upper()
        return name.lower() if word.islower() else name

    def _number(self, original: str) -> str:
        """Return digits for digits and letters for letters; never a valid NHS or CHI number."""
        stream = b""
        bare = re.sub(r"[\W_]", "", original).lower()
        while len(stream) < len(original):
            stream += self._digest("number", f"{bare}/{len(stream)}")
        made = "".join(_like(letter, byte) for letter, byte in zip(original, stream, strict=False))
        digits = re.sub(r"\D", "", made)
        if len(digits) == 10 and is_nhs_number(digits):
            last = max(at for at, letter in enumerate(made) if letter.isdigit())
            made = made[:last] + str((int(made[last]) + 1) % 10) + made[last + 1 :]
        return made

    def _pick(self, domain: str, value: str, count: int) -> int:
        squeezed = re.sub(r"[\W_]", "", value).lower()
        return int.from_bytes(self._digest(domain, squeezed)[:8], "big") % count

    def _digest(self, domain: str, value: str) -> bytes:
        message = f"imagehaven/text/{len(domain)}/{domain}/{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key, message, "sha256").digest()


def _like(letter: str, byte: int) -> str:
    if letter.isdigit():
        return str(byte % 10)
    if letter.isalpha():
        made = "abcdefghjkmnpqrstuvwxyz"[byte % 23]
        return made.upper() if letter.isupper() else made
    return letter


@cache
def _names() -> list[str]:
    return [word.capitalize() for word in text_of("surrogate_names.txt").split()]

"""Words as they are compared: without case, accents, or characters that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

#: Letters that Unicode does not take apart, and what people write for them.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ħ": "h"}
)
#: Cyrillic and Greek letters that look as Latin ones do.
_LOOKALIKES: Final = str.maketrans(
    "аеорсухіѕјԁһкмтвнΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχ", "aeopcyxisjdhkmtbhabezhikmnoptyxaeiknoptyx"
)
_NOT_LETTERS = re.compile(r"[^a-z]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents, apostrophes and invisible characters."""
    if text.isascii():
        return text.lower().replace("'", "")
    text = unicodedata.normalize("NFKD", text.translate(_LOOKALIKES).casefold()).translate(_PLAIN)
    return "".join(
        letter for letter in text if letter.isalnum() and unicodedata.category(letter) != "Mn"
    )


def letters_only(text: str) -> str:
    """Return the Latin letters of a folded text, nothing between them."""
    return _NOT_LETTERS.sub("", fold(text))

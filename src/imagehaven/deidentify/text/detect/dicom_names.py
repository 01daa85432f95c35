"""Names in the form of DICOM, FAMILY^GIVEN^MIDDLE (PS3.5 section 6.2.1), inside other text.

Protocols are written with carets too (``Head^Routine``), so the form alone proves nothing: in it,
a word goes that may be a name anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, judge
from imagehaven.deidentify.text.spans import Found, Token

_JOINED: Final = re.compile(r"[^\s^]+(?:\^+[^\s^]+)+")
_PART: Final = re.compile(r"[A-Z][a-z]+")


def names_with_carets(text: str, tokens: list[Token]) -> Iterator[Found]:
    """Yield the words between carets that are names as well."""
    for group in _JOINED.finditer(text):
        inside = [t for t in tokens if group.start() <= t.start and t.end <= group.end()]
        kinds = {token: judge(token.folded) for token in inside if token.folded.isalpha()}
        somebody = any(
            kind is Word.NAME_TOO or (kind is Word.UNKNOWN and not _is_compound(token.text))
            for token, kind in kinds.items()
        )
        for token, kind in kinds.items():
            if kind is Word.NAME_TOO or (somebody and kind is Word.CLINICAL_NAME):
                yield Found(token.start, token.end, "NAME", "dicom-name")


def _is_compound(text: str) -> bool:
    """Tell whether a word is put together of known ones, as HeadRoutine is."""
    parts = _PART.findall(text)
    return len(parts) > 1 and all(judge(part.lower()) is not Word.UNKNOWN for part in parts)

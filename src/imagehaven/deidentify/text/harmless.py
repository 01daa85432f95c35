"""Text that may stay in pixels: side, view, scale, window, technique; nothing of anybody.

Default deny: every word of the text must be in ``data/harmless.yaml`` or be a number in a form that
stands there, and nothing that is known of the people may be in it.
"""

from __future__ import annotations

import re
from functools import cache

from imagehaven.deidentify.text.data_files import declared
from imagehaven.deidentify.text.known import KnownPeople
from imagehaven.deidentify.text.spans import tokens_of

_GAP = re.compile(r"[\s.,:;/()\[\]<>=+\-–|*°]*")


def is_harmless(text: str, known: KnownPeople) -> bool:
    """Say whether ``text``, as read from pixels, is proven to be nobody's; empty text is not."""
    if not text.strip() or (not text.isprintable() and "\n" not in text):
        return False
    at = 0
    form = _forms()
    while at < len(text):
        gap = _GAP.match(text, at)
        at = gap.end() if gap else at
        if at == len(text):
            break
        match = form.match(text, at)
        if match is None or match.end() == at:
            return False
        at = match.end()
    tokens = tokens_of(text)
    if any(token.folded in known.search.parts for token in tokens):
        return False
    return bool(tokens) and not any(True for _ in known.search.squeezed(text, tokens))


@cache
def _forms() -> re.Pattern[str]:
    rules = declared("harmless.yaml")
    words = "|".join(re.escape(str(word)) for word in sorted(rules["words"], key=len, reverse=True))
    forms = "|".join(f"(?:{form})" for form in rules["forms"])
    return re.compile(rf"(?:{forms}|(?:{words}))(?![^\W_])", re.I)

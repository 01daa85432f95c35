"""Codes of standard terminologies: a known code has a known meaning, whatever a file says.

The concepts are those of PS3.16 that pydicom carries (DCM, SCT, UCUM, LN and others).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydicom.sr._concepts_dict import concepts


def standard_meaning(scheme: str, code: str) -> str | None:
    """Return the meaning of a code, None when its scheme or the code is not known."""
    return _meanings().get((scheme, code))


@cache
def _meanings() -> Mapping[tuple[str, str], str]:
    known: dict[str, Any] = dict(concepts)
    return {
        (scheme, code): meaning
        for scheme, names in known.items()
        for codes in names.values()
        for code, (meaning, *_) in codes.items()
        if meaning.isascii() and len(meaning) <= 64
    }

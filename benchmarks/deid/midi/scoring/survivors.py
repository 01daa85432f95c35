"""Distinctive identifiers that stand anywhere in a released file, its pixels and name included."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from pydicom.dataset import Dataset

from benchmarks.deid.midi.corpus.key import Case

_ENCODINGS = ("latin-1", "utf-16-le", "utf-16-be")
_PIXELS = 0x7FE00010


def survivors(case: Case, path: Path, dataset: Dataset) -> list[str]:
    """Secrets of the case that can be found in the file's bytes, in its values or in its path."""
    raw = path.read_bytes()
    pixels = dataset[_PIXELS].value if _PIXELS in dataset else None
    if isinstance(pixels, bytes) and pixels:
        raw = raw.replace(pixels, b" ")
    text = " ".join(raw.decode(code, errors="replace") for code in _ENCODINGS)
    values = " ".join(str(e.value) for e in dataset.iterall() if e.VR != "SQ" and e.tag != _PIXELS)
    everywhere = f"{text} {values} {'/'.join(path.parts[-4:])}".casefold()
    return sorted(secret for secret in case.secrets if _pattern(secret).search(everywhere))


@lru_cache(maxsize=4096)
def _pattern(secret: str) -> re.Pattern[str]:
    body = re.escape(secret.casefold())
    digits = re.sub(r"\D", "", secret)
    if len(digits) >= 9 and len(digits) >= len(secret) - 3:  # one number, however it is spaced
        body = r"[\W_]{0,2}".join(digits)
    return re.compile(rf"(?<![0-9a-z]){body}(?![0-9a-z])")

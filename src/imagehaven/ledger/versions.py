"""Which versions acted: recorded with every audit row and every release."""

from __future__ import annotations

import functools
import platform
from importlib.metadata import version

#: The packages whose behaviour decides what a release holds.
_DECIDING = (
    "imagehaven", "pydicom", "duckdb", "imagecodecs",
    "onnxruntime", "rapidocr", "pypdfium2", "scipy",
)  # fmt: skip


@functools.cache
def versions() -> dict[str, str]:
    """Names and versions of imagehaven, Python and the packages that decide outputs."""
    return {"python": platform.python_version(), **{name: version(name) for name in _DECIDING}}

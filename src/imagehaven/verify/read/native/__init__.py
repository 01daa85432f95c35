"""The verifier's own reader of well-formed files, in C, and what it remembers to be clean.

Comes in: the bytes of one written file. Goes out: the values that were not clean in a file of the
same patient before, and where the pixels lie; or None, and then pydicom reads the file.

It is written apart from the core that de-identifies (``dicom/native``) and shares nothing with it
that knows DICOM: only a table of bytes, and a buffer. What one of the two misreads, the other does
not. A site without a compiler has no ``_reader``; everything is verified, only slower.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def reader() -> Any:
    """Return the compiled reader, None where it was not built."""
    try:
        return import_module("imagehaven.verify.read.native._reader")
    except ImportError:  # no compiler when this was installed
        return None

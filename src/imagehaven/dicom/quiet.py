"""The one place that silences pydicom while it reads real archives.

Real archives break the Standard in thousands of small ways, and pydicom warns about each. Our own
outcome for such a value is the ``Invalid`` mark in the stored element, so the warnings are noise;
pydicom's messages also quote values, which must never reach a log.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_PYDICOM_LOGGER = logging.getLogger("pydicom")


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Silence pydicom's warnings and log lines within the ``with`` block, and only there.

    Not thread-safe, as :func:`warnings.catch_warnings` is not: workers are processes.
    """
    disabled = _PYDICOM_LOGGER.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _PYDICOM_LOGGER.disabled = True
        try:
            yield
        finally:
            _PYDICOM_LOGGER.disabled = disabled

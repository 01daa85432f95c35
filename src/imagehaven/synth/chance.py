"""Chance that repeats: every draw hangs on the seed and on what it is for, never on order.

Each decision asks for its own generator by name (``chance(seed, "patient", 12)``), so a patient
is the same whoever was made before it, in any process and under any hash seed.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np


def number(*purpose: object, bits: int = 64) -> int:
    """Return a fixed number of ``bits`` bits for a purpose such as ``(seed, "series", 3)``."""
    text = "\x1f".join(str(part) for part in purpose)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - bits)


def chance(*purpose: object) -> random.Random:
    """Return the generator for a purpose."""
    return random.Random(number(*purpose))  # noqa: S311 - made-up people need no secrecy


def noise(*purpose: object) -> np.random.Generator:
    """Return the array generator for a purpose."""
    return np.random.Generator(np.random.PCG64(number(*purpose)))

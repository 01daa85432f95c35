"""Attacks on the de-identifier: an identifier planted in a real file, beside its near miss."""

from leak_attacks.elements import ELEMENTS
from leak_attacks.elsewhere import ELSEWHERE
from leak_attacks.kinds import Attack
from leak_attacks.numbers import NUMBERS

ATTACKS: dict[str, Attack] = {**ELEMENTS, **NUMBERS, **ELSEWHERE}

__all__ = ["ATTACKS", "Attack"]

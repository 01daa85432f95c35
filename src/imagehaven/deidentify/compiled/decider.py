"""Answers the compiled core with what the reference (:mod:`elements`) decides, each thing once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.dataset import (
    Place,
    clean_element,
    clean_private,
    decision_on,
    inside_of,
    top_of,
)
from imagehaven.deidentify.elements.private import FIRST_BLOCK, Kept
from imagehaven.deidentify.elements.value_actions import BIRTH_DATE, CODE_VALUES, Pass
from imagehaven.deidentify.elements.values import WIDTHS
from imagehaven.deidentify.generalise import generalise
from imagehaven.deidentify.rulebook.iod import NEEDS_PLACE, NEEDS_VALUE
from imagehaven.deidentify.rulebook.rules import Decision, entry
from imagehaven.deidentify.rulebook.table import SafePrivate, safe_private
from imagehaven.deidentify.text.words import fold
from imagehaven.deidentify.writing.encode import EXPLICIT_LITTLE, encode, has_long_values
from imagehaven.dicom import keyword_to_tag
from imagehaven.dicom.quiet import quiet_pydicom
from imagehaven.dicom.rewrite import (
    ASK,
    ITEMS,
    MAP_UID,
    MOVE_DATE,
    MOVE_MOMENT,
    NO_ITEMS,
    NOTHING,
    NUMBERS,
    ONE_VALUE,
    TIME,
    WORDS,
    Plan,
    parts_of,
)

_CODE_MEANING: Final = 0x00080104
_DATES: Final = {"DA": MOVE_DATE, "DT": MOVE_MOMENT, "TM": TIME}
_NUMBERS: Final = frozenset(["DS", "IS"])
_UID_DIGITS: Final = 12
"""Digits with which a text may hold a UID of its own instance, which the others have not."""


class Undecided(Exception):
    """The core cannot write this: the reference has to."""


class Decider:
    """Decides for the instances that share ``work``; ``steps`` makes quasi-identifiers coarser."""

    def __init__(self, work: Pass, steps: Mapping[str, int]) -> None:
        self._work = work
        self._steps = steps
        self._coarse = frozenset(int(keyword_to_tag(keyword), 16) for keyword in steps)
        self._places = [top_of(work)]
        self._plans: list[tuple[int, Place, SafePrivate | None]] = []
        self.given: list[tuple[tuple[str, str, str], ...]] = [()]

    def plan(self, place: int, tag: int) -> tuple[Any, ...]:
        """Return what is done with a standard tag in a place, as :meth:`Plan.packed`."""
        where = self._places[place]
        decision = decision_on(tag, self._work.profile, where)
        by_code = tag in (_CODE_MEANING, *CODE_VALUES) and not where.masked
        if decision.action == "X" and not by_code:
            return Plan().packed()
        number = self._remember(tag, where, None)
        if entry(tag).vr == "SQ":
            return self._sequence(number, tag, where, decision).packed()
        swift, vr, other = self._swift(tag, decision)
        return Plan(
            number=number,
            most=0 if vr.startswith("O") else entry(tag).most or 0,
            days=self._work.shift.days if decision.action == "C" else 0,
            label=decision.action,
            kind=ONE_VALUE,
            swift=swift,
            by_code=by_code,
            vr=vr,
            other_vr=other,
        ).packed()

    def private_plan(self, creator: str, tag: int) -> tuple[Any, ...]:
        """Return what is done with a private element, as :meth:`Plan.packed`."""
        row = safe_private().get((creator, tag >> 16, tag & 0xFF))
        if row is None:
            return Plan().packed()
        if row.vr == "SQ":
            raise Undecided
        number = self._remember(tag | FIRST_BLOCK << 8, self._places[0], row)
        swift = NUMBERS if row.vr in _NUMBERS else WORDS if row.vr in WIDTHS else ASK
        if swift == NUMBERS and row.most is not None:
            swift = ASK  # the core counts binary numbers alone
        return Plan(
            number=number, most=row.most or 0, kind=ONE_VALUE, swift=swift, vr=row.vr
        ).packed()

    def answer(
        self, number: int, vr: str, value: bytes, around: bytes
    ) -> tuple[bytes, str, int, bool]:
        """Return the new element, its label, the pseudonyms' number, and whether it is unsure."""
        tag, place, row = self._plans[number]
        work = self._work
        work.counts.clear()
        work.given.clear()
        source = Dataset({BaseTag(at): _raw(at, its, data) for at, its, data in parts_of(around)})
        raw = source[tag] = _raw(tag, vr, value)
        with quiet_pydicom():
            if row is None:
                cleaned = clean_element(source, tag, work, place)
            else:
                cleaned = clean_private(Kept(raw, tag, row), work)
        label = next(iter(work.counts), NOTHING)
        made = Dataset({} if cleaned is None else {BaseTag(tag): cleaned})
        generalise(made, self._steps)
        if has_long_values(made):
            raise Undecided
        if work.given:
            self.given.append(tuple(work.given))
        given = len(self.given) - 1 if work.given else 0
        digits = sum(letter.isdigit() for letter in fold(work.identity.decode(value)))
        wordy = row is None and decision_on(tag, work.profile, place).action == "C"
        unsure = wordy and digits >= _UID_DIGITS and entry(tag).vr not in (*_DATES, *_NUMBERS)
        return encode(made, EXPLICIT_LITTLE), label, given, unsure

    def _remember(self, tag: int, place: Place, row: SafePrivate | None) -> int:
        self._plans.append((tag, place, row))
        return len(self._plans) - 1

    def _sequence(self, number: int, tag: int, where: Place, decision: Decision) -> Plan:
        inside = inside_of(tag, where, decision.action)
        if inside not in self._places:
            self._places.append(inside)
        return Plan(
            number=number,
            place=self._places.index(inside),
            label=decision.action,
            kind=NO_ITEMS if decision.action == "Z" else ITEMS,
            masked=inside.masked,
            needs_place=decision.kind in NEEDS_PLACE,
            needs_value=decision.kind in NEEDS_VALUE,
        )

    def _swift(self, tag: int, decision: Decision) -> tuple[int, str, str]:
        """Return how the core finds a value by itself, and the VRs that it may have then."""
        vr, _, other = entry(tag).vr.partition(" or ")
        action, swift = decision.action, ASK
        if tag in self._coarse or decision.verbatim or tag == BIRTH_DATE or " " in other:
            pass  # these depend on more than the value
        elif vr == "UI":
            swift = MAP_UID if action == "U" else ASK
        elif vr in _NUMBERS and action in ("K", "C"):
            swift = NUMBERS
        elif vr in _DATES and action in ("K", "C"):
            swift = _DATES[vr]
        elif vr in WIDTHS and action == "K":
            swift = WORDS
        return swift, vr, other


def _raw(tag: int, vr: str, value: bytes) -> RawDataElement:
    return RawDataElement(BaseTag(tag), vr or None, len(value), value, 0, not vr, True)

"""Apply one decision to one value: keep, clean, empty, replace, map or give a pseudonym.

Comes in: the bytes of a value and the action that the rules chose. Goes out: the new bytes, or None
to remove the element, with the action that was really taken: what cannot be cleaned falls back to
the basic action, and what breaks its VR or trips the guard is emptied.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from math import isfinite
from struct import unpack

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements import dates
from imagehaven.deidentify.elements.descriptions import clean_description, people_of
from imagehaven.deidentify.elements.guard import Guard
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.values import (
    LINES,
    PLACEHOLDERS,
    WIDTHS,
    dummy,
    form_is_valid,
    is_registered,
    join_text,
    split_text,
)
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.iod import NEEDS_VALUE
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import Decision, entry
from imagehaven.deidentify.rulebook.table import dummy_values, enumerated_values
from imagehaven.deidentify.text import KnownPeople
from imagehaven.dicom.uids import SourceUID

GUARDED = "G"
"""Counted in place of an action where a value to keep was emptied."""

CODE_VALUES = frozenset([0x00080100, 0x00080119])
"""CodeValue and LongCodeValue, which :mod:`dataset` judges by their coding scheme too."""
_SPELLED_OUT = re.compile(rb"[ -~]{6,}\0?")
_NUMBER_CODES = {"UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FD": "d"}
_FEW = 16
_FLOATS = frozenset(["FD", "FL", "OD", "OF"])  # 38.4 is all printable bytes, by chance
PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
BIRTH_DATE = 0x00100030
_FREE_TEXT = frozenset(["LO", "SH", "UC", "ST", "LT", "UT"])


@dataclass(frozen=True)
class Pass:
    """What one data set is cleaned with; the counter and the mapping fill up on the way."""

    profile: Profile
    pseudonyms: Pseudonyms
    identity: Identity
    guard: Guard
    little: bool
    signed: bool
    shift: timedelta
    source: Dataset
    studied: date | None = None
    counts: Counter[str] = field(default_factory=Counter)
    given: set[tuple[str, str, str]] = field(default_factory=set)
    denied: KnownPeople = field(default_factory=KnownPeople)

    @cached_property
    def people(self) -> KnownPeople:
        """Whom the source names, and who must not stand; collected only for free text."""
        return people_of(self.source) | self.denied


def apply(
    value: bytes, vr: str, tag: int, decision: Decision, work: Pass, *, top: bool
) -> tuple[bytes | None, str]:
    """Return the new value, None to remove the element, and the action that was really taken."""
    action = decision.action
    if action == "C":
        cleaned = _cleaned(value, vr, tag, work)
        if cleaned is not None:
            return cleaned, "C"
        action = decision.fallback
    if action == "K":
        cleaned = _verbatim(value, vr, tag, work) if decision.verbatim else None
        cleaned = cleaned or keep(value, vr, tag, work)
        if cleaned is not None:
            return cleaned, "K"
        return _withdrawn(tag, vr, decision, work), GUARDED
    return _replaced(value, vr, tag, action, work, top=top), action


def _replaced(
    value: bytes, vr: str, tag: int, action: str, work: Pass, *, top: bool
) -> bytes | None:
    """Return what an action puts in a value's place, which is nothing of the value itself."""
    if action == "U":
        return _uids(value, tag, work, top=top)
    if action == "P":
        return _pseudonym(value, tag, work)
    if action == "D":
        return stand_in(tag, vr, work)
    return b"" if action == "Z" else None


def stand_in(tag: int, vr: str, work: Pass) -> bytes:
    """Return a dummy that is valid for the element, and is no word of this instance's people."""
    known = dummy_values().get(entry(tag).keyword)
    if known is not None:
        return join_text([known], vr)
    word = next((one for one in PLACEHOLDERS if not work.guard.knows(one)), PLACEHOLDERS[0])
    return dummy(vr, word, entry(tag).least)


def _withdrawn(tag: int, vr: str, decision: Decision, work: Pass) -> bytes:
    """Return what stands for a value that breaks its VR or tripped the guard.

    A dummy where there must be a value or, the Type being unknown, text may have to be; else
    nothing, since any other value would be a statement.
    """
    needed = decision.kind in NEEDS_VALUE or (not decision.kind and vr in _FREE_TEXT)
    return stand_in(tag, vr, work) if needed else b""


def _cleaned(value: bytes, vr: str, tag: int, work: Pass) -> bytes | None:
    """Return a value that is like the original and does not identify, None if there is none."""
    if vr in ("DA", "DT", "TM"):
        return _each(value, vr, tag, work, shifted=True)
    if vr in WIDTHS:
        return None
    if vr in ("DS", "IS"):
        return keep(value, vr, tag, work)
    texts = split_text(value, vr) or _decoded(value, vr, work)
    known = enumerated_values().get(entry(tag).keyword, frozenset())
    cleaned = [
        text
        if text in known
        else clean_description(text, vr, work.profile, work.guard, work.people)
        for text in texts
    ]
    if any(text is None for text in cleaned):
        return None
    return join_text([text or "" for text in cleaned], vr)


def _decoded(value: bytes, vr: str, work: Pass) -> list[str]:
    """Return the values of a text in the instance's character set."""
    text = work.identity.decode(value)
    return [text] if vr in LINES else [part.strip(" ") for part in text.split("\\")]


def _verbatim(value: bytes, vr: str, tag: int, work: Pass) -> bytes | None:
    """Return the name or number of a device or place, or a UID, unless it is a person's."""
    texts = None if vr in WIDTHS or vr in ("DA", "DT", "TM", "AS") else split_text(value, vr)
    if texts is None or not all(form_is_valid(text, vr) for text in texts):
        return _uids(value, tag, work, top=False) if vr == "UI" else None  # what is no UID
    if vr != "UI" and any(work.guard.knows_person(text) for text in texts):
        return None
    return join_text(texts, vr)


def keep(value: bytes, vr: str, tag: int, work: Pass) -> bytes | None:
    """Return the value as it is when it is well-formed and the guard lets it pass."""
    if vr in WIDTHS:
        return value if _binary_passes(value, vr, tag, work) else None
    if vr in ("DA", "DT", "TM", "AS"):
        return _each(value, vr, tag, work, shifted=False)
    texts = split_text(value, vr)
    if texts is None:
        return None
    kept = [text if _passes(text, vr, tag, work) else "" for text in texts]
    return join_text(kept, vr) if any(kept) else None


def _passes(text: str, vr: str, tag: int, work: Pass) -> bool:
    if text in enumerated_values().get(entry(tag).keyword, ()):
        return True
    # A CS in small letters is common and harmless where each word is vocabulary.
    formed = form_is_valid(text, vr) or (vr == "CS" and work.profile.vocabulary.knows(text))
    if tag in CODE_VALUES:
        return formed and not work.guard.refuses_code(text)
    known = vr in ("DS", "IS") or work.profile.technical.knows(text)
    return formed and known and not work.guard.refuses(text, vr)


def _each(value: bytes, vr: str, tag: int, work: Pass, *, shifted: bool) -> bytes | None:
    """Return each date, time or age shifted or checked; None when one of them is none."""
    texts = split_text(value, vr)
    shift = work.shift if shifted else timedelta(0)
    found: list[str] = []
    for text in texts or [""]:
        if vr == "AS":
            new = dates.cap_age(text)
        elif vr == "TM":
            new = dates.keep_time(text)
        elif tag == BIRTH_DATE:
            new = dates.shift_birth_date(text, work.studied, shift)
        elif vr == "DA":
            new = dates.shift_date(text, shift)
        else:
            new = dates.shift_datetime(text, shift)
        if new is None:
            return None
        found.append(new)
    return join_text(found, vr)


def _binary_passes(value: bytes, vr: str, tag: int, work: Pass) -> bool:
    """Say whether bytes are as many numbers as they may be, and do not spell the patient."""
    if vr not in _FLOATS and _SPELLED_OUT.fullmatch(value):
        return False  # integers whose every byte is a letter are a text
    count, rest = divmod(len(value), WIDTHS[vr])
    most = None if vr[0] == "O" else entry(tag).most
    if rest or (most is not None and count > most) or work.guard.knows_bytes(value):
        return False
    numbers = _few_numbers(value, vr, work.little)
    return not any(work.guard.refuses_integer(int(number)) for number in numbers)


def _few_numbers(value: bytes, vr: str, little: bool) -> list[float]:
    """Return the finite numbers of a short value: among thousands, chance makes identifiers."""
    code = _NUMBER_CODES.get(vr)
    count = len(value) // WIDTHS[vr]
    if code is None or count > _FEW:
        return []
    return [
        number for number in unpack(f"{'<>'[not little]}{count}{code}", value) if isfinite(number)
    ]


def _uids(value: bytes, tag: int, work: Pass, *, top: bool) -> bytes:
    """Map every UID that the Standard did not register; what is no UID is mapped all the same."""
    mapped: list[str] = []
    for text in value.decode("latin-1").split("\\"):
        original = text.strip(" \0")
        if not original or is_registered(original):
            mapped.append(original)
            continue
        mapped.append(work.pseudonyms.uid(SourceUID(original)))
        if top:
            work.given.add((entry(tag).keyword, original, mapped[-1]))
    return join_text(mapped, "UI")


def _pseudonym(value: bytes, tag: int, work: Pass) -> bytes:
    vr, keyword = entry(tag).vr, entry(tag).keyword
    original = work.identity.decode(value)
    if tag == PATIENT_NAME:
        return join_text([work.pseudonyms.patient_id(work.identity.patient)], vr)
    if tag == PATIENT_ID:
        work.given.add((keyword, original, work.pseudonyms.patient_id(original)))
        return join_text([work.pseudonyms.patient_id(original)], vr)
    pseudonym = work.pseudonyms.identifier(keyword, original)
    work.given.add((keyword, original, pseudonym))
    return join_text([pseudonym], vr)

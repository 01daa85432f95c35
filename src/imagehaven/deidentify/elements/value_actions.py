"""Apply one decision to one value: keep, clean, empty, replace, map or give a pseudonym.

Comes in: the bytes of a value and the action that the rules chose. Goes out: the new bytes, or None
to remove the element, with the action that was really taken: what cannot be cleaned falls back to
the basic action, and what breaks its VR or trips the guard is emptied.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from math import isfinite
from struct import unpack

from imagehaven.deidentify.elements import dates
from imagehaven.deidentify.elements.guard import Guard
from imagehaven.deidentify.elements.identity import Identity
from imagehaven.deidentify.elements.values import (
    WIDTHS,
    dummy,
    form_is_valid,
    is_registered,
    join_text,
    split_text,
)
from imagehaven.deidentify.pseudonyms import Pseudonyms
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import Decision, entry
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
    counts: Counter[str] = field(default_factory=Counter)
    given: set[tuple[str, str, str]] = field(default_factory=set)


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
        cleaned = keep(value, vr, tag, work)
        return (_withdrawn(vr), GUARDED) if cleaned is None else (cleaned, "K")
    if action == "U":
        return _uids(value, tag, work, top), "U"
    if action == "P":
        return _pseudonym(value, tag, work), "P"
    return {"X": None, "Z": b"", "D": dummy(vr)}[action], action


def _withdrawn(vr: str) -> bytes:
    """Return what stands for a value that breaks its VR or tripped the guard.

    A dummy where text is free, since the element may be type 1; else nothing, since any other
    value would be a statement.
    """
    return dummy(vr) if vr in ("LO", "SH", "UC", "ST", "LT", "UT") else b""


def _cleaned(value: bytes, vr: str, tag: int, work: Pass) -> bytes | None:
    """Return a value that is like the original and does not identify, None if there is none."""
    if vr in ("DA", "DT", "TM"):
        return _each(value, vr, work, shifted=True)
    texts = split_text(value, vr)
    if texts is None or vr in WIDTHS:
        return None
    if vr in ("DS", "IS"):
        return keep(value, vr, tag, work)
    known = all(work.profile.vocabulary.knows(text) for text in texts)
    if not known or any(work.guard.refuses(text, vr) for text in texts):
        return None
    return join_text(texts, vr)


def keep(value: bytes, vr: str, tag: int, work: Pass) -> bytes | None:
    """Return the value as it is when it is well-formed and the guard lets it pass."""
    if vr in WIDTHS:
        return value if _binary_passes(value, vr, tag, work) else None
    if vr in ("DA", "DT", "TM", "AS"):
        return _each(value, vr, work, shifted=False)
    texts = split_text(value, vr)
    if texts is None:
        return None
    kept = [text if _passes(text, vr, tag, work) else "" for text in texts]
    return join_text(kept, vr) if any(kept) else None


def _passes(text: str, vr: str, tag: int, work: Pass) -> bool:
    # A CS in small letters is common and harmless where each word is vocabulary.
    formed = form_is_valid(text, vr) or (vr == "CS" and work.profile.vocabulary.knows(text))
    if tag in CODE_VALUES:
        return formed and not work.guard.refuses_code(text)
    known = vr in ("DS", "IS") or work.profile.technical.knows(text)
    return formed and known and not work.guard.refuses(text, vr)


def _each(value: bytes, vr: str, work: Pass, *, shifted: bool) -> bytes | None:
    """Return each date, time or age shifted or checked; None when one of them is none."""
    texts = split_text(value, vr)
    found: list[str] = []
    for text in texts or [""]:
        if vr == "AS":
            new = dates.cap_age(text)
        elif vr == "TM":
            new = dates.keep_time(text)
        elif vr == "DA":
            new = dates.shift_date(text, work.shift if shifted else timedelta(0))
        else:
            new = dates.shift_datetime(text, work.shift if shifted else timedelta(0))
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


def _uids(value: bytes, tag: int, work: Pass, top: bool) -> bytes:
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

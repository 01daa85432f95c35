"""Names in forms and columns: ``Surname: hunter   Forename(s): Mark``, ``CONS SHARP   GP WATERS``.

After a label that asks for a person, words up to a wide gap, a mark or the end of the line are one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from imagehaven.deidentify.text.detect.vocabulary import Word, vocabulary
from imagehaven.deidentify.text.naming.contexts import contexts, role_words
from imagehaven.deidentify.text.naming.reading import Reading
from imagehaven.deidentify.text.spans import Found

_LABEL: Final = (
    r"(?:sur|fore|first|last|family|given|middle|maiden|patient|nick|user|full|client|known)[ ]?"
    r"names?(?:\(s\))?|surname|forenames?(?:\(s\))?|forename\(s\)|maiden|alias|known as|previously"
    r"|cons(?:ultant)?(?: in charge| i/c)?|gp|referr(?:er|ing (?:dr|doctor|clinician|physician))"
    r"|req(?:uester|uested by|\.? (?:dr|doctor|cons))?|surgeon|assistant|asst|anaesthetist|scrub"
    r"|registrar|reg|physician|clinician|practitioner|provider|prescriber|radiologist|radiographer"
    r"|sonographer|mammographer|operator|technologist|technician|typist|secretary|transcriptionist"
    r"|reporter|dictator|author|reader|chair(?:man|woman|person)?|members?|present|apologies"
    r"|manager|supervisor|trainee|midwife|nurse|key ?worker|chaperone|interpreter|witness|escort"
    r"|resident|fellow|attending|intern|house officer|sho|officers?|agent|deceased|prisoner|woman"
    r"|man|child|claimant|client|subject|hygienist|orthodontist|governor|warden|teacher|pupil"
    r"|identified by|given by|taken by|sister|matron|on behalf of|supervising \w+|verifier"
    r"|approver|approved by|checked by|confirmed by|performed by|reported by|dictated by|typed by"
    r"|pharmacist|physio(?:therapist)?|pathologist|oncologist|cardiologist|neurologist|dentist"
    r"|investigator|coder|requestor|attending|ordering|carer|guardian|next of kin|n\.?o\.?k|mother"
    r"|father|mum|dad|partner|spouse|contact|name|attn|fao|cc|to|from|by|signed|seen with"
)
_NAME: Final = r"[^\W\d_]+(?:['’.\-]{1,2}[ ]?[^\W\d_]+)*\.?"
_RUN: Final = rf"{_NAME}(?:[ ]{_NAME}){{0,4}}"
_FIELD: Final = re.compile(
    rf"(?<![\w/])(?:{_LABEL})(?P<gap>[ \t]?[:=][ \t]{{0,20}}|[ ]{{1,3}}|\t)"
    rf"(?P<who>{_RUN}(?:[ ]?[/&;][ ]?{_RUN}){{0,3}})"
    r"(?=[ ]{2}|[ \t]*[,;|(/\n]|\.?\s*\Z|[ ]\w+[:=])",
    re.I,
)
#: Words of one name at most, with a title.
_WHOLE: Final = 4
_DATED: Final = re.compile(
    r"(?<![\w/.\-])(?P<who>[A-Z]{2,3})[ \t]{1,4}"
    r"(?=(?:[0-3]?\d(?:st|nd|rd|th)?[ ./\-](?:[01]?\d[./\-]\d"
    r"|(?:of )?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))|20\d\d[-/]?[01]\d"
    r"|(?i:mon|tues|wednes|thurs|fri|satur|sun)day\b))"
)

#: Initials by what stands beside them: ``patient HAS (030292``, ``AS bed 20``, ``closed by DR,``.
_BESIDE: Final = (
    re.compile(r"\bpatient[ ](?P<who>[A-Z]{2,3})[ \n]\((?=\d)"),
    re.compile(r"(?<![\w/.\-])(?P<who>[A-Z]{2,3})[ ](?=(?:bed|bay|Bed|Bay|BED)[ ]?\d)"),
    re.compile(r"\b(?:coder|CODER|Coder)[ :]{1,3}(?P<who>[A-Z]{2,3})\b"),
)
_DONE_BY: Final = re.compile(
    r"\b(?:closed|filed|agreed|amended|actioned|countersigned|cleared|coded|opened|allocated"
    r"|uploaded|pushed|imported|archived|merged|linked)\b[^.;\n]{0,24}?\bby[ ](?P<who>[A-Z]{2,3})"
    r"(?=[,.;)\n]|\s*\Z)",
    re.I,
)


def columns(reading: Reading) -> None:
    """Mark the names that stand in the fields of a form."""
    for match in _FIELD.finditer(reading.text):
        at = _within(reading, match.start("who"), match.end("who"))
        named = [i for i in at if _may_name(reading, i)]
        plain = [i for i in at if i not in named and _plain(reading, i)]
        asked = match["gap"].strip() in {":", "="}
        if not named and not (asked and plain and _all_capital(reading, at)):
            continue
        if not asked and (len(named) < len(at) - len(plain) or len(at) > 3 or plain):
            continue
        if not asked and not _named_so(reading, named):
            continue
        also = plain if asked and _all_capital(reading, at) else []
        if asked and named and len(at) <= _WHOLE:
            # A name's other words may be any: Ms rose day.
            also = [i for i in at if i > named[0] and _not_safe(reading, i)]
        for i in (*named, *also):
            reading.mark(i, "NAME", "context/field")


def dated_initials(reading: Reading) -> Iterator[Found]:
    """Yield initials before a date or a bed, ``opinion SN 24 Sep 2017``, or of who did it."""
    for form in _BESIDE:
        for match in form.finditer(reading.text):
            if match["who"].lower() not in {"ct", "mr", "us", "nm", "pet", "xr", "ed", "the", "in"}:
                yield Found(match.start("who"), match.end("who"), "NAME", "context/initials")
    for match in _DONE_BY.finditer(reading.text):
        if match["who"].isupper() and not reading.shouting:
            yield Found(match.start("who"), match.end("who"), "NAME", "context/initials")
    if reading.shouting:
        return
    for match in _DATED.finditer(reading.text):
        before = reading.text[max(0, match.start() - 2) : match.start()].rstrip()
        if match["who"].lower() not in contexts().dated and not before[-1:].isdigit():
            yield Found(match.start("who"), match.end("who"), "NAME", "context/initials")


def _may_name(reading: Reading, at: int) -> bool:
    """Say whether a word of a field may be a name: no role, no term, no plain word."""
    token, word = reading.tokens[at], reading.words[at]
    if at in reading.terms or reading.safe[at] or token.folded in role_words():
        return False
    if token.folded in contexts().stops | contexts().departments:
        return token.folded in {"may", "will"} and token.capital and word is not Word.SAFE
    return word in {Word.UNKNOWN, Word.NAME_TOO, Word.CLINICAL_NAME}


def _not_safe(reading: Reading, at: int) -> bool:
    kinds = {Word.UNKNOWN, Word.NAME_TOO, Word.CLINICAL_NAME}
    return reading.words[at] in kinds and not (reading.safe[at] or at in reading.terms)


def _plain(reading: Reading, at: int) -> bool:
    """Say whether a word is a plain one that somebody may be called: ``Crisp``."""
    token = reading.tokens[at]
    lists = contexts()
    known = token.folded in vocabulary().medical or token.folded in lists.departments | lists.stops
    role = token.folded in role_words() | lists.institutions | lists.actions
    return reading.words[at] is Word.SAFE and not (known or role or reading.safe[at])


def _named_so(reading: Reading, at: list[int]) -> bool:
    """Say whether words after a label without a colon are names, and no words of a sentence."""
    cased = [reading.tokens[i] for i in at]
    return all(token.capital for token in cased) and not any(
        reading.words[i] is Word.CLINICAL_NAME and reading.tokens[i].text.isupper() and len(at) > 1
        for i in at
    )


def _all_capital(reading: Reading, at: list[int]) -> bool:
    return len(at) <= 3 and all(
        reading.tokens[i].capital or reading.tokens[i].folded in role_words() for i in at
    )


def _within(reading: Reading, start: int, end: int) -> list[int]:
    """Return the places of the tokens that lie within two offsets."""
    first = bisect_left(reading.tokens, start, key=lambda token: token.start)
    last = bisect_left(reading.tokens, end + 1, key=lambda token: token.end)
    return list(range(first, last))

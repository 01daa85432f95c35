"""The last look at every value that is to be kept: does it hold something of this very patient?

A VR or an allow-list says what kind of value belongs there, not what somebody typed. The guard
collects the identifiers that the source header itself names (PS3.15 Table E.1-1 lists where) and
refuses a kept value that holds one of them, or that is shaped like a date, a CHI or NHS number, a
postcode, an e-mail address or another long number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.stored import encodings_of, items_of, stored, tags
from imagehaven.deidentify.rulebook.rules import entry
from imagehaven.deidentify.text import KnownPeople
from imagehaven.dicom.text import NAME_DELIMITERS, decode

_NUMBERS: Final = frozenset({"DS", "IS"})
_IDENTIFIERS: Final = frozenset(
    # PatientID, other ids, accession, study, admission and order numbers
    [
        *(0x00100020, 0x00101000, 0x00080050, 0x00200010, 0x00380010, 0x00380060, 0x00402016),
        *(0x00402017, 0x00401001, 0x00400253, 0x00400009, 0x00101090, 0x00120040, 0x00120042),
    ]
)
_PHONES: Final = frozenset([0x00102154, 0x00102155, 0x00080094, 0x00401103, 0x00401104])
_ADDRESSES: Final = frozenset([0x00101040, 0x00080092, 0x00401102])
_PLACES: Final = frozenset([0x00080080, 0x00080081])
_BIRTH: Final = frozenset([0x00100030])
_SHORTEST_WORD: Final = 3
_SPELLED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9 \-]{4,}")
_WORD = re.compile(r"[^\W\d_]+")
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
        r"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d(?!\d)",
        rf"(?<!\d){_DAY}([ /\-]){_MONTH}\1(?:19|20)?\d\d(?!\d)",
        rf"(?<!\d){_MONTH}([ /\-]){_DAY}\1(?:19|20)?\d\d(?!\d)",
        rf"(?<!\d){_DAY}\.{_MONTH}\.(?:19|20)\d\d(?!\d)",
        r"(?<!\d)(?:19|20)\d\d([ ./\-])\d{1,2}\1\d{1,2}(?!\d)",
        r"(?<!\d)\d{1,2}(?:st|nd|rd|th)?[ .\-/]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
        r"[a-z]*[ .,\-/]{0,2}(?:\d\d|\d{4})(?!\d)",
        r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ .]\d{1,2},? (?:19|20)\d\d",
        r"\d(?:[ \-]?\d){8,}",
        r"(?<![a-z0-9])[a-z]{1,2}\d[a-z0-9]? ?\d[abd-hjlnp-uw-z]{2}(?![a-z0-9])",
        r"[^\s@]+@[^\s@]+\.[^\s@]+",
    )
)
_TEN_DIGITS = re.compile(r"(?<!\d)(?=(\d(?:[^a-z0-9]{0,3}\d){9})(?!\d))")
_WHOLE_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_DATE_AND_TIME = re.compile(_WHOLE_DATE.pattern + r"(?:\d{4}|\d{6})?(?:\.\d*)?")
_CODE_DATE = re.compile(r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d")
_WHOLE_NUMBER = re.compile(r"^ *\+?(\d+)(?:\.0*)? *$", re.ASCII)
_CHI = re.compile(r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{6}")


@dataclass(frozen=True)
class Guard:
    """The identifiers of one instance's people, folded for comparison; built by :func:`watch`."""

    words: frozenset[str]
    numbers: frozenset[str]
    phrases: frozenset[str]

    def with_people(self, people: KnownPeople) -> Guard:
        """Return a guard that also refuses what is known of others."""
        words = {part for name in people.names for part in name if len(part) >= _SHORTEST_WORD}
        numbers = {pack(fold(text)) for text in people.identifiers}
        phrases = {pack(fold(text)) for text in people.places}
        return Guard(self.words | words, self.numbers | numbers, self.phrases | phrases)

    def refuses(self, text: str, vr: str) -> bool:
        """Say whether ``text`` must not be kept in an element of this VR."""
        text = text.strip(" \0")
        if vr in _NUMBERS:
            return self._refuses_number(text)
        return self.knows(text) or has_pattern(fold(text))

    def _refuses_number(self, text: str) -> bool:
        """Judge a number by its whole: its digits alone look like many things."""
        digits = pack(_WHOLE_NUMBER.sub(r"\1", text)).lstrip("0")
        own = len(digits) >= 5 and any(number.lstrip("0") == digits for number in self.numbers)
        whole = _WHOLE_NUMBER.sub(r"\1", text)
        # A measured number of ten digits is round, as doses in becquerel are; a telephone is not.
        long = whole.isdecimal() and len(whole) >= 10 and not whole.endswith("000")
        # One CHI number in three begins with a zero, which is lost where it is kept as a number.
        chi = is_chi(whole) or (len(whole) == 9 and is_chi(f"0{whole}"))
        return own or long or bool(_DATE_AND_TIME.fullmatch(whole)) or chi

    def refuses_integer(self, number: int) -> bool:
        """Say whether a binary number is this patient's, or anybody's CHI number."""
        digits = str(abs(number))
        own = len(digits) >= 6 and any(known.lstrip("0") == digits for known in self.numbers)
        return own or is_chi(digits.zfill(10))

    def refuses_code(self, text: str) -> bool:
        """Judge a CodeValue: a code may be a long number or have hyphens like a short date."""
        if any(character.isalpha() for character in text):
            return self.refuses(text, "SH")
        own = any(number == pack(text) for number in self.numbers)
        return (
            own or bool(_CODE_DATE.fullmatch(text) or _WHOLE_DATE.fullmatch(text)) or is_chi(text)
        )

    def knows(self, text: str) -> bool:
        """Say whether ``text`` holds an identifier of this instance's people."""
        packed = pack(fold(text))
        return self.knows_person(text) or any(phrase in packed for phrase in self.phrases)

    def knows_person(self, text: str) -> bool:
        """Say whether ``text`` holds a name or number of this instance's people, places apart."""
        folded = fold(text)
        packed = pack(folded)
        return any(word in self.words for word in _WORD.findall(folded)) or any(
            number in packed for number in self.numbers
        )

    def knows_bytes(self, value: bytes) -> bool:
        """Say whether binary data spells an identifier; short words occur in it by chance."""
        runs = _SPELLED.findall(value)
        for run in (match.decode("ascii").lower() for match in runs):
            packed = pack(run)
            if any(word in self.words for word in _WORD.findall(run) if len(word) >= 5):
                return True
            if any(number in packed for number in self.numbers if len(number) >= 6):
                return True
        return False


def watch(dataset: Dataset) -> Guard:
    """Collect what identifies people in ``dataset``, at every depth."""
    words: set[str] = set()
    numbers: set[str] = set()
    phrases: set[str] = set()
    for tag, vr, text in _texts(dataset):
        folded = fold(text)
        if vr == "PN":
            words.update(word for word in _WORD.findall(folded) if len(word) >= _SHORTEST_WORD)
        elif tag in _ADDRESSES:
            words.update(word for word in _WORD.findall(folded) if len(word) >= 5)
        elif tag in _PLACES and len(pack(folded)) >= 6:
            phrases.add(pack(folded))
        elif tag in _BIRTH:
            numbers.update(_forms_of_date(folded))
        elif tag in _IDENTIFIERS or tag in _PHONES:
            packed = pack(folded)
            if len(packed) >= 5 or (len(packed) >= 4 and any(c.isdigit() for c in packed)):
                numbers.add(packed)
    return Guard(frozenset(words), frozenset(numbers), frozenset(phrases))


def fold(text: str) -> str:
    """Return text without case and accents: ``Müller`` and ``MULLER`` compare equal."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def pack(text: str) -> str:
    """Return the letters and digits of ``text`` alone, so that gaps and hyphens do not hide."""
    return "".join(character for character in text if character.isalnum())


def has_pattern(folded: str) -> bool:
    """Say whether folded text holds a date, a long number, a postcode or an e-mail address."""
    return any(pattern.search(folded) for pattern in _PATTERNS) or _holds_patient_number(folded)


def _holds_patient_number(folded: str) -> bool:
    """Say whether ten digits, whatever stands between them, are a CHI or NHS number."""
    return any(
        has_modulus_11("".join(filter(str.isdigit, found[1])))
        for found in _TEN_DIGITS.finditer(folded)
    )


def is_chi(text: str) -> bool:
    """Say whether text is a CHI number: a date of birth, four digits, modulus 11 checked."""
    digits = text.replace(" ", "").replace("-", "")
    return _CHI.fullmatch(digits) is not None and has_modulus_11(digits)


def has_modulus_11(digits: str) -> bool:
    """Say whether ten digits end in their check digit, as CHI and NHS numbers do."""
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    return (11 - total % 11) % 11 == int(digits[9])


def _texts(dataset: Dataset) -> Iterator[tuple[int, str, str]]:
    """Yield (tag, VR, one value) of the watched elements of every depth."""
    for tag in tags(dataset):
        element = dataset.get_item(BaseTag(tag))
        if element.VR == "SQ":
            for item in items_of(dataset, tag):
                yield from _texts(item)
            continue
        vr = "PN" if _is_name(tag, element.VR) else ""
        found = stored(dataset, tag) if vr or tag in WATCHED else None
        if found is not None:
            for value in _decoded(found.value, dataset):
                yield from ((tag, vr, part) for part in value.split("\\") if part.strip(" \0"))


WATCHED: Final = _IDENTIFIERS | _PHONES | _ADDRESSES | _PLACES | _BIRTH
"""What the guard collects beside person names."""


def _is_name(tag: int, vr: str | None) -> bool:
    return "PN" in (vr, entry(tag).vr)


def _decoded(value: object, dataset: Dataset) -> Iterable[str]:
    """Decode in the declared character set and in the two that are declared wrongly most often."""
    if not isinstance(value, bytes):
        return []
    if value.isascii() and b"\x1b" not in value:
        return [value.decode("ascii")]
    declared = decode(value, encodings_of(dataset), NAME_DELIMITERS)[0]
    return sorted({value.decode("utf-8", "replace"), value.decode("latin-1"), declared})


def _forms_of_date(text: str) -> set[str]:
    digits = pack(text)
    if not re.fullmatch(r"\d{8}", digits):
        return {digits} if len(digits) >= 6 else set()
    year, month, day = digits[:4], digits[4:6], digits[6:]
    return {digits, day + month + year, month + day + year}

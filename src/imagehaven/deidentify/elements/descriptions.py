"""Free text that people wrote: kept whole, cleaned of identifiers, or not kept.

A text of reviewed imaging words stays as it is. Of any other, the text room takes out what may
identify (names, numbers, dates and every word that it does not know), and the rest stays, unless
nothing is left, or the guard still finds something of this instance's own people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imagehaven.deidentify.elements.guard import Guard
from imagehaven.deidentify.elements.stored import Element, items_of, tags
from imagehaven.deidentify.elements.values import form_is_valid, longest
from imagehaven.deidentify.rulebook.profile import Profile
from imagehaven.deidentify.rulebook.rules import entry
from imagehaven.deidentify.text import CleanedText, KnownPeople, clean_text, known_people
from imagehaven.deidentify.text.clean import Removed
from imagehaven.deidentify.text.data_files import table
from imagehaven.deidentify.text.naming.eponyms import eponyms
from imagehaven.deidentify.text.spans import tokens_of

_LABEL: Final = re.compile(r"\[[A-Z]+\]")
_YEAR: Final = re.compile(r"(?<![\d.])(?:19|20)\d\d(?![\d.])")
_WORD: Final = re.compile(r"[A-Za-z]{2}|\d")
_UNKNOWN: Final = frozenset({"vocabulary", "number"})
"""Detectors that take out what is unknown to them, and not what they know to be somebody's."""

_MODALITY: Final = re.compile(r"\s*MR[\s_]+")
"""The modality at the start of a description, which elsewhere is a title."""

_CARETS: Final = re.compile(r"[^\W\d_][\w'-]*(?:\^+[^\W\d_][\w'-]*)+")
"""Words joined as the components of a person's name are, and as makers write Head^Routine."""

_VERSION: Final = re.compile(r"(?<![A-Za-z0-9])[vV]$")
_NUMBERED: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){1,3}")
_WORDS: Final = re.compile(r"[^\W_]+|[\W_]+")
_APOSTROPHES: Final = frozenset("'\u2019`\u00b4")
_SEPARATORS: Final = str.maketrans("^=@\\\t", "     ")
_CHARACTER_SET: Final = 0x00080005


def clean_description(
    text: str, vr: str, profile: Profile, guard: Guard, people: KnownPeople
) -> str | None:
    """Return ``text`` as it may be released in an element of this VR, None when it may not."""
    if profile.vocabulary.knows(text) and not guard.refuses(text, vr):
        return text
    text = _CARETS.sub(lambda found: _unless_imaging(found[0], profile), text)
    cleaned = _found(text, people)
    if vr == "CS" and cleaned.removed:
        return None
    new = _ascii(_without_graded_names("".join(_pieces(text, cleaned, profile, guard)), profile))
    # In a few words, nobody can tell a year of birth from another.
    new = _YEAR.sub("[DATE]", new)
    if not form_is_valid(new, vr):
        new = _fitted(new.translate(_SEPARATORS), longest(vr))
    said = _LABEL.sub(" ", new)
    if guard.refuses(said, vr):
        new = _fitted(_without_people(new, guard), longest(vr))
        said = _LABEL.sub(" ", new)
    if not _WORD.search(said) or not form_is_valid(new, vr) or guard.refuses(said, vr):
        return None
    return new


@lru_cache(maxsize=4096)
def _found(text: str, people: KnownPeople) -> CleanedText:
    """Return the cleaned text: the instances of a series have one description and one patient."""
    return clean_text(text, people)


def _pieces(text: str, cleaned: CleanedText, profile: Profile, guard: Guard) -> Iterator[str]:
    """Yield the parts of the new text: what was removed as unknown stays if imaging knows it."""
    at = 0
    for one in cleaned.removed:
        yield text[at : one.start]
        stretch = text[one.start : one.end]
        imaging = one.detector in _UNKNOWN and profile.vocabulary.knows(stretch)
        imaging = imaging or _is_version(text, one)
        if imaging and not guard.refuses(stretch, "LO"):
            yield stretch
        else:
            yield from _after_modality(text, one, profile, guard)
        at = one.end
    yield text[at:]


def _unless_imaging(stretch: str, profile: Profile) -> str:
    return stretch if profile.vocabulary.knows(stretch) else "[NAME]"


def _is_version(text: str, one: Removed) -> bool:
    """Say whether what looks like a date is a version: ``v12.05.20``, with the letter joined."""
    version = one.kind == "DATE" and _VERSION.search(text[: one.start])
    return bool(version) and _NUMBERED.fullmatch(text[one.start : one.end]) is not None


def _after_modality(text: str, one: Removed, profile: Profile, guard: Guard) -> Iterator[str]:
    """Yield what stands for a stretch: in ``MR BRAIN SMITH`` only the second word is a name."""
    if one.kind != "NAME" or not _MODALITY.fullmatch(text[: one.start]):
        yield one.replacement
        return
    words = _WORDS.findall(text[one.start : one.end])
    known = 0
    while known < len(words) and profile.vocabulary.knows(words[known]):
        if guard.refuses(words[known], "LO"):
            break
        known += 1
    yield "".join(words[:known])
    if known < len(words):
        yield one.replacement


def _without_graded_names(text: str, profile: Profile) -> str:
    """Return text without names that only a number makes a term: ``CT chest Smith 2``.

    In a report that is a fracture of type 2; in a few words, where nothing says of what, it may be
    a patient. What is said stands within two words: ``Garden 3 fracture``.
    """
    tokens, lists = tokens_of(text), eponyms()
    for at, token in reversed(list(enumerate(tokens))):
        told = any(after.folded in lists.heads for after in tokens[at + 1 : at + 3])
        beside = text[max(token.start - 1, 0) : token.start] + text[token.end : token.end + 1]
        joined = "-" in beside or token.text[-2:-1] in _APOSTROPHES
        weak = token.folded in lists.with_head and token.folded not in lists.alone
        if weak and not (told or joined or profile.vocabulary.knows(token.text)):
            text = f"{text[: token.start]}[NAME]{text[token.end :]}"
    return text


def _without_people(text: str, guard: Guard) -> str:
    """Return text with a label in place of words that are this instance's people's."""
    parts = _LABEL.split(text)
    labels = [*_LABEL.findall(text), ""]
    cleaned = (
        "".join("[NAME]" if guard.knows_person(word) else word for word in _WORDS.findall(part))
        for part in parts
    )
    return "".join(part + label for part, label in zip(cleaned, labels, strict=True))


def people_of(source: Dataset) -> KnownPeople:
    """Return the people that an instance names, without decoding anything of ``source`` itself."""
    return known_people(_copied(source, None) or Dataset())


def _copied(source: Dataset, inherited: Element | None) -> Dataset | None:
    """Return what tells of people in a data set, at every depth; None when nothing does.

    A copy, since pydicom changes a data set when it decodes its values.
    """
    found: dict[BaseTag, Element] = {}
    character_set = source.get_item(_CHARACTER_SET) or inherited
    for tag in tags(source):
        element = source.get_item(BaseTag(tag))
        if element.VR == "SQ":
            inner = [_copied(item, character_set) for item in items_of(source, tag)]
            items = [item for item in inner if item is not None]
            if items:
                found[BaseTag(tag)] = DataElement(tag, "SQ", Sequence(items))
        elif tag in telling_tags() or "PN" in (element.VR, entry(tag).vr):
            found[BaseTag(tag)] = element
    if found and character_set is not None:
        found[BaseTag(_CHARACTER_SET)] = character_set
    return Dataset(found) if found else None


@cache
def telling_tags() -> frozenset[int]:
    """Return the elements that the text room asks for beside person names."""
    keywords = (row["keyword"] for row in table("known_elements.csv"))
    return frozenset(tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None)


def _ascii(text: str) -> str:
    """Return text without accents; what ASCII cannot show is a question mark."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain.encode("ascii", "replace").decode("ascii")


def _fitted(text: str, most: int) -> str:
    """Return text that is short enough for its VR, without a label that is cut in two."""
    if len(text) <= most:
        return text
    cut = text[:most]
    open_label = cut.rfind("[")
    return (cut[:open_label] if open_label > cut.rfind("]") else cut).rstrip()

"""Exchange the names, places and eponyms of annotated reports at random, so that none is learned.

A name becomes a proper name of SCOWL, an English word with a capital, an eponym or an invented
word; an eponym in a clinical term becomes one of them as well. What is left to learn is the
context.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from random import Random

from imagehaven.deidentify.text.detect.vocabulary import vocabulary
from imagehaven.deidentify.text.naming.eponyms import eponyms
from imagehaven.synth.reports import Report
from training.text_tagger.places import place_name

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LABELS = {"age": "age", "place": "place", "hospital": "place", "organisation": "place"}
_LABELS |= {"address": "place"}
#: The share of names that are written in another form than their style has.
_RESHAPED = 0.18
_KEPT = frozenset({"von", "van", "de", "le", "and", "of", "the", "or"})


@dataclass(frozen=True)
class Pools:
    """Words that names are taken from, lower case: proper names, words, eponyms, drugs."""

    proper: tuple[str, ...]
    words: tuple[str, ...]
    eponyms: tuple[str, ...]
    drugs: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """A text and what stands in it: start, end, label (see the tagger's LABELS)."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def pools(scowl: Path) -> Pools:
    """Read the pools: the proper names of SCOWL's lists, and the lists of the package."""
    proper: set[str] = set()
    for path in sorted(scowl.iterdir()):
        if re.search(r"-(?:proper-names|upper)\.(?:35|40|50|60|70|80)$", path.name):
            proper |= {w.removesuffix("'s") for w in path.read_text("latin-1").split()}
    shaped = {word.lower() for word in proper if word.isalpha() and word[1:].islower()}
    safe = vocabulary().safe
    words = {w for w in vocabulary().names & safe if 2 < len(w) < 10}
    drugs = {w for w in safe if w.endswith(("mab", "nib", "olol", "pril", "statin", "cillin"))}
    lists = eponyms()
    return Pools(
        tuple(sorted(w for w in shaped if 2 < len(w) < 13)),
        tuple(sorted(words)),
        tuple(sorted(w for w in lists.alone | lists.with_head if w.isalpha() and len(w) > 2)),
        tuple(sorted(drugs)),
    )


def varied(report: Report, lists: Pools, rng: Random, *, share: float = 0.85) -> Example:
    """Return the report with its names and places exchanged, each by the chance ``share``."""
    spans = [(s.start, s.end, s.kind, s.hard) for s in (*report.identifiers, *report.clinical)]
    names: dict[str, str] = {}
    pieces: list[str] = []
    found: list[tuple[int, int, str]] = []
    at = length = 0
    for start, end, kind, hard in sorted(spans):
        if start < at:
            continue
        new = report.text[start:end]
        label = "identifier"
        if kind.startswith("name-"):
            label = "name"
            if "initials" in hard:
                new = _initials(new, rng)
            elif rng.random() < _RESHAPED:
                new = _reshaped(new, lists, rng)
            else:
                new = _named(new, names, lists, rng)
        elif kind in _LABELS:
            label = _LABELS[kind]
            if kind in {"hospital", "organisation", "place"} and rng.random() < share:
                new = _like(place_name(kind, lambda: _name(lists, rng), rng), new, rng)
        elif (start, end, kind) in _clinical(report):
            label = "term"
            if kind in {"eponym", "score", "anatomy"} and rng.random() < 0.45:
                new = _other_term(new, kind, lists, rng)
        pieces += (report.text[at:start], new)
        length += start - at
        found.append((length, length + len(new), label))
        length += len(new)
        at = end
    pieces.append(report.text[at:])
    return _recased(Example("".join(pieces), tuple(found)), rng)


def _clinical(report: Report) -> set[tuple[int, int, str]]:
    return {(s.start, s.end, s.kind) for s in report.clinical}


def _recased(example: Example, rng: Random) -> Example:
    """Return some texts in capitals, some without any."""
    turn = rng.random()
    text = example.text
    if turn < 0.06 and len(text.upper()) == len(text):
        text = text.upper()
    elif turn > 0.97 and len(text.lower()) == len(text):
        text = text.lower()
    return Example(text, example.spans)


def _name(lists: Pools, rng: Random) -> str:
    """Return a name with a capital."""
    turn = rng.random()
    if turn < 0.52:
        name = rng.choice(lists.proper)
    elif turn < 0.72:
        name = rng.choice(lists.words)
    elif turn < 0.82:
        name = rng.choice(lists.eponyms)
    else:
        one, other = rng.choice(lists.proper), rng.choice(lists.proper)
        name = one[: max(2, len(one) // 2)] + other[len(other) // 2 :]
    if turn > 0.96:
        return rng.choice(("Mc", "Mac", "O'", "Fitz")) + name.capitalize()
    return name.capitalize()


def _named(old: str, names: dict[str, str], lists: Pools, rng: Random) -> str:
    """Return a name with each of its words exchanged, in the case of the old one."""

    def exchange(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) == 1:
            return rng.choice("ABCDEFGHIJKLMNOPRSTUVW") if word.isupper() else word
        new = names.setdefault(word.lower(), _name(lists, rng))
        return new.upper() if word.isupper() else new.lower() if word.islower() else new

    return _WORD.sub(exchange, old)


def _reshaped(old: str, lists: Pools, rng: Random) -> str:
    """Return a name in any form: initials, a family name alone, the family name first."""
    given, middle, family = (_name(lists, rng) for _ in range(3))
    forms = (
        f"{given[0]}{family[0]}",
        f"{given[0]}{middle[0]}{family[0]}",
        f"{given[0]}.{family[0]}.",
        f"{given[0]} {family}",
        f"{given[0]}. {family}",
        f"{family} {given[0]}",
        f"{family}, {given}",
        f"{family.upper()}, {given}",
        f"{given} {family}",
        f"{given} {middle} {family}",
        f"{given} {middle[0]} {family}",
        f"{given}-{middle} {family}",
        f"{given} {middle}-{family}",
        given,
        family,
    )
    new = rng.choice((*forms[:2], *forms[:2], *forms))
    return new.upper() if old.isupper() else new.lower() if old.islower() else new


def _initials(old: str, rng: Random) -> str:
    letters = "ABCDEFGHIJKLMNOPRSTUVW"
    made = "".join(rng.choice(letters) for _ in range(rng.choice((2, 2, 2, 3, 3, len(old)))))
    return made.lower() if old.islower() else made


def _like(new: str, old: str, rng: Random) -> str:
    """Return a place in the case of the old one, and broken over lines where that was."""
    if old.isupper() and len(old) > 3:
        new = new.upper()
    elif old.islower():
        new = new.lower()
    gaps = [at for at, letter in enumerate(new) if letter == " "]
    if "\n" in old and gaps:
        at = rng.choice(gaps)
        new = new[:at] + "\n" + new[at + 1 :]
    return new


def _other_term(old: str, kind: str, lists: Pools, rng: Random) -> str:
    """Return a term with its eponym, its drug or its letters exchanged."""

    def exchange(match: re.Match[str]) -> str:
        word = match[0]
        bare = word.removesuffix("'s").removesuffix("'S")
        rest = word[len(bare) :]
        if bare.lower() in _KEPT or len(bare) < 3 or bare.islower():
            return word
        if bare.isupper():
            if kind == "score" and not old.isupper():
                return "".join(rng.choice("ABCDEFGHIKLMNOPRSTV") for _ in bare) + rest
            return word
        return _name(lists, rng) + rest

    return _WORD.sub(exchange, old)

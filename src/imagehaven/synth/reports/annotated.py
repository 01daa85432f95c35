"""A text with spans, grown piece by piece so that the two cannot drift apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

IDENTIFIER_KINDS = (
    "name-patient", "name-relative", "name-staff", "date", "age", "chi", "nhs", "phone", "email",
    "postcode", "address", "place", "hospital", "organisation", "accession", "id", "staff-number",
    "url", "uid",
)  # fmt: skip
"""Classes of identifiers. ``age`` is an age over 89; ``place`` a town; ``hospital`` a hospital or
department by name, ``organisation`` a practice, board or care home; ``id`` a number of a record
or a device; ``staff-number`` one of a professional register (GMC, HCPC, NMC)."""

CLINICAL_KINDS = {
    "a": "anatomy", "f": "finding", "m": "measurement", "d": "drug", "s": "score", "e": "eponym",
    "t": "technique", "n": "number", "w": "word",
}  # fmt: skip
"""Clinical terms by the letter that marks them in a template (``[a:left hilum]``). ``number`` is a
series, an image or an age that must stay; ``word`` an everyday word that is somebody's name too."""


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of a text: a kind, and the hard cases that it is."""

    start: int
    end: int
    kind: str
    hard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of text; ``kind`` is empty for plain words."""

    text: str
    kind: str = ""
    hard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Annotated:
    """A finished text with its spans in order."""

    text: str
    spans: tuple[Span, ...]

    def of(self, kinds: Sequence[str]) -> tuple[Span, ...]:
        """Return the spans of some kinds."""
        return tuple(span for span in self.spans if span.kind in kinds)

    def rewritten(self, letters: Sequence[str], hard: str) -> Annotated:
        """Return the text with each character replaced by its entry in ``letters``.

        An entry may be empty or longer than one character; spans follow, and those whose text
        changed are marked with the hard case ``hard``.
        """
        places = [0]
        for letter in letters:
            places.append(places[-1] + len(letter))
        spans = []
        for span in self.spans:
            changed = "".join(letters[span.start : span.end]) != self.text[span.start : span.end]
            more = (hard,) if changed else ()
            spans.append(Span(places[span.start], places[span.end], span.kind, (*span.hard, *more)))
        return Annotated("".join(letters), tuple(spans))


@dataclass
class Draft:
    """A text in the making."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)

    def put(self, piece: Piece) -> None:
        """Add a piece at the end."""
        if piece.kind and piece.text:
            place = len(self.text)
            self.spans.append(Span(place, place + len(piece.text), piece.kind, piece.hard))
        self.text += piece.text

    def mark(self, start: int, kind: str) -> None:
        """Mark everything from ``start`` to the end."""
        self.spans.append(Span(start, len(self.text), kind))

    def done(self) -> Annotated:
        """Return the finished text."""
        return Annotated(self.text, tuple(sorted(self.spans, key=lambda span: span.start)))

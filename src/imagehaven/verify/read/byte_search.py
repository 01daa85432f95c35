"""Search of raw bytes: for known identifiers in every encoding, and for runs of readable text.

It finds what no reader of elements shows: bytes after the data set, padding, elements that the
parser dropped, text in binary values, text in another character set than the file declares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from imagehaven.verify.detect.text import fold, squeeze, words
from imagehaven.verify.known.identifier import Identifier
from imagehaven.verify.known.identifiers import KnownIdentifiers
from imagehaven.verify.known.matcher import is_distinctive
from imagehaven.verify.read.layout import Bytes
from imagehaven.verify.read.native import reader

CHUNK: Final = 1 << 20
OVERLAP: Final = 512
_SHORTEST_WORD: Final = 4
_SHORTEST_ID: Final = 6
_SHORTEST_UID: Final = 12
_SHORTEST_RUN: Final = 5
_SHORTEST_ENCODED: Final = 4
_MOST_TERMS: Final = 20_000
# PS3.3 C.12.1.1.2: the encodings of Specific Character Set, with UTF-16 as vendors' blobs use it.
_ENCODINGS: Final = (
    "utf-8",
    "latin-1",
    "iso8859-2",
    "iso8859-5",
    "iso8859-7",
    "iso8859-6",
    "iso8859-8",
    "iso8859-9",
    "tis-620",
    "shift_jis",
    "euc_jp",
    "iso2022_jp",
    "iso2022_kr",
    "euc_kr",
    "gb18030",
    "big5",
    "utf-16-le",
    "utf-16-be",
)
_ESCAPES = re.compile(rb"\x1b[$(),\-.\\/][\x20-\x2f]?[@-~]|[\x0e\x0f]")
_GAP: Final = rb"[ \-_./^,\x00]{0,3}"
_WORD_END: Final = rb"(?![a-z])"
_UID = re.compile(rb"[0-9]+(?:\.[0-9]+){3,}")
_DIGIT_END: Final = rb"(?![0-9])"
_ASCII_RUN = re.compile(rb"[\t\n\r\x20-\x7e]{5,}")
_WIDE_RUNS = (
    re.compile(rb"(?:[\t\n\r\x20-\x7e]\x00){5,}"),
    re.compile(rb"(?:\x00[\x20-\x7e]){5,}"),
)


class Hit(NamedTuple):
    """A known identifier at a byte offset."""

    offset: int
    length: int
    identifier: Identifier


class _Terms(NamedTuple):
    folded: re.Pattern[bytes] | None
    raw: re.Pattern[bytes] | None
    identifiers: dict[bytes, Identifier]
    uids: dict[str, Identifier]
    words: Any


def known_in_bytes(data: Bytes, start: int, end: int, known: KnownIdentifiers) -> Iterator[Hit]:
    """Yield the known identifiers between two offsets of ``data``.

    Lower and upper case are the same; single bytes, UTF-16 and the encodings of DICOM's character
    sets are looked for. Shifted dates can equal another original date by accident, so of the dates
    only the birth date is looked for here.
    """
    whose = known.history or known
    terms: _Terms = whose.kept.get("bytes") or whose.kept.setdefault("bytes", _terms(whose))
    if terms.words is not None and not terms.words.may_be_in(data, start, end):
        return  # the compiled reader sees in one pass that there is nothing to be found
    yield from _hits_of(terms, data, start, end)


def _hits_of(terms: _Terms, data: Bytes, start: int, end: int) -> Iterator[Hit]:
    for offset, chunk in _chunks(data, start, end):
        if terms.folded:
            yield from _hits(terms, chunk.lower(), offset, 1)
            for pattern in _WIDE_RUNS if b"\0" in chunk else ():
                for run in pattern.finditer(chunk):
                    narrow = run.group().replace(b"\0", b"").lower()
                    # Before a run's first letter may stand a byte that belongs to something else.
                    yield from _hits(terms, narrow, offset + run.start(), 2)
                    yield from _hits(terms, narrow[1:], offset + run.start() + 2, 2)
        if terms.raw:
            for match in terms.raw.finditer(chunk):
                item = terms.identifiers[match.group()]
                yield Hit(offset + match.start(), len(match.group()), item)


def _chunks(data: Bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    for offset in range(start, end, CHUNK):
        yield offset, data[offset : min(offset + CHUNK + OVERLAP, end)]


def _hits(terms: _Terms, text: bytes, offset: int, step: int) -> Iterator[Hit]:
    position = 0
    while terms.folded and (match := terms.folded.search(text, position)):
        start, found = match.start(), match.group()
        item = terms.identifiers.get(_plain(found))
        if item and _starts_there(text, start):
            yield Hit(offset + start * step, len(found) * step, item)
            position = match.end()
        else:
            position = start + 1
    for match in _UID.finditer(text) if terms.uids else ():
        uid = match.group().decode("ascii")
        while uid.count(".") >= 3:
            if item := terms.uids.get(uid):
                yield Hit(offset + match.start() * step, len(uid) * step, item)
                break
            uid = uid.rpartition(".")[0]


def _starts_there(text: bytes, start: int) -> bool:
    """Tell whether a word or number starts at ``start``, and is no tail of a longer one.

    A look-behind in the pattern would say the same at a tenth of the speed.
    """
    before, first = text[max(0, start - 2) : start], text[start : start + 1]
    if first.isdigit():
        return not before[-1:].isdigit() and not (before[-1:] == b"." and before[:1].isdigit())
    return not before[-1:].isalpha()


def _plain(found: bytes) -> bytes:
    return re.sub(rb"[^a-z0-9]", b"", found)


def _terms(known: KnownIdentifiers) -> _Terms:
    identifiers: dict[bytes, Identifier] = {}
    folded: dict[bytes, None] = {}
    raw: dict[bytes, None] = {}
    for item in sorted(known.items, key=lambda i: (i.kind, i.text, i.path)):
        for pattern in _ascii_terms(item):
            folded.setdefault(pattern)
            # Terms are single letters and digits with gaps: plain text is the key to the item.
            identifiers.setdefault(_plain(_without_syntax(pattern)), item)
        for encoded in _encoded_terms(item):
            raw.setdefault(encoded)
            identifiers.setdefault(encoded, item)
    long_uids = (i for i in known.items if i.kind == "uid" and len(i.text) >= _SHORTEST_UID)
    uids = {i.text: i for i in sorted(long_uids, key=lambda i: i.path)}
    patterns = _alternation(folded), _alternation(map(re.escape, raw))
    core = reader()
    words = core and core.Words((*identifiers, *(uid.encode() for uid in uids)))
    return _Terms(*patterns, identifiers, uids, words)


def _without_syntax(pattern: bytes) -> bytes:
    for syntax in (_GAP, _WORD_END, _DIGIT_END):
        pattern = pattern.replace(syntax, b"")
    return pattern


def _alternation(terms: Iterable[bytes]) -> re.Pattern[bytes] | None:
    # Longest first, so that a name in full is told rather than its first part.
    ordered = sorted(set(terms), key=lambda t: (-len(t), t))[:_MOST_TERMS]
    return re.compile(b"|".join(ordered)) if ordered else None


def _ascii_terms(item: Identifier) -> Iterator[bytes]:
    """Yield patterns over lower-case bytes for the part of an identifier that is ASCII."""
    if item.kind == "uid":
        return
    if item.kind == "date":
        if item.group == "patient":
            yield item.text.encode()
    elif item.kind == "id":
        number = squeeze(item.text)
        if number.isascii() and len(number) >= _SHORTEST_ID:
            body = _GAP.join(bytes([b]) for b in number.encode())
            yield (body + _DIGIT_END) if number[0].isdigit() else body
    elif item.kind == "person":
        yield from _name_terms([w for w in words(item.text) if w.isascii() and w.isalpha()])
    else:
        parts = words(item.text)
        distinctive = any(is_distinctive(p) and len(p) > 3 for p in parts)
        if distinctive and len(parts) >= 2 and "".join(parts).isascii():
            yield _GAP.join(p.encode() for p in parts) + _WORD_END


def _name_terms(parts: list[str]) -> Iterator[bytes]:
    for part in parts:
        if len(part) >= _SHORTEST_WORD and is_distinctive(part):
            yield part.encode() + _WORD_END
    for left in parts:
        for right in parts:
            if left != right and len(left) + len(right) >= _SHORTEST_ID:
                yield left.encode() + _GAP + right.encode() + _WORD_END


def _encoded_terms(item: Identifier) -> Iterator[bytes]:
    """Yield the encoded forms of an identifier that has letters beyond ASCII."""
    if item.text.isascii() or item.kind not in ("person", "phrase"):
        return
    for part in re.split(r"[\^=\s,]+", item.text):
        if part.isascii() or (not is_distinctive(fold(part)) and len(part) > 2):
            continue
        for written in {part, part.upper(), part.lower(), part.title()}:
            for encoding in _ENCODINGS:
                try:
                    encoded = _ESCAPES.sub(b"", written.encode(encoding))
                except UnicodeEncodeError:
                    continue
                if len(encoded) >= _SHORTEST_ENCODED:
                    yield encoded


def readable_runs(data: Bytes, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of every run of five or more readable characters, 8 or 16 bits wide."""
    if end - start < _SHORTEST_RUN:
        return
    for offset, chunk in _chunks(data, start, end):
        for match in _ASCII_RUN.finditer(chunk):
            yield offset + match.start(), match.group().decode("ascii")
        for pattern, encoding in zip(_WIDE_RUNS, ("utf-16-le", "utf-16-be"), strict=True):
            for match in pattern.finditer(chunk):
                yield offset + match.start(), match.group().decode(encoding)

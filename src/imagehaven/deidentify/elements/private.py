"""Private elements: kept only from the known-safe list, in blocks numbered anew.

A private element is what its creator says (PS3.5 section 7.8.1): the same number means something
else in another block. An element without creator, or of one that the list does not name, is
removed. Kept blocks are renumbered from 10 in the order of their creators, so that neither gaps nor
order tell which private elements were there before.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imagehaven.deidentify.elements.stored import Element, stored
from imagehaven.deidentify.rulebook.table import SafePrivate, safe_private

FIRST_BLOCK = 0x10


@dataclass(frozen=True)
class Kept:
    """A private element to keep: its source, its new tag and the VR of the list."""

    source: Element
    tag: int
    row: SafePrivate


def safe_elements(
    dataset: Dataset, tags: list[int], *, little: bool = True
) -> tuple[list[Kept], dict[int, str]]:
    """Return the safe ones among the private ``tags`` of one data set, and their new creators.

    The creators are ``{tag: creator}``, and belong in the data set with the elements.
    """
    creators = _creators(dataset, tags)
    safe: list[tuple[SafePrivate, int]] = []
    for tag in tags:
        creator = creators.get(tag >> 8)
        row = safe_private().get((creator, tag >> 16, tag & 0xFF)) if creator else None
        if row is not None and tag & 0xFF00:
            safe.append((row, tag))
    blocks: dict[tuple[int, str], int] = {}
    for group, creator in sorted({(row.group, row.creator) for row, _ in safe}):
        used = sum(1 for known, _ in blocks if known == group)
        blocks[group, creator] = FIRST_BLOCK + used
    kept: dict[int, Kept] = {}
    for row, tag in safe:
        new = row.group << 16 | blocks[row.group, row.creator] << 8 | row.element
        # A creator reserved twice may hold an element twice: the first one stands.
        element = stored(dataset, tag, little=little)
        if element is not None:
            kept.setdefault(new, Kept(element, new, row))
    names = {group << 16 | block: creator for (group, creator), block in blocks.items()}
    return list(kept.values()), names


def _creators(dataset: Dataset, tags: list[int]) -> dict[int, str]:
    """Return the creator of each reserved block, by the upper 24 bits of its elements' tags."""
    found: dict[int, str] = {}
    for tag in tags:
        if FIRST_BLOCK <= tag & 0xFFFF <= 0xFF:
            element = stored(dataset, tag)
            value = element.value if element is not None else b""
            if isinstance(value, bytes):
                text = value.decode("ascii", "replace").strip(" \0")
                found[(tag >> 16) << 8 | tag & 0xFF] = text
    return found

"""Make the examples that the tagger is trained on, and the list of common words that it knows.

python -m training.text_tagger.examples SCOWL OUT.npz --splits train dev --count 12000
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from imagehaven.deidentify.text.detect.vocabulary import Word, judge
from imagehaven.deidentify.text.tagging.pieces import COLUMNS, SIZES, pieces_of, rows_of
from imagehaven.deidentify.text.tagging.tagger import LABELS
from imagehaven.deidentify.text.words import fold
from imagehaven.synth.reports import make_report
from training.text_tagger.variation import Example, Pools, pools, varied

#: The share of examples of which only a stretch is kept.
_CROPPED = 0.25
WORDS = Path("src/imagehaven/deidentify/text/data/words/tagger.txt")


def reports(
    split: str, count: int, lists: Pools, seed: int, *, share: float = 0.85
) -> list[Example]:
    """Return varied reports of a split."""
    rng = Random(seed)
    made = [varied(make_report(seed, at, split), lists, rng, share=share) for at in range(count)]
    return [cropped(one, rng) if share and rng.random() < _CROPPED else one for one in made]


def cropped(example: Example, rng: Random) -> Example:
    """Return a stretch of an example from one line or sentence to another, as short texts are."""
    ends = [m.end() for m in re.finditer(r"\n+|[.;:] ", example.text)]
    inside = {at for start, end, _ in example.spans for at in range(start + 1, end)}
    cuts = [0, *(end for end in ends if end not in inside), len(example.text)]
    first = rng.randrange(len(cuts) - 1)
    last = rng.randrange(first + 1, min(len(cuts), first + 12))
    start, end = cuts[first], cuts[last]
    spans = tuple(
        (one - start, other - start, label)
        for one, other, label in example.spans
        if start <= one and other <= end
    )
    return Example(example.text[start:end].rstrip(), spans)


def common_words(examples: list[Example]) -> list[str]:
    """Return the words that stand outside names in several texts and that are known to be safe."""
    found: Counter[str] = Counter()
    for example in examples:
        inside = [False] * len(example.text)
        for start, end, label in example.spans:
            if label != "term":
                inside[start:end] = [True] * (end - start)
        found.update(
            {
                fold(piece.text)
                for piece in pieces_of(example.text)
                if piece.text[0].isalpha() and not inside[piece.start]
            }
        )
    known = [
        word
        for word, count in found.most_common()
        if count > 5 and word.isalpha() and word.isascii() and judge(word) is not Word.UNKNOWN
    ]
    return sorted(known[: SIZES[0] - 2])


def encoded(example: Example) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Return the rows of an example and the number of each piece's label."""
    pieces = pieces_of(example.text)
    labels = np.zeros(len(pieces), np.int8)
    owner = np.zeros(len(example.text) + 1, np.int8)
    for start, end, label in example.spans:
        owner[start:end] = LABELS.index(label)
    for at, piece in enumerate(pieces):
        labels[at] = owner[piece.start]
    return rows_of(example.text, pieces).astype(np.int16), labels


def save(examples: list[Example], path: Path) -> None:
    """Write the examples as one array of rows, their labels and where each text ends."""
    parts = [encoded(example) for example in examples]
    rows = np.concatenate([rows for rows, _ in parts]) if parts else np.zeros((0, COLUMNS))
    labels = np.concatenate([labels for _, labels in parts])
    ends = np.cumsum([len(labels) for _, labels in parts])
    np.savez(path, rows=rows, labels=labels, ends=ends)


def main() -> None:
    """Write the examples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scowl", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--splits", nargs="+", default=["train", "dev", "validation"])
    parser.add_argument("--count", type=int, default=12_000, help="reports of the first split")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--share", type=float, default=0.85)
    parser.add_argument("--words", action="store_true", help="write the list of common words too")
    wish = parser.parse_args()
    lists = pools(wish.scowl)
    examples: list[Example] = []
    for at, split in enumerate(wish.splits):
        count = wish.count if at == 0 else wish.count // 5
        examples += reports(split, count, lists, wish.seed + at, share=wish.share)
    if wish.words:
        words = common_words(examples)
        WORDS.write_text("\n".join(words) + "\n", encoding="ascii")
    save(examples, wish.out)


if __name__ == "__main__":
    main()

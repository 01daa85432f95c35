"""Train the tagger on examples and write it as ONNX.

python -m training.text_tagger.train EXAMPLES.npz OUT.onnx --rounds 4 --check HELD.npz
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from imagehaven.deidentify.text.tagging.pieces import COLUMNS, SIZES
from imagehaven.deidentify.text.tagging.tagger import LABELS
from training.text_tagger.network import Shares, Tagger

_BATCH = 32
#: How often a piece's word, ends and lists are hidden from the network.
_HIDDEN = 0.15


def batches(
    rows: NDArray[np.int16], labels: NDArray[np.int8], ends: NDArray[np.int64], seed: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return texts of like length together, padded; a padded piece has the label -1."""
    order = np.random.default_rng(seed)
    starts = np.concatenate([[0], ends[:-1]])
    by_length = np.argsort(ends - starts + order.integers(0, 25, len(ends)))
    groups = [by_length[at : at + _BATCH] for at in range(0, len(by_length), _BATCH)]
    order.shuffle(groups)
    made = []
    for group in groups:
        longest = max(ends[one] - starts[one] for one in group)
        padded = np.zeros((len(group), longest, COLUMNS), np.int16)
        truth = np.full((len(group), longest), -1, np.int64)
        for at, one in enumerate(group):
            length = ends[one] - starts[one]
            padded[at, :length] = rows[starts[one] : ends[one]]
            truth[at, :length] = labels[starts[one] : ends[one]]
        made.append((torch.from_numpy(padded).int(), torch.from_numpy(truth)))
    return made


def hidden(rows: torch.Tensor) -> torch.Tensor:
    """Return rows of which some lack their word, their ends or their lists."""
    rows = rows.clone()
    for columns in ((0,), (1, 2, 3), (6,), (7, 8)):
        gone = torch.rand(rows.shape[:2]) < _HIDDEN
        for column in columns:
            rows[..., column][gone] = 0
    return rows


def measured(tagger: Tagger, path: Path) -> str:
    """Return how much of each label the tagger finds, and how much of it is right."""
    held = np.load(path)
    right, truly, told = (np.zeros(len(LABELS)) for _ in range(3))
    tagger.eval()
    with torch.no_grad():
        for rows, truth in batches(held["rows"], held["labels"], held["ends"], 0):
            best = tagger(rows, (truth >= 0).float()).argmax(2)
            for label in range(len(LABELS)):
                right[label] += int(((best == label) & (truth == label)).sum())
                truly[label] += int((truth == label).sum())
                told[label] += int(((best == label) & (truth >= 0)).sum())
    tagger.train()
    return "  ".join(
        f"{name} {right[at] / max(1, truly[at]):.4f}/{right[at] / max(1, told[at]):.4f}"
        for at, name in enumerate(LABELS)
    )


def train(
    path: Path, *, rounds: int, rate: float, seed: int, check: Path | None, start: Path | None
) -> Tagger:
    """Return a tagger trained for some rounds over the examples, going on from ``start``."""
    torch.manual_seed(seed)
    data = np.load(path)
    rows, labels, ends = data["rows"], data["labels"], data["ends"]
    tagger = Tagger()
    if start:
        tagger.load_state_dict(torch.load(start))
    steps = rounds * -(-len(ends) // _BATCH)
    optimiser = torch.optim.AdamW(tagger.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps + 1)
    begun = time.monotonic()
    for turn in range(rounds):
        total = 0.0
        made = batches(rows, labels, ends, seed + turn)
        for at, (some, truth) in enumerate(made):
            scores = tagger(hidden(some), (truth >= 0).float())
            loss = functional.cross_entropy(
                scores.reshape(-1, len(LABELS)), truth.reshape(-1), ignore_index=-1
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
            if at % 50 == 49:
                print(
                    turn,
                    at + 1,
                    f"{total / 50:.4f}",
                    f"{time.monotonic() - begun:.0f} s",
                    flush=True,
                )
                total = 0.0
        print(f"round {turn}: {measured(tagger, check) if check else ''}", flush=True)
    return tagger


def export(tagger: Tagger, path: Path) -> None:
    """Write the tagger as ONNX, for one text of any number of pieces."""
    example = torch.zeros((7, COLUMNS), dtype=torch.int32)
    torch.onnx.export(
        Shares(tagger).eval(),
        (example,),
        path,
        input_names=["rows"],
        output_names=["shares"],
        dynamic_axes={"rows": {0: "pieces"}, "shares": {0: "pieces"}},
        dynamo=False,
    )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    parser.add_argument("--check", type=Path)
    wish = parser.parse_args()
    print(f"{sum(SIZES)} values in tables")
    tagger = train(
        wish.examples,
        rounds=wish.rounds,
        rate=wish.rate,
        seed=wish.seed,
        check=wish.check,
        start=wish.start,
    )
    torch.save(tagger.state_dict(), wish.out.with_suffix(".pt"))
    export(tagger, wish.out)


if __name__ == "__main__":
    main()

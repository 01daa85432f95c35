"""Train the text detector and write its weights.

    python -m training.text_detector.train BACKGROUNDS OUT.onnx [--steps 9000] [--seed 3]

One thread; examples are made as they are needed, each from the seed and its number, and half of a
batch is drawn again from the last few hundred. The same seed, fonts, frames and number of steps
give the same network on the same processor.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.text_detector.export import export
from training.text_detector.network import MARGIN, TextNetwork
from training.text_detector.render import Array, Backgrounds, Example, backgrounds, example

SIZE = 256
KEPT = 800


class Batches:
    """Batches of which one half is new and the other was made before."""

    def __init__(self, seed: int, count: int, known: Backgrounds):
        self.seed, self.count, self.known = seed, count, known
        self.made: list[Example] = []

    def at(self, step: int) -> tuple[Tensor, ...]:
        """Return images, targets and weights of one step."""
        chance = np.random.default_rng((self.seed, step))
        new = self.count // 2 if self.made else self.count
        for number in range(new):
            own = np.random.default_rng((self.seed, step, number))
            self.made.append(example(own, self.known, SIZE))
        chosen = self.made[-new:]
        self.made = self.made[-KEPT:]
        chosen += [self.made[i] for i in chance.integers(0, len(self.made), self.count - new)]
        images = np.stack([_varied(chance, one.image) for one in chosen])
        text = np.stack([one.text for one in chosen])
        counts = np.stack([one.counts for one in chosen])
        planes = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        planes = torch.nn.functional.pad(planes, (MARGIN,) * 4, mode="replicate")
        return planes, torch.from_numpy(text)[:, None], torch.from_numpy(counts)[:, None]


def _varied(chance: np.random.Generator, image: Array) -> Array:
    """Return an image inverted or not, and its colours in another order."""
    image = image[..., chance.permutation(3)]
    return 255 - image if chance.random() < 0.5 else image


def loss_of(logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """Return cross entropy, focused on what is still wrong, plus one minus the overlap (Dice)."""
    likely = torch.sigmoid(logits)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    off = (targets - likely).abs().detach()
    weight = counts * (0.15 + off) * (1 + 2 * targets)
    focused = (weight * plain).sum() / (counts.sum() + 1)
    shared = (likely * targets * counts).sum()
    total = ((likely + targets) * counts).sum()
    return 8 * focused + 1 - (2 * shared + 1) / (total + 1)


def train(options: argparse.Namespace) -> None:
    """Train for the steps asked for, and keep the running mean of the weights."""
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    batches = Batches(options.seed, options.batch, backgrounds(options.backgrounds))
    network = TextNetwork().to(memory_format=torch.channels_last).train()
    if options.start:
        _go_on(network, torch.load(options.start))
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-4)
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    started, losses = time.monotonic(), []
    for step in range(options.steps):
        rate = options.rate * _share_of_rate(step, options.steps, options.fall)
        for group in optimiser.param_groups:
            group["lr"] = rate
        images, targets, counts = batches.at(step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), targets, counts)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        keep = 1 - 1 / (1 + min(step, options.steps // 20))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                mean[name].mul_(keep).add_(value, alpha=1 - keep)
        losses.append(float(loss))
        if step % 100 == 99:
            spent = (time.monotonic() - started) / 60
            print(
                f"step {step + 1}: loss {np.mean(losses[-100:]):.4f}, {spent:.1f} min", flush=True
            )
        if step % 250 == 249 or step + 1 == options.steps:
            torch.save(network.state_dict(), options.out.with_suffix(".pt"))
            averaged = TextNetwork()
            averaged.load_state_dict(mean)
            export(averaged.eval(), options.out)


def _share_of_rate(step: int, steps: int, fall: float) -> float:
    """Return the rate's share: it rises, stays, and falls over the last ``fall`` of all steps."""
    falling = max(0.0, step - (1 - fall) * steps) / max(1.0, fall * steps)
    return min(1.0, (step + 1) / 100) * (0.01 + 0.99 * (1 - falling) ** 1.5)


def _go_on(network: TextNetwork, known: dict[str, Tensor]) -> None:
    """Take over known weights, into a corner of those that have grown since."""
    own = network.state_dict()
    with torch.no_grad():
        for name, value in known.items():
            if own[name].shape != value.shape and value.ndim == 4:
                own[name][: value.shape[0], value.shape[1] :] *= 0.1
            corner = tuple(slice(0, side) for side in value.shape)
            own[name][corner] = value


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backgrounds", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--fall", type=float, default=0.4, help="the share in which it falls")
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    train(parser.parse_args())


if __name__ == "__main__":
    main()

"""The detector: a small fully convolutional network, from a frame to a map of text at a quarter.

Comes in: 1 x 3 x (rows + 4) x (columns + 4), grey levels 0 to 255: a frame, both of whose sides
are multiples of 32, with MARGIN pixels more on each side. Goes out: 1 x 1 x rows/4 x columns/4, how
likely each cell shows text. The three planes are a picture's colours, or one grey picture in three
windows: text may show in any of them.

Full convolutions where the map is coarse and plain ones where it is fine keep a pixel at about
1,500 multiplications. The widths are small because text differs from anatomy by its fine texture;
the coarse levels only have to tell a ruler or a trabecula from a line of letters. All are multiples
of 16, to which the runtime would fill them up.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MARGIN = 2
"""Pixels around the frame that the first convolution reaches."""


class Unit(nn.Sequential):
    """A convolution, its normalisation, and a rectifier."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Edges(nn.Module):
    """The first convolution: blind to brightness, and nearly as strong for faint edges as for hard.

    Its filters sum to zero, and a response of some grey levels counts almost as much as one of two
    hundred: without this the network learns faint text last and worst. How soon a filter is full
    differs from one to the next, so that together they still tell faint from hard.
    """

    def __init__(self, outputs: int, half_strengths: tuple[float, float] = (6.0, 60.0)):
        super().__init__()
        filters = torch.randn(outputs, 3, 5, 5)
        filters -= filters.mean((2, 3), keepdim=True)
        self.filters = nn.Parameter(filters / filters.abs().sum((1, 2, 3), keepdim=True))
        strengths = torch.logspace(*torch.tensor(half_strengths).log10().tolist(), outputs)
        self.gain = nn.Parameter((1 / strengths).view(1, outputs, 1, 1))

    def forward(self, frame: Tensor) -> Tensor:
        """Return signed responses between -1 and 1 at half the frame's size."""
        filters = self.filters - self.filters.mean((2, 3), keepdim=True)
        return torch.tanh(
            nn.functional.conv2d(frame, filters * self.gain.view(-1, 1, 1, 1), None, 2)
        )


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            Unit(width, width),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels as came in."""
        return torch.relu(x + self.body(x))


class TextNetwork(nn.Module):
    """Encoder to 1/32, decoder back to 1/4."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 80, 80)):
        super().__init__()
        half, quarter, eighth, sixteenth, thirty_second = widths
        self.stem = Edges(half)
        self.quarter = nn.Sequential(Unit(half, quarter, 3, 2), Residual(quarter))
        self.eighth = nn.Sequential(Unit(quarter, eighth, 3, 2), Residual(eighth))
        self.sixteenth = nn.Sequential(Unit(eighth, sixteenth, 3, 2), Residual(sixteenth))
        self.coarsest = nn.Sequential(Unit(sixteenth, thirty_second, 3, 2), Residual(thirty_second))
        self.from_coarsest = Unit(thirty_second, sixteenth, 1)
        self.from_sixteenth = Unit(sixteenth, eighth, 1)
        self.mix_eighth = Unit(eighth, eighth)
        self.from_eighth = Unit(eighth, quarter, 1)
        self.mix_quarter = Unit(quarter, quarter)
        self.head = nn.Conv2d(quarter, 1, 1)
        nn.init.constant_(self.head.bias, -3.0)

    def forward(self, frame: Tensor) -> Tensor:
        """Return logits at a quarter of the frame's size."""
        half = self.stem(frame)
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        coarsest = self.coarsest(sixteenth)
        sixteenth = sixteenth + _twice(self.from_coarsest(coarsest))
        eighth = self.mix_eighth(eighth + _twice(self.from_sixteenth(sixteenth)))
        quarter = self.mix_quarter(quarter + _twice(self.from_eighth(eighth)))
        return self.head(quarter)


def _twice(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")

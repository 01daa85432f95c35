"""The network: tables of what a piece looks like, summed, then dilated convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imagehaven.deidentify.text.tagging.pieces import SIZES
from imagehaven.deidentify.text.tagging.tagger import LABELS

_DEPTH = 64
_WIDTH = 96
_DILATIONS = (1, 2, 4, 8, 16, 1)


class Tagger(nn.Module):
    """Rows of numbers (texts x pieces x columns) in, unnormalised scores of LABELS out."""

    def __init__(self) -> None:
        super().__init__()
        starts = [sum(SIZES[:column]) for column in range(len(SIZES))]
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64))
        self.table = nn.Embedding(sum(SIZES), _DEPTH)
        nn.init.normal_(self.table.weight, std=0.15)
        self.first = nn.Conv1d(_DEPTH, _WIDTH, 1)
        self.layers = nn.ModuleList(
            nn.Conv1d(_WIDTH, _WIDTH, 3, padding=step, dilation=step) for step in _DILATIONS
        )
        self.last = nn.Conv1d(_WIDTH, len(LABELS), 1)
        self.drop = nn.Dropout(0.15)

    def forward(self, rows: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the scores; ``mask`` (texts x pieces) is 0 where a text has ended."""
        looks = self.table(rows.to(torch.int64) + self.starts).sum(2).transpose(1, 2)
        whole = 1.0 if mask is None else mask.unsqueeze(1)
        state = torch.relu(self.first(looks)) * whole
        for layer in self.layers:
            state = (state + self.drop(torch.relu(layer(state)))) * whole
        return self.last(state).transpose(1, 2)


class Shares(nn.Module):
    """What is exported: one text's rows in, shares of LABELS that come to one out."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.tagger = tagger

    def forward(self, rows: Tensor) -> Tensor:
        """Return the shares of each piece (pieces x labels)."""
        return torch.softmax(self.tagger(rows.unsqueeze(0)), 2).squeeze(0)

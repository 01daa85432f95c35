"""Write a trained network as ONNX: weights fixed, rows and columns free multiples of 32."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from training.text_detector.network import MARGIN, TextNetwork


class _Likelihood(nn.Module):
    """What is shipped: likelihoods rather than logits."""

    def __init__(self, network: TextNetwork):
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        return torch.sigmoid(self.network(frame))


def export(network: TextNetwork, path: Path) -> None:
    """Write ``network`` to ``path``; input ``frame``, output ``likelihood``."""
    rows, columns = (
        torch.export.Dim("rows", min=2, max=256),
        torch.export.Dim("columns", min=2, max=256),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Likelihood(network).eval(),
            (torch.zeros(1, 3, 256 + 2 * MARGIN, 320 + 2 * MARGIN),),
            str(path),
            dynamo=True,
            dynamic_shapes=({2: 32 * rows + 2 * MARGIN, 3: 32 * columns + 2 * MARGIN},),
            input_names=["frame"],
            output_names=["likelihood"],
            external_data=False,
            verbose=False,
        )

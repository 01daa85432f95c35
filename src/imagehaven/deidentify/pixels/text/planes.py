"""Look at several grey displays of one frame at once: one in each plane of a colour picture.

The detector takes three planes and finds text that any of them shows; most grey frames have two or
three displays. So a deep image costs one look rather than three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from imagehaven.deidentify.pixels.text.displays import Displayed

_PLANES: Final = 3


def together(shown: Sequence[Displayed]) -> list[Displayed]:
    """Return pictures that show all of the displays: colours first, grey ones three at a time.

    A grey display that is alone stays rows x columns.
    """
    colours = [one for one in shown if one.ndim == 3]
    greys = [one for one in shown if one.ndim == 2]
    groups = [greys[start : start + _PLANES] for start in range(0, len(greys), _PLANES)]
    return colours + [_stacked(group) for group in groups]


def clearest(piece: Displayed) -> Displayed:
    """Return the plane of a picture whose values differ most: the one to be read."""
    if piece.ndim == 2:
        return piece
    plane = int(piece.reshape(-1, piece.shape[2]).std(axis=0).argmax())
    return piece[..., plane]


def _stacked(group: Sequence[Displayed]) -> Displayed:
    if len(group) == 1:
        return group[0]
    return np.stack([*group, *group][:_PLANES], axis=-1)

"""Read the text in boxes, to keep what is proven harmless and to show reviewers what was found.

What the detector is sure of is blanked unless a reading that is sure proves it harmless; where the
detector is not sure, how sure the reader is counts too (:mod:`.second_look`), whatever it reads.
RapidOCR's recognition network reads; its characters are decoded by connectionist temporal
classification (Graves et al. 2006): repeats merged, then blanks dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.deidentify.pixels.text.boxes import Box
from imagehaven.deidentify.pixels.text.networks import shipped_with_rapidocr
from imagehaven.deidentify.pixels.text.planes import clearest

Frame = npt.NDArray[np.uint8]

SURE: Final = 0.9
_HEIGHT: Final = 48
_WIDEST: Final = 1600
_UPRIGHT: Final = 1.5
"""A box this much taller than wide is read turned, to either side."""


def read_text(frame: Frame, boxes: Sequence[Box], *, least: float = SURE) -> list[str]:
    """Return what each box says, in order; an empty string where it was not read surely.

    ``frame`` is rows x columns (x 3), uint8, as displayed. ``least`` is how sure, 0 to 1, the
    least sure character must be; 0 gives the best guess, for review.
    """
    return [text if sure >= least else "" for text, sure in _readings(frame, boxes)]


def sureness(frame: Frame, box: Box) -> float:
    """Return how sure, 0 to 1, the least sure character is of the best reading of a box.

    Of three planes, which may be three displays, the one that shows most is read.
    """
    piece = clearest(frame[box.y : box.bottom, box.x : box.right])
    return _readings(piece, [Box(0, 0, piece.shape[1], piece.shape[0])])[0][1]


def _readings(frame: Frame, boxes: Sequence[Box]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for box in boxes:
        piece = frame[box.y : box.bottom, box.x : box.right]
        if not piece.size:
            found.append(("", 0.0))
            continue
        turns = (1, 3) if box.height >= _UPRIGHT * box.width else (0,)
        found.append(max((_read(np.rot90(piece, turn)) for turn in turns), key=lambda one: one[1]))
    return found


def _read(piece: npt.NDArray[Any]) -> tuple[str, float]:
    colour = piece if piece.ndim == 3 else np.stack([piece] * 3, axis=-1)
    rows, columns = colour.shape[:2]
    width = int(np.clip(round(columns * _HEIGHT / rows), 16, _WIDEST))
    scaled = cv2.resize(np.ascontiguousarray(colour), (width, _HEIGHT))
    planes = (scaled.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
    network = shipped_with_rapidocr("rec")
    (likelihood,) = network.run(None, {"x": planes})
    alphabet = network.get_modelmeta().custom_metadata_map["character"].split("\n")
    return _decoded(likelihood[0], ["", *alphabet, " "])


def _decoded(likelihood: npt.NDArray[Any], alphabet: list[str]) -> tuple[str, float]:
    """Return the characters of the best path and how sure its least sure character is."""
    best = likelihood.argmax(axis=1)
    first = np.flatnonzero((best != np.append(-1, best[:-1])) & (best != 0))
    if not first.size:
        return "", 0.0
    text = "".join(alphabet[index] for index in best[first])
    return text.strip(), float(likelihood[first, best[first]].min())

"""Find and read the text of a picture, with the networks that RapidOCR's wheel ships.

They are used as they come, detection and recognition both, so that nothing that the house trained
or tuned decides what the verifier sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from imagehaven.verify.pixels.shown import LONGEST, Image, pieces

_LEAST: Final = 0.5
"""How sure a reading must be, 0 to 1, to be passed on at all."""


@dataclass(frozen=True)
class Reading:
    """What was read in a box (x, y, width, height in pixels of the frame), and how surely."""

    text: str
    sure: float
    box: tuple[int, int, int, int]

    def overlaps(self, other: Reading) -> bool:
        """Say whether half of the smaller box lies in the other one."""
        (x, y, width, height), (left, top, wide, high) = self.box, other.box
        across = min(x + width, left + wide) - max(x, left)
        down = min(y + height, top + high) - max(y, top)
        smaller = min(width * height, wide * high)
        return across > 0 and down > 0 and 2 * across * down >= smaller


def read(image: Image) -> Iterator[Reading]:
    """Yield what is read in one display (rows x columns x 3, RGB)."""
    for piece in pieces(image):
        result: Any = _engine()(np.ascontiguousarray(piece.image[..., ::-1]))  # it takes BGR
        if result.boxes is None or not result.txts:
            continue
        for corners, text, sure in zip(result.boxes, result.txts, result.scores, strict=True):
            box = _box(np.asarray(corners), piece.scale, piece.left, piece.top)
            yield Reading(str(text).strip(), float(sure), box)


def _box(corners: npt.NDArray[Any], scale: float, left: int, top: int) -> tuple[int, int, int, int]:
    (x, y), (right, bottom) = corners.min(axis=0) / scale, corners.max(axis=0) / scale
    at = (max(0, int(x)) + left, max(0, int(y)) + top)
    return (*at, int(np.ceil(right)) + left - at[0], int(np.ceil(bottom)) + top - at[1])


@lru_cache(maxsize=1)
def _engine() -> Any:
    """Return RapidOCR on one thread, once per process: workers are processes.

    Pictures come scaled, so it must not scale them again.
    """
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _LEAST,
            "Global.max_side_len": 2 * LONGEST,
            "Det.limit_type": "max",
            "Det.limit_side_len": 2 * LONGEST,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

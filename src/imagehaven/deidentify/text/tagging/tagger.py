"""Ask the network how likely each piece of a text is to be a name, a place, an age or a term.

Weights: ``data/tagger.onnx``, made by ``training/text_tagger``. One thread, so that the answers of
a run do not depend on the machine's load, and many texts can be read at the same time.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from imagehaven.deidentify.text.tagging.pieces import Piece, pieces_of, rows_of

#: What a piece may be; the network's outputs are in this order.
LABELS: Final = ("other", "name", "place", "age", "term", "identifier")
_LONGEST: Final = 20_000
"""Pieces that are read at once; what stands beyond is read apart."""


def shares_of(text: str) -> tuple[list[Piece], NDArray[np.float32]]:
    """Return the pieces of ``text`` and for each how likely it is each of :data:`LABELS`."""
    pieces = pieces_of(text)
    if not pieces:
        return pieces, np.zeros((0, len(LABELS)), np.float32)
    rows = rows_of(text, pieces)
    told = [_told(rows[at : at + _LONGEST]) for at in range(0, len(rows), _LONGEST)]
    return pieces, np.concatenate(told)


def _told(rows: NDArray[np.int32]) -> NDArray[np.float32]:
    (shares,) = _session().run(None, {"rows": rows})
    return np.asarray(shares, np.float32)


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    file = resources.files("imagehaven.deidentify.text") / "data" / "tagger.onnx"
    return onnxruntime.InferenceSession(
        file.read_bytes(), options, providers=["CPUExecutionProvider"]
    )

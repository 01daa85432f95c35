"""Load the networks, once per process and on one thread, because workers are processes."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from imagehaven.errors import TerminalError

_HERE = Path(__file__).parent


@cache
def ours() -> Any:
    """Return the session of the house's own detector."""
    return _session(_HERE / "detector.onnx")


@cache
def shipped_with_rapidocr(task: str) -> Any:
    """Return the session of RapidOCR's network for ``task``, ``det`` or ``rec``.

    Raises :class:`TerminalError` when the installed wheel does not hold it.
    """
    spec = find_spec("rapidocr")
    places = spec.submodule_search_locations if spec else None
    for place in places or []:
        for model in sorted((Path(place) / "models").glob(f"PP-OCR*_{task}_*.onnx")):
            return _session(model)
    raise TerminalError(f"rapidocr's {task} model is not installed; install rapidocr 3.10 again")


def _session(model: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena would keep the largest frame's memory
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the runtime raises its own, undocumented types
        raise TerminalError(f"{model.name} cannot be loaded: {type(error).__name__}") from None

"""Evaluate a researcher's definition in a process of its own and take back only query nodes.

The process (:mod:`imagehaven.cohort.sandbox.jail`) has no environment, no network, no way to write,
and hard limits. Its answer is treated as hostile: :mod:`imagehaven.cohort.query.wire` validates
each node.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagehaven.cohort.errors import DefinitionError, ForbiddenError, LimitError, Place, Problem
from imagehaven.cohort.query.nodes import SetNode, check_cohort_name
from imagehaven.cohort.query.wire import from_json, to_json

MAX_TEXT = 1024 * 1024
_KINDS = {kind.__name__: kind for kind in (DefinitionError, ForbiddenError, LimitError)}


@dataclass(frozen=True)
class Limits:
    """What the evaluation of a definition may use."""

    wall_seconds: float = 30.0
    cpu_seconds: int = 10
    memory_mib: int = 512
    output_mib: int = 64


@dataclass(frozen=True)
class Definition:
    """A cohort definition that has been read, and has yet to meet a schema.

    ``sha256`` covers the text and the query, so that a changed codelist is a changed definition.
    """

    name: str
    description: str
    text: str
    sha256: str
    nodes: SetNode
    file: str

    def error(self, problems: list[Problem]) -> DefinitionError:
        """An error that shows these problems in this definition's text."""
        return DefinitionError(problems, file=self.file, text=self.text)


def load_definition(path: Path, *, limits: Limits | None = None) -> Definition:
    """Evaluate a definition file in the sandbox.

    Raises DefinitionError (with file, line and caret) for what is wrong with it, ForbiddenError
    for what a definition may not do, LimitError when it takes too long or too much.
    """
    limits = limits or Limits()
    text = _read(path)
    answer = _evaluate(path, limits, text)
    if answer.get("ok") is not True:
        raise _refusal(answer, path, text)
    name = answer.get("name") or path.stem
    query = from_json(str(answer.get("query")))
    try:
        check_cohort_name(name)
    except DefinitionError as error:
        raise DefinitionError(error.problems, file=str(path), text=text) from error
    return Definition(
        name=str(name),
        description=str(answer.get("description") or ""),
        text=text,
        sha256=_digest(text, query),
        nodes=query,
        file=str(path),
    )


def restore_definition(*, name: str, text: str, query: str, file: str = "") -> Definition:
    """A definition from what a stored cohort version keeps: its text and its serialised query.

    Nothing is evaluated. The description is not kept apart and comes back empty.
    """
    nodes = from_json(query)
    return Definition(name, "", text, _digest(text, nodes), nodes, file or f"{name}.py")


def _digest(text: str, query: SetNode) -> str:
    meaning = to_json(query, places=False)
    return hashlib.sha256(f"{text}\x00{meaning}".encode()).hexdigest()


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TEXT:
            raise LimitError("a definition is at most 1 MiB of text", file=str(path))
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DefinitionError("there is no such file", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise DefinitionError("this is not UTF-8 text", file=str(path)) from error
    except OSError as error:
        raise DefinitionError(f"cannot be read: {error.strerror}", file=str(path)) from error


def _evaluate(path: Path, limits: Limits, text: str) -> dict[str, Any]:
    """Run the jail and read its one JSON document."""
    command = [
        sys.executable,
        "-I",
        "-B",
        "-m",
        "imagehaven.cohort.sandbox.jail",
        str(path.resolve()),
    ]
    command += [str(limits.cpu_seconds), str(limits.memory_mib), str(limits.output_mib)]
    # Files, not pipes, so that the limit on file size also bounds what comes back.
    with tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(
                command,
                input=text.encode("utf-8"),
                stdout=out,
                stderr=subprocess.DEVNULL,
                env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
                timeout=limits.wall_seconds,
                check=False,
                close_fds=True,
            )
        except subprocess.TimeoutExpired as error:
            raise LimitError(
                f"evaluating took over {limits.wall_seconds:g} s; a definition only describes "
                "data, look for an endless loop",
                file=str(path),
                text=text,
            ) from error
        out.seek(0)
        answer = out.read(limits.output_mib * 1024 * 1024)
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise LimitError(
            f"the sandbox ended without an answer (status {done.returncode}); the definition "
            f"needs over {limits.cpu_seconds} s of CPU or {limits.memory_mib} MiB of memory",
            file=str(path),
            text=text,
        ) from error
    return document if isinstance(document, dict) else {}


def _refusal(answer: dict[str, Any], path: Path, text: str) -> DefinitionError:
    kind = _KINDS.get(str(answer.get("kind")), DefinitionError)
    where = answer.get("place")
    place = None
    if isinstance(where, list) and len(where) == 3 and all(isinstance(n, int) for n in where):
        place = Place(*where)
    message = str(answer.get("message") or "the sandbox gave no answer")
    return kind(Problem(message, place), file=str(path), text=text)

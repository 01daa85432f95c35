"""The inside of the sandbox: run one definition where it can do nothing but declare a cohort.

Started by :mod:`imagehaven.cohort.sandbox.run` as its own process, without an environment. Four
fences stand one behind the other, because each alone has been climbed in other projects:

1. the text may not use names or attributes that begin with an underscore, nor imports other than
   the cohort language and a few harmless names of the standard library;
2. it runs with a short list of builtins and sees copies of modules that hold only those names;
3. an audit hook refuses every act that Python reports (opening, importing, sockets, processes,
   ctypes, code objects …) other than reading a CSV file in the definition's folder;
4. the process has limits on CPU time, memory, file size and processes.

What leaves is one JSON document on standard output: the query nodes, or one error with its place.
"""

from __future__ import annotations

import ast
import builtins
import codecs
import datetime
import json
import math
import os
import resource
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from imagehaven.cohort import language
from imagehaven.cohort.errors import DefinitionError, ForbiddenError, Place, Problem
from imagehaven.cohort.query import wire
from imagehaven.cohort.query.sets import Rows
from imagehaven.cohort.sandbox import codelist

_MIB = 1024 * 1024

_BUILTINS = [
    *("None", "True", "False", "abs", "all", "any", "bool", "dict", "enumerate", "filter"),
    *("float", "frozenset", "int", "isinstance", "len", "list", "map", "max", "min", "range"),
    *("repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
    *("Exception", "ValueError", "TypeError", "KeyError"),
]

# Attributes without an underscore that lead to frames, and from there to everything.
_INNARDS = frozenset(
    {
        *("mro", "gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "ag_frame"),
        *("ag_code", "tb_frame", "tb_next", "f_back", "f_builtins", "f_code", "f_globals"),
        *("f_locals", "f_trace"),
    }
)

_MODULES: dict[str, dict[str, Any]] = {
    "imagehaven.cohort": {name: getattr(language, name) for name in language.__all__},
    "datetime": {
        "date": datetime.date,
        "datetime": datetime.datetime,
        "timedelta": datetime.timedelta,
    },
    "math": {name: getattr(math, name) for name in ("ceil", "floor", "inf", "sqrt")},
    "__future__": {"annotations": None},
}


def main(path: str, cpu_seconds: int, memory_mib: int, output_mib: int) -> None:
    """Evaluate the definition on standard input, which is that of the file at ``path``.

    The outcome goes to standard output. The text is not read from the file again: what is
    evaluated is exactly what the caller keeps.
    """
    text = sys.stdin.buffer.read().decode("utf-8")
    codelist.FOLDER.path = Path(path).resolve().parent
    language.DECLARATIONS.definition_file = path
    # Behind the fence nothing more is imported, codecs neither.
    codecs.lookup("utf-8-sig")
    _limit(cpu_seconds, memory_mib, output_mib)
    try:
        code, description = _compile(text, path)
        sys.addaudithook(_fence(str(codelist.FOLDER.path)))
        document = _outcome(_run(code), description)
    except DefinitionError as error:
        document = _failure(type(error).__name__, error.problems[0], _place_of(error, path))
    except RecursionError:
        document = _failure("LimitError", Problem("the definition recurses too deeply"), None)
    except MemoryError:
        document = _failure("LimitError", Problem("the definition needs too much memory"), None)
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        place = Place(error.lineno or 1, column, max(column + 1, (error.end_offset or 0) - 1))
        document = _failure("DefinitionError", Problem(f"not Python: {error.msg}"), place)
    except Exception as error:  # noqa: BLE001 - a researcher's code can raise anything
        problem = Problem(f"{type(error).__name__}: {_hint(error)}")
        document = _failure("DefinitionError", problem, _place_of(error, path))
    sys.stdout.write(json.dumps(document))
    sys.stdout.flush()
    # Nothing of the definition runs later: no destructors, no exit handlers.
    os._exit(0)


def _limit(cpu_seconds: int, memory_mib: int, output_mib: int) -> None:
    """Set the process's hard limits."""
    for which, value in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_mib * _MIB),
        (resource.RLIMIT_FSIZE, output_mib * _MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(which, (value, value))


def _compile(text: str, path: str) -> tuple[CodeType, str]:
    """Compile the text after refusing what no definition needs; with it, its docstring."""
    tree = ast.parse(text, path)
    for node in ast.walk(tree):
        reason = _refused(node)
        if reason:
            place = Place(
                getattr(node, "lineno", 1),
                getattr(node, "col_offset", 0),
                getattr(node, "end_col_offset", 0) or 0,
            )
            raise ForbiddenError(Problem(reason, place))
    return compile(tree, path, "exec", dont_inherit=True), ast.get_docstring(tree) or ""


def _refused(node: ast.AST) -> str | None:  # noqa: PLR0911 - one return per kind of syntax
    """Why this piece of syntax may not stand in a definition."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.keyword(arg=str(name)) if (
            name.startswith("_")
        ):
            return f"names that begin with an underscore ({name}) are not for definitions"
        case ast.Attribute(attr="format" | "format_map"):
            return "str.format is not for definitions; use an f-string"
        case ast.Attribute(attr=name) if name in _INNARDS:
            return f"{name} is not for definitions"
        case ast.Import():
            return f"write: from {node.names[0].name} import …"
        case ast.ImportFrom(module=module) if node.level or module not in _MODULES:
            allowed = ", ".join(sorted(name for name in _MODULES if name[0] != "_"))
            return f"{module or '.'} cannot be imported here; a definition may import {allowed}"
        case ast.ImportFrom(module=str(module)):
            known = _MODULES[module]
            unknown = [item.name for item in node.names if item.name not in known]
            if unknown:
                return f"{module} has no {unknown[0]} here; it has {', '.join(sorted(known))}"
        case ast.AsyncFunctionDef() | ast.Await() | ast.Global() | ast.Nonlocal() | ast.ClassDef():
            return "classes, async and global are not for definitions"
        case ast.ExceptHandler() | ast.With() | ast.Match():
            return "try, with and match are not for definitions"
    return None


def _run(code: CodeType) -> dict[str, Any]:
    facades = {}
    for name, content in _MODULES.items():
        facade = ModuleType(name)
        facade.__dict__.update(content)
        facades[name] = facade

    def from_import(name: str, *_rest: object) -> ModuleType:
        return facades[name]

    allowed = {name: getattr(builtins, name) for name in _BUILTINS}
    namespace: dict[str, Any] = {"__builtins__": {**allowed, "__import__": from_import}}
    exec(code, namespace)  # noqa: S102 - this is what the sandbox is for
    return namespace


def _fence(folder: str) -> Any:
    """An audit hook that refuses all but what evaluating and reporting need.

    It reads nothing that the definition could reach: no module globals, only its own closure.
    """
    harmless = frozenset({"sys._getframe", "object.__getattr__", "builtins.id"})
    inside = folder.rstrip("/") + "/"
    refusal, text_type = ForbiddenError, str
    state = {"ran": False}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec":
            if state["ran"]:
                raise refusal("exec and eval are not for definitions")
            state["ran"] = True
            return
        if event in harmless:
            return
        if event == "open":
            path, mode, flags = arguments
            reading = mode in ("r", "rb", None) and not flags & 0o3
            if (
                type(path) is text_type
                and reading
                and path.startswith(inside)
                and (path.endswith((".csv", ".CSV")))
            ):
                return
        raise refusal(f"a definition may not do this ({event})")

    return hook


def _outcome(namespace: dict[str, Any], description: str) -> dict[str, Any]:
    made = language.DECLARATIONS.made
    if len(made) != 1:
        found = "none" if not made else f"{len(made)}"
        raise DefinitionError(
            f"a definition declares exactly one cohort, and this one declares {found}; "
            "end the file with cohort(...)"
        )
    names: dict[int, str] = {}
    for name, thing in namespace.items():
        known = isinstance(thing, language.Images | language.Linked)
        # The four levels are imported names and not steps of the researcher's.
        if known and not isinstance(language.node_of(thing), Rows):
            names.setdefault(id(language.node_of(thing)), name)
    query = wire.to_json(made[0].node, names=names)
    return {"ok": True, "query": query, "name": made[0].name, "description": description}


def _failure(kind: str, problem: Problem, place: Place | None) -> dict[str, Any]:
    place = problem.place or place
    where = [place.line, place.column, place.end_column] if place else None
    return {"ok": False, "kind": kind, "message": problem.message, "place": where}


def _place_of(error: BaseException, path: str) -> Place | None:
    """The innermost place of the definition that led to the error."""
    place, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            place = language.place_in(trace.tb_frame, trace.tb_lasti)
        trace = trace.tb_next
    return place


def _hint(error: Exception) -> str:
    if isinstance(error, NameError):
        return f"{error.name} is not known here; import it from imagehaven.cohort, or define it"
    if isinstance(error, TypeError) and "bad operand type for unary" in str(error):
        return f"{error}; put brackets round the condition"
    return str(error)[:500]


if __name__ == "__main__":
    main(sys.argv[1], *(int(part) for part in sys.argv[2:5]))

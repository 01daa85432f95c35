"""The register of verbs: each has one name, one permission and one audit event.

Purpose: an action is registered once, beside the function that does the work. The command line,
the web app and the API call the same function; the audit trail is written here and nowhere else,
so no verb can forget it. A test walks the register and wants a command, a public function and a
docs heading for each.

Guarantees: a call of a haven-bound action that changes something leaves exactly one audit row,
also when it fails. A call with ``check=True`` changes nothing and leaves none.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from imagehaven.errors import ImagehavenError

P = ParamSpec("P")
R = TypeVar("R")

Permission = Literal["anyone", "researcher", "data-manager", "governance"]

#: Parameters that steer the call and say nothing about what was done.
_UNRECORDED = frozenset({"haven", "progress", "check"})


@dataclass(frozen=True)
class Action:
    """One registered verb: ``name`` is the command's words, ``event`` the audit trail's word."""

    name: str
    permission: Permission
    event: str | None
    function: Callable[..., Any]

    @property
    def room(self) -> str:
        """The package under ``imagehaven`` that holds the function."""
        return self.function.__module__.split(".")[1]

    @property
    def call(self) -> str:
        """The documented Python call, for instance ``imagehaven.release.release``."""
        return f"imagehaven.{self.room}.{self.function.__name__}"


_REGISTER: dict[str, Action] = {}


def registered() -> Iterator[Action]:
    """Every action of the rooms imported so far, by name."""
    yield from (_REGISTER[name] for name in sorted(_REGISTER))


def action(
    name: str,
    *,
    permission: Permission,
    event: str | None,
    mask: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a public verb under ``name``; with an ``event``, audit every call of it.

    An audited function takes the haven as its first parameter. What is recorded: the other
    arguments by name, the result's ``summary`` where it has one, and how the call ended. ``mask``
    gives, for an argument that may hold an identifier, what is recorded instead of it.
    """
    masks = mask or {}

    def register(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def audited(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            if event is None or bound.arguments.get("check"):
                return function(*args, **kwargs)
            audit = bound.arguments["haven"].ledger.audit
            inputs = {
                key: recordable(masks[key](value) if key in masks else value)
                for key, value in bound.arguments.items()
                if key not in _UNRECORDED and value is not None
            }
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                outcome = "refused" if isinstance(error, ImagehavenError) else "failed"
                audit.append(event, inputs, outcome=outcome, detail={"error": type(error).__name__})
                raise
            audit.append(event, inputs, outcome="done", detail=_summary(result))
            return result

        _REGISTER[name] = Action(name, permission, event, audited)
        return audited

    return register


def recordable(value: Any) -> Any:
    """The JSON form of an argument or result; what has none is recorded by its type's name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): recordable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [recordable(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return recordable(asdict(value))
    return type(value).__name__


def _summary(result: object) -> dict[str, Any]:
    summary = getattr(result, "summary", None)
    if callable(summary):
        return dict(recordable(summary()))
    return {}

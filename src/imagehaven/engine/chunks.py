"""Runs chunks in order on any engine, and finds the item that kills a worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from imagehaven.errors import TransientError

#: So many machines may go away under one chunk before the cluster itself is doubted.
_MACHINES: Final = 8

Context = TypeVar("Context")
Item = TypeVar("Item")
Result = TypeVar("Result")
C = TypeVar("C", bound="HasItems")

#: Told of (stage, items done, items in all or None while unknown).
Progress = Callable[[str, int, int | None], None]


def quiet(_stage: str, _done: int, _total: int | None) -> None:
    """The progress of a caller that does not want any."""


class WorkerDied(Exception):
    """The process that worked a chunk ended without a result (killed, out of memory, aborted)."""


class MachineLost(Exception):
    """The machine that worked a chunk, or kept its result, went away: no item is to blame."""


@dataclass(frozen=True)
class Crashed:
    """Stands in the place of the result of an item that killed its worker twice."""

    item: Any


class HasItems(Protocol):
    """What a chunk must have."""

    @property
    def items(self) -> list[Any]:
        """The chunk's items."""


class Engine(Protocol):
    """Where work runs. ``width`` is how many chunks it works at once."""

    width: int

    def submit(self, fn: Callable[..., Any], *arguments: Any) -> Any:
        """Start a call; returns a ticket for :meth:`result`."""

    def result(self, ticket: Any) -> Any:
        """Wait for a call's result; raises WorkerDied, MachineLost, or what the call raised."""

    def close(self) -> None:
        """Stop what still runs and let go of the workers."""


def run_chunks(
    engine: Engine,
    chunks: Iterable[C],
    fn: Callable[[Context, list[Item]], list[Result]],
    context: Context,
) -> Iterator[tuple[C, list[Result | Crashed]]]:
    """Work every chunk and yield it with its results, in order.

    ``fn`` must be importable by name and ``context`` picklable; twice the engine's width is in
    flight at most.
    """
    flying: deque[tuple[C, Any]] = deque()
    for chunk in chunks:
        flying.append((chunk, engine.submit(fn, context, chunk.items)))
        if len(flying) >= 2 * engine.width:
            yield _settle(engine, *flying.popleft(), fn, context)
    while flying:
        yield _settle(engine, *flying.popleft(), fn, context)


def _settle(
    engine: Engine, chunk: C, ticket: object, fn: Callable[..., Any], context: object
) -> tuple[C, list[Any]]:
    try:
        return chunk, _result(engine, ticket, fn, context, chunk.items)
    except WorkerDied:
        pass
    # Another chunk of the same pool may have been the culprit: once more, and alone.
    try:
        return chunk, _called(engine, fn, context, chunk.items)
    except WorkerDied:
        return chunk, [_alone(engine, item, fn, context) for item in chunk.items]


def _alone(engine: Engine, item: object, fn: Callable[..., Any], context: object) -> Any:
    try:
        return _called(engine, fn, context, [item])[0]
    except WorkerDied:
        return Crashed(item)


def _called(engine: Engine, fn: Callable[..., Any], context: object, items: list[Any]) -> list[Any]:
    return _result(engine, engine.submit(fn, context, items), fn, context, items)


def _result(
    engine: Engine, ticket: object, fn: Callable[..., Any], context: object, items: list[Any]
) -> list[Any]:
    """The call's results, on another machine where the first went away."""
    for _ in range(_MACHINES):
        try:
            results: list[Any] = engine.result(ticket)
            return results
        except MachineLost:
            ticket = engine.submit(fn, context, items)
    raise TransientError(
        f"{_MACHINES} machines of the cluster went away one after the other while they worked the "
        "same chunk. Nothing is lost: see that the nodes have memory enough, or give fewer "
        "--workers, and repeat the command."
    )

"""What people see: tables on standard output, progress bars on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

#: Columns of a table that is not printed on a terminal.
_WIDE = 160
#: Rows of a list that stands among the facts of an answer; JSON has them all.
_SHOWN = 50


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """The progress of a call whose caller is not a person at a terminal."""


@contextmanager
def bars() -> Iterator[Callable[[str, int, int | None], None]]:
    """One bar for each stage that reports itself, gone when the block ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield advance


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print rows under their column names; numbers stand to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left")
    kept = [tuple(row) for row in rows]
    for position, name in enumerate(columns):
        values = [row[position] for row in kept if row[position] is not None]
        numbers = bool(values) and all(isinstance(value, int | float) for value in values)
        drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in kept:
        # Text, so that square brackets in a value are not read as markup.
        drawn.add_row(*(Text(_cell(value)) for value in row))
    # Into a file or a pipe nobody's window sets the width.
    Console(width=None if sys.stdout.isatty() else _WIDE).print(drawn)


def facts(values: Mapping[str, object], *, title: str = "") -> None:
    """Print names and values; a nested mapping is spelled out, a list of mappings gets a table.

    Of a list the first rows are shown. What is None or an empty list is left out.
    """
    plain: dict[str, object] = {}
    lists: dict[str, Sequence[Any]] = {}
    for name, value in values.items():
        if value is None or value == []:
            continue
        if isinstance(value, list) and isinstance(value[0], Mapping):
            lists[name] = value
        else:
            plain[name] = value
    table(("what", "value"), _flat(plain), title=title)
    for name, found in lists.items():
        records(found[:_SHOWN], title=name)
        if len(found) > _SHOWN:
            say(f"{len(found) - _SHOWN:,} more {name}: --json lists all")


def records(found: Sequence[object], *, title: str = "") -> None:
    """Print records of one kind (mappings or dataclasses), one row each."""
    from imagehaven.actions import recordable

    rows = [dict(recordable(item)) for item in found]
    if not rows:
        say("none")
        return
    table(list(rows[0]), [tuple(row.values()) for row in rows], title=title)


def say(text: str) -> None:
    """Print one plain line."""
    from rich.console import Console

    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}: ")
        elif isinstance(value, list | tuple):
            yield f"{before}{name}", "; ".join(_cell(item) for item in value)
        else:
            yield f"{before}{name}", value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)

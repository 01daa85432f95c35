"""The command that catalogues what comes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagehaven.cli import screen
from imagehaven.cli.archive import Engine, Workers
from imagehaven.cli.call import Call, verb
from imagehaven.errors import TransientError

if TYPE_CHECKING:
    from imagehaven.catalogue import Watched, WatchPlan


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the application."""
    verb(app, "watch", watch)


def watch(
    call: Call,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders, spools of receivers, or s3://BUCKET/PREFIX; HAVEN/spool without any.",
            metavar="PLACE",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        float, typer.Option(help="Seconds from one look to the next.", min=0.1)
    ] = 30.0,
    settle: Annotated[
        float,
        typer.Option(help="Seconds for which a file's size and time must stand still.", min=0),
    ] = 10.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, take what is complete, and end: for cron.")
    ] = False,
    batch: Annotated[int, typer.Option(help="Files in one batch at most.", min=1)] = 2000,
    engine: Engine = "pool",
    workers: Workers = 0,
) -> None:
    """Catalogue what comes to places, as it comes, until SIGTERM or Ctrl-C.

    A file is taken once, when it has stopped growing, has no temporary name and is not seen open
    for writing. Bulk ingests give way to it. A line for each batch, and for each place that is out
    of reach or back, goes to standard error; with --json it is a JSON object. With --once, ends
    with exit code 3 when a place was out of reach.

    \b
    imagehaven -C my-haven watch
    imagehaven -C my-haven watch /data/drop s3://incoming/ct --every 60 --settle 120
    imagehaven -C my-haven watch /data/drop --once --json
    """
    from imagehaven import catalogue
    from imagehaven.acquire.watch import WatchOptions

    options = WatchOptions(
        places=tuple(places or ()),
        every=every,
        settle=settle,
        once=once,
        batch=batch,
        engine=engine,
        workers=workers,
    )
    tell = _json_line if call.as_json else _line
    told = catalogue.watch(call.haven(), options, check=call.check, progress=tell)
    call.answer(told, lambda: _show(told))
    if told.unreachable and (once or call.check):
        raise TransientError(
            "Not every place could be looked at; the lines above name them. Nothing was lost: "
            "give the same command again when they can be reached."
        )


def _show(told: Watched | WatchPlan) -> None:
    from imagehaven.catalogue import Watched

    if isinstance(told, Watched):
        screen.facts(told.summary(), title="Watch")
        return
    columns = ("place", "files", "new", "bytes", "left")
    rows = [
        [*(place[name] for name in columns[:-1]), _counts(place["left"])] for place in told.places
    ]
    screen.table(columns, rows, title="What would be taken")
    for name, why in told.unreachable.items():
        screen.say(f"{name} cannot be looked at: {why}")


def _counts(left: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in left.items())


def _line(event: dict[str, Any]) -> None:
    words = [str(event["event"])]
    words += [f"{name}={_value(value)}" for name, value in event.items() if name != "event"]
    _say(" ".join(words))


def _json_line(event: dict[str, Any]) -> None:
    _say(json.dumps(event, ensure_ascii=False))


def _value(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else repr(value)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

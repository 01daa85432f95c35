"""One call of a command: its haven, how it answers, and the options that every verb has."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from imagehaven.engine import Progress
    from imagehaven.haven import Haven

InHaven = Annotated[
    Path | None,
    typer.Option(
        "-C",
        "--haven",
        metavar="HAVEN",
        help="The haven's folder; without it, IMAGEHAVEN_HOME.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON document.", show_default=False)
]
Check = Annotated[bool, typer.Option("--check", help="Say what would be done, and do nothing.")]


@dataclass(frozen=True)
class Call:
    """What the options of every verb said."""

    folder: Path | None
    as_json: bool
    check: bool

    def haven(self) -> Haven:
        """The haven that the call names; raises UserError when it names none."""
        from imagehaven.haven import Haven

        return Haven.open(self.folder)

    def haven_if_named(self) -> Haven | None:
        """The haven, where ``-C`` or IMAGEHAVEN_HOME names one; else None."""
        from imagehaven.errors import UserError
        from imagehaven.haven import settings

        try:
            settings.home(self.folder)
        except UserError:
            return None
        return self.haven()

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A callback that moves progress bars on a terminal, and does nothing elsewhere."""
        from imagehaven.cli import screen

        if self.as_json or not sys.stderr.isatty():
            yield screen.silent
            return
        with screen.bars() as advance:
            yield advance

    def foresee(self, would: str) -> bool:
        """With ``--check``, tell what the call ``would`` do; returns whether it was told."""
        if not self.check:
            return False
        if self.as_json:
            print_json({"would": would})
        else:
            sys.stdout.write(f"would {would}\n")
        return True

    def answer(self, result: object, show: Callable[[], None]) -> None:
        """Print the result: as one JSON document, or the way that ``show`` prints it."""
        if self.as_json:
            print_json(result)
            return
        show()
        if self.check:
            sys.stdout.write("Only checked: nothing was changed.\n")


def print_json(result: object) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(document(result), ensure_ascii=False, indent=2) + "\n")


def document(result: object) -> Any:
    """The JSON form of a result: its ``summary()`` where it has one, else its fields."""
    from imagehaven.actions import recordable

    summary = getattr(result, "summary", None)
    return recordable(summary() if callable(summary) else result)


def verb(
    app: typer.Typer, name: str, function: Callable[..., None], *, reads: str | None = None
) -> None:
    """Register a command whose first parameter is its :class:`Call`.

    The command gets ``-C``, ``--json`` and ``--check`` beside its own options. All three may also
    stand before the verb. ``reads`` says what a command that changes nothing would do: that is all
    its ``--check`` prints.
    """
    app.command(name)(_with_shared_options(function, reads))


def group(app: typer.Typer, name: str, about: str) -> typer.Typer:
    """Add a group for verbs of two words; the shared options may also stand between the two."""
    words = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)

    def options(
        ctx: typer.Context,
        in_haven: InHaven = None,
        as_json: AsJson = False,
        check: Check = False,
    ) -> None:
        ctx.obj = _combined(ctx.obj, in_haven, as_json, check)

    words.callback()(options)
    app.add_typer(words, name=name)
    return words


def _combined(before: Call, folder: Path | None, as_json: bool, check: bool) -> Call:
    return Call(folder or before.folder, as_json or before.as_json, check or before.check)


def _with_shared_options(function: Callable[..., None], reads: str | None) -> Callable[..., None]:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        inspect.Parameter("in_haven", keyword, default=None, annotation=InHaven),
        inspect.Parameter("as_json", keyword, default=False, annotation=AsJson),
        inspect.Parameter("check", keyword, default=False, annotation=Check),
    ]

    def command(
        *, ctx: typer.Context, in_haven: Path | None, as_json: bool, check: bool, **words: Any
    ) -> None:
        call = _combined(ctx.obj, in_haven, as_json, check)
        if reads is None or not call.foresee(reads):
            function(call, **words)

    parameters = [parameter.replace(kind=keyword) for parameter in own] + shared
    shaped: Any = functools.update_wrapper(command, function)
    shaped.__signature__ = inspect.Signature(parameters)
    shaped.__annotations__ = {item.name: item.annotation for item in parameters}
    # Without this, inspect would look through to the function's own signature.
    del shaped.__wrapped__
    return command

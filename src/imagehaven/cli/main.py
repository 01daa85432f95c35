"""The command `imagehaven`: its global options, its verbs, and what becomes of errors."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import typer

from imagehaven.cli import (
    archive,
    capacity,
    cohorts,
    faces,
    hospital,
    profile,
    releases,
    reports,
    review,
    trail,
)
from imagehaven.cli.call import AsJson, Call, Check, InHaven, print_json
from imagehaven.cli.feeds import receive, retrieve, watch
from imagehaven.errors import ImagehavenError, TransientError, UserError

#: sysexits.h, EX_SOFTWARE: a defect of the program itself.
DEFECT = 70
#: What shells return for a command that Ctrl-C ended.
INTERRUPTED = 130
#: What mends a refusal of the operating system, and the exit code; only errors that name a place.
_REFUSALS = {
    errno.EACCES: ("grant this user the right", UserError.exit_code),
    errno.EPERM: ("grant this user the right", UserError.exit_code),
    errno.EROFS: ("name a place that can be written", UserError.exit_code),
    errno.EEXIST: ("name another place", UserError.exit_code),
    errno.ENOTDIR: ("name a folder", UserError.exit_code),
    errno.EISDIR: ("name a file", UserError.exit_code),
    errno.ENAMETOOLONG: ("name a shorter path", UserError.exit_code),
    errno.ENOSPC: ("free some space", TransientError.exit_code),
    errno.EDQUOT: ("free some space", TransientError.exit_code),
}
_RESUME = "interrupted; the same command, given again, goes on from here."

app = typer.Typer(
    name="imagehaven",
    no_args_is_help=True,
    # Plain help: drawing it with rich would take most of the half second that --help may take.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for room in (
    archive,
    receive,
    retrieve,
    watch,
    cohorts,
    profile,
    releases,
    reports,
    review,
    trail,
    capacity,
    faces,
    hospital,
):
    room.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"imagehaven {version('imagehaven')}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    in_haven: InHaven = None,
    as_json: AsJson = False,
    check: Check = False,
    show_version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """From a folder of clinical images to a verified, de-identified research release.

    \b
    imagehaven init my-haven
    imagehaven -C my-haven ingest /archive/2019
    imagehaven -C my-haven query "SELECT Modality, count(*) FROM series GROUP BY ALL"

    `imagehaven demo` shows the whole road on a synthetic hospital.
    """
    ctx.obj = Call(in_haven, as_json, check)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run one command; returns its exit code and lets no exception out."""
    as_json = "--json" in words
    try:
        code = app(words, prog_name="imagehaven", standalone_mode=False)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has had enough; nothing is wrong.
        sys.stdout = None
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost seam
        return _tell(*_told(error), as_json=as_json)
    if code == INTERRUPTED:
        return _tell(*_told(KeyboardInterrupt()), as_json=as_json)
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> tuple[str, str, int]:
    """The kind, message and exit code of an error; a traceback, which may hold values, is kept."""
    # DuckDB, interrupted inside a query, raises an error of its own from the interrupt.
    if any(isinstance(one, KeyboardInterrupt | typer.Abort) for one in _chain(error)):
        return "Interrupted", _RESUME, INTERRUPTED
    if isinstance(error, ImagehavenError):
        return type(error).__name__, str(error), error.exit_code
    if isinstance(error, typer.TyperException):
        return "UsageError", f"{error.format_message()} {_usage(error)}", error.exit_code
    if isinstance(error, OSError) and error.filename and error.errno in _REFUSALS:
        remedy, code = _REFUSALS[error.errno]
        message = f"{error.filename}: {error.strerror}. Nothing was lost: {remedy}, then repeat."
        return type(error).__name__, message, code
    message = (
        f"imagehaven failed in a way that it should not ({type(error).__name__}). Where, "
        f"without any value, is written in {_keep(error)}; please add that file to a report."
    )
    return type(error).__name__, message, DEFECT


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    words = context.command_path if context is not None else "imagehaven"
    return f"`{words} --help` shows how."


def _tell(kind: str, message: str, code: int, *, as_json: bool) -> int:
    if as_json:
        print_json({"error": message, "kind": kind})
    else:
        sys.stderr.write(f"error: {message}\n")
    return code


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _keep(error: BaseException) -> Path:
    # Frames only. Messages and local variables may hold values out of images and records.
    lines: list[str] = []
    for one in _chain(error):
        lines.append(f"{type(one).__module__}.{type(one).__qualname__}\n")
        lines += traceback.format_tb(one.__traceback__)
    with tempfile.NamedTemporaryFile(
        "w", prefix="imagehaven-failure-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"imagehaven {version('imagehaven')}\n" + "".join(lines))
    return Path(file.name)

"""The command that cuts faces out of head CT and MR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb

if TYPE_CHECKING:
    from imagehaven.deidentify import DefaceSummary


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the application."""
    verb(app, "deface", deface)


def deface(
    call: Call,
    source: Annotated[Path, typer.Argument(help="A file, folder or archive of DICOM.")],
    destination: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Copy DICOM into a folder, with the faces cut out of head CT and MR.

    Only faces go: names and other identifiers stay. Ends with exit code 1 when files were left
    out, because a face could not be removed or they could not be read.

    \b
    imagehaven deface /archive/heads /tmp/defaced
    """
    from imagehaven import deidentify

    with call.progress() as progress:
        told = deidentify.deface(source, destination, check=call.check, progress=progress)
    call.answer(told, lambda: _show(told))
    if told.left:
        raise typer.Exit(1)


def _show(told: DefaceSummary) -> None:
    screen.facts(told.summary(), title="Deface")

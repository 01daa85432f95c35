"""The command for reports as text, which needs no haven."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the application."""
    verb(app, "deidentify-reports", deidentify_reports)


def deidentify_reports(
    call: Call,
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A text file, or a folder of .txt.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="The folder to write to.")],
    key: Annotated[Path, typer.Option(help="A file with the secret that pseudonyms come from.")],
    known: Annotated[
        Path | None,
        typer.Option(help="CSV of file,patient_id,names,identifiers,places: whom they are about."),
    ] = None,
    surrogates: Annotated[
        bool, typer.Option("--surrogates", help="Invented names and numbers instead of labels.")
    ] = False,
    mapping: Annotated[
        Path | None, typer.Option(help="Also write this CSV of kind,original,pseudonym.")
    ] = None,
) -> None:
    """Remove identifiers from reports as text. What could not be read is listed with its reason.

    \b
    imagehaven deidentify-reports reports/ out/ --key project.key --known people.csv --json
    """
    from imagehaven import deidentify as room

    with call.progress() as progress:
        report = room.deidentify_reports(
            source,
            destination,
            key=key,
            known=known,
            surrogates=surrogates,
            mapping=mapping,
            progress=progress,
            check=call.check,
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Reports de-identified"))

"""Commands for the synthetic hospital and the demonstration on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    verb(app, "synth", synth)
    verb(app, "demo", demo)


def synth(
    call: Call,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write to.")],
    patients: Annotated[int, typer.Option(help="How many patients.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    instances: Annotated[
        int | None,
        typer.Option(
            help="For load tests: this many small instances in archives, and nothing else.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a synthetic hospital, with identifiers planted where real archives leak them.

    The answer key beside it says where each one is, so that recall can be measured.

    \b
    imagehaven synth hospital --patients 20 --seed 1
    imagehaven synth load-test --instances 1000000
    """
    from imagehaven import synth as room

    what = f"{instances} instances" if instances else f"{patients} patients"
    if call.foresee(f"write a synthetic hospital of {what} to {folder}"):
        return
    with call.progress() as progress:
        report = room.synthesise(
            folder,
            patients=patients,
            seed=seed,
            instances=instances,
            progress=lambda done, total: progress("synthetic hospital", done, total),
        )
    call.answer(report, lambda: screen.facts(report.summary(), title="Synthetic hospital"))


def demo(
    call: Call,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder to work in.")] = Path(
        "demo-haven"
    ),
) -> None:
    """Drive the whole road once: hospital, catalogue, cohort, release, audit.

    \b
    imagehaven demo
    """
    from imagehaven import demo as room

    with call.progress() as progress:
        report = room.demo(folder, progress=progress, check=call.check)
    call.answer(report, lambda: room.show(report))

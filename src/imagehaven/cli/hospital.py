"""Commands for the synthetic hospital and the demonstration on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.archive import Engine
from imagehaven.cli.call import Call, verb

if TYPE_CHECKING:
    from imagehaven.demo import DemoReport


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
    patients: Annotated[int, typer.Option(help="How many patients.", min=1)] = 30,
    engine: Engine = "pool",
) -> None:
    """Drive the whole road once: hospital, catalogue, cohort, release, audit.

    Ends with exit code 1 when a planted identifier came through.

    \b
    imagehaven demo
    """
    if call.foresee(f"make a hospital, a haven and a release in {folder}"):
        return
    from imagehaven.demo import demo as drive

    with call.progress() as progress:
        report = drive(folder, patients=patients, engine=engine, progress=progress)
    call.answer(report, lambda: _show_demo(report))
    if report.identifiers_survived or not report.audit_intact:
        raise typer.Exit(1)


def _show_demo(report: DemoReport) -> None:
    found, released = report.ingest, report.release
    rows: list[tuple[str, object]] = [
        ("files found", found["found"]),
        ("catalogued", found["catalogued"]),
        ("duplicates", found["duplicate"]),
        ("conflicting", found["conflicting"]),
        ("quarantined", found["quarantined"]),
        *((f"  {reason}", count) for reason, count in found["quarantined_by_reason"].items()),
        ("files requested", released["requested"]),
        ("released", released["states"]["released"]),
        *((f"  {reason}", count) for reason, count in released["reasons"].items()),
        ("identifiers planted", report.identifiers_planted),
        ("  of these in released files", report.identifiers_in_released_files),
        ("identifiers that survived", report.identifiers_survived),
    ]
    levels = ("step", "patients", "studies", "series", "instances")
    steps = [[step[level] for level in levels] for step in report.cohort["attrition"]]
    screen.table(levels, steps, title=f"Attrition of the cohort {report.cohort['cohort']}")
    screen.table(("what", "count"), rows, title="The road, once")
    screen.say(f"The audit chain is {'unbroken' if report.audit_intact else 'BROKEN'}.")
    screen.say("Look further:")
    query = "SELECT Modality, count(*) AS instances FROM instance GROUP BY ALL"
    screen.say(f'  imagehaven -C {report.haven} query "{query}"')
    screen.say(f"  imagehaven -C {report.haven} audit list")
    screen.say(f"  less {report.release_folder}/README.md")

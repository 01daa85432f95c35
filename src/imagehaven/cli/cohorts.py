"""Commands for cohorts: load linked data, open projects, check and run definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, group, verb

Definition = Annotated[Path, typer.Argument(help="The cohort's Python file.")]
Project = Annotated[str, typer.Option(help="The project that the cohort belongs to.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    verb(app, "load", load)
    project = group(app, "project", "Research projects.")
    verb(project, "create", project_create)
    verb(project, "list", project_list, reads="list the projects")
    cohort = group(app, "cohort", "Cohort definitions.")
    verb(cohort, "check", cohort_check)
    verb(cohort, "run", cohort_run)
    verb(cohort, "list", cohort_list, reads="list the cohort versions")
    verb(cohort, "explain", cohort_explain, reads="explain the definition and read no data")


def load(
    call: Call,
    dataset: Annotated[str, typer.Argument(help="The name of the table, such as admissions.")],
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files.")],
    patient: Annotated[
        str, typer.Option(help="The column with the PatientID, where it is called otherwise.")
    ] = "",
) -> None:
    """Load a table of linked health data, for cohorts to join to.

    \b
    imagehaven -C my-haven load admissions admissions-2019.csv admissions-2020.csv --patient chi
    """
    from imagehaven import link

    loaded = link.load(call.haven(), dataset, files, patient=patient or None, check=call.check)
    call.answer(loaded, lambda: screen.facts(loaded.summary(), title="Loaded"))


def project_create(
    call: Call, project: Annotated[str, typer.Argument(help="The project's name.")]
) -> None:
    """Open a project: it gets a key of its own, so that its pseudonyms are its own.

    \b
    imagehaven -C my-haven project create lung-2026
    """
    from imagehaven import link

    haven = call.haven()
    if call.foresee(f"open the project {project}, or find it open"):
        return
    made = link.create_project(haven, project)
    told = {"project": made.name, "created_at": made.created_at}
    call.answer(told, lambda: screen.facts(told, title="Project"))


def project_list(call: Call) -> None:
    """List the projects.

    \b
    imagehaven -C my-haven project list
    """
    from imagehaven import link

    found = [
        {"project": project.name, "created_at": project.created_at}
        for project in link.projects(call.haven())
    ]
    call.answer(found, lambda: screen.records(found))


def cohort_check(call: Call, file: Definition) -> None:
    """Check a definition before it touches any data; the message names the line at fault.

    With a haven the columns and their types are checked too, without one the language alone.

    \b
    imagehaven cohort check chest_ct.py
    imagehaven -C my-haven cohort check chest_ct.py
    """
    from imagehaven import cohort

    verdict = cohort.check(file, haven=call.haven_if_named())
    call.answer(verdict, lambda: screen.facts(verdict.summary(), title="Cohort definition"))


def cohort_run(call: Call, file: Definition, project: Project) -> None:
    """Run a definition and keep it as an immutable version with its snapshot and attrition.

    \b
    imagehaven -C my-haven cohort run chest_ct.py --project lung-2026
    """
    from imagehaven import cohort

    version = cohort.run(call.haven(), file, project=project, check=call.check)
    call.answer(version, lambda: screen.facts(version.summary(), title="Cohort version"))


def cohort_list(
    call: Call, project: Annotated[str, typer.Option(help="Only this project's.")] = ""
) -> None:
    """List the cohort versions that were run.

    \b
    imagehaven -C my-haven cohort list --project lung-2026
    """
    from imagehaven import cohort

    found = [
        {
            "project": version.project,
            "cohort": version.label,
            "created_at": version.created_at,
            "actor": version.actor,
            "snapshot": version.snapshot,
            **version.counts,
        }
        for version in cohort.list_versions(call.haven(), project=project or None)
    ]
    call.answer(found, lambda: screen.records(found))


def cohort_explain(call: Call, file: Definition) -> None:
    """Say in words and in SQL what a definition asks for.

    \b
    imagehaven -C my-haven cohort explain chest_ct.py
    """
    from imagehaven import cohort

    told = cohort.explain(call.haven(), file)
    call.answer({"explanation": told}, lambda: screen.say(told))

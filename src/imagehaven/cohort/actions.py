"""The verbs of this room: check, explain and run a definition, list what was run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imagehaven.actions import action
from imagehaven.cohort.checks import check_definition
from imagehaven.cohort.query.nodes import PLURALS
from imagehaven.cohort.query.schema import Schema, read_schema
from imagehaven.cohort.query.steps import steps_of
from imagehaven.cohort.query.wire import to_json
from imagehaven.cohort.results import explain_definition, run_on
from imagehaven.cohort.sandbox.run import Definition, load_definition
from imagehaven.cohort.versions import CohortVersion, Draft, store_version, versions
from imagehaven.haven import Haven
from imagehaven.link import create_project, projects


@dataclass(frozen=True)
class Verdict:
    """A definition that is in order.

    ``unit`` is what it selects (patients, studies, series or instances). ``checked_against`` is
    ``language`` where no haven was at hand: columns and types were then not looked at.
    """

    cohort: str
    description: str
    unit: str
    sha256: str
    steps: list[str]
    checked_against: str

    def summary(self) -> dict[str, Any]:
        """The verdict as plain values."""
        return asdict(self)


@action("cohort check", permission="researcher", event=None)
def check(file: Path, *, haven: Haven | None = None) -> Verdict:
    """Check a definition before it touches any data, against a haven's columns where one is given.

    Raises DefinitionError naming every problem with its file and line.
    """
    definition = load_definition(Path(file))
    if haven is not None:
        problems = check_definition(definition, _schema(haven))
        if problems:
            raise definition.error(problems)
    return Verdict(
        cohort=definition.name,
        description=definition.description,
        unit=PLURALS[definition.nodes.level],
        sha256=definition.sha256,
        steps=[step.label for step in steps_of(definition.nodes)],
        checked_against="language" if haven is None else "haven",
    )


@action("cohort explain", permission="researcher", event=None)
def explain(haven: Haven, file: Path) -> str:
    """Say in steps and in SQL what a definition asks for; reads no data.

    Raises DefinitionError naming every problem with its file and line.
    """
    return explain_definition(load_definition(Path(file)), _schema(haven))


@action("cohort run", permission="researcher", event="cohort-run")
def run(haven: Haven, file: Path, *, project: str, check: bool = False) -> CohortVersion:
    """Run a definition and keep it as the project's next immutable version.

    The newest snapshot of the lake is read throughout and named in the version. A project that is
    not there yet is made. With ``check`` the counts are made and nothing is kept: the version's
    number is 0. Raises DefinitionError for a definition that does not fit, UserError for a name
    that no project can have.
    """
    definition = load_definition(Path(file))
    # Only a project that is new is made: the audit trail has a row for each that is.
    if not check and project not in {known.name for known in projects(haven)}:
        create_project(haven, project)
    draft = _draft(haven, definition, project)
    return _unkept(haven, draft) if check else store_version(haven, draft)


@action("cohort list", permission="researcher", event=None)
def list_versions(haven: Haven, *, project: str | None = None) -> list[CohortVersion]:
    """Every cohort version of a project, or of all, oldest first."""
    return versions(haven, project)


def _schema(haven: Haven) -> Schema:
    with haven.lake.connect(read_only=True) as connection:
        return read_schema(connection)


def _draft(haven: Haven, definition: Definition, project: str) -> Draft:
    # One connection pinned to one snapshot: checks, counts and members see the same lake.
    snapshot = haven.lake.snapshot()
    with haven.lake.connect(snapshot=snapshot) as connection:
        result = run_on(connection, definition, read_schema(connection))
    last = result.attrition[-1]
    return Draft(
        project=project,
        cohort=definition.name,
        text=definition.text,
        sha256=definition.sha256,
        definition=json.loads(to_json(definition.nodes)),
        snapshot=snapshot,
        attrition=[step.as_row() for step in result.attrition],
        counts={
            "patients": last.patients,
            "studies": last.studies,
            "series": last.series,
            "instances": last.instances,
        },
        members=result.members,
    )


def _unkept(haven: Haven, draft: Draft) -> CohortVersion:
    return CohortVersion(
        project=draft.project,
        cohort=draft.cohort,
        version=0,
        created_at="",
        actor=haven.ledger.actor,
        text=draft.text,
        sha256=draft.sha256,
        snapshot=draft.snapshot,
        members_sha256="",
        attrition=draft.attrition,
        counts=draft.counts,
    )

"""Run a cohort on an open lake, or say what running it would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from imagehaven.cohort.engines.sql import CompiledCohort, compile_sql
from imagehaven.cohort.query.nodes import PLURALS
from imagehaven.cohort.query.schema import Schema
from imagehaven.cohort.sandbox.run import Definition

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class AttritionStep:
    """What remains after one step at the four levels, and what the step removed."""

    step: str
    patients: int
    studies: int
    series: int
    instances: int
    removed_patients: int = 0
    removed_studies: int = 0
    removed_series: int = 0
    removed_instances: int = 0

    def as_row(self) -> dict[str, Any]:
        """The step as one row of a table or JSON list."""
        return asdict(self)


@dataclass(frozen=True)
class CohortResult:
    """The answer to a cohort: how it came about, and its members.

    ``members`` has the text columns SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID and
    PatientID, one row for each instance, in no particular order.
    """

    attrition: list[AttritionStep]
    members: pa.Table


def run_on(
    connection: duckdb.DuckDBPyConnection, definition: Definition, schema: Schema
) -> CohortResult:
    """Check and compile a definition, count its steps and fetch its members.

    Raises DefinitionError with every problem before anything is read.
    """
    compiled = compile_sql(definition, schema)
    attrition = count_steps(connection, compiled)
    members = connection.execute(compiled.members_sql).to_arrow_table()
    return CohortResult(attrition, members)


def count_steps(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledCohort
) -> list[AttritionStep]:
    """The attrition table of a compiled cohort."""
    rows = connection.execute(compiled.attrition_sql).fetchall()
    labels = [step.label for step in compiled.steps]
    return attrition_table(labels, ([int(n) for n in row[1:]] for row in rows))


def attrition_table(labels: list[str], counts: Iterable[list[int]]) -> list[AttritionStep]:
    """Steps from their labels and remaining counts (patients, studies, series, instances)."""
    steps: list[AttritionStep] = []
    before: list[int] | None = None
    for label, now in zip(labels, counts, strict=True):
        gone = [was - left for was, left in zip(before or now, now, strict=True)]
        steps.append(AttritionStep(label, *now, *gone))
        before = now
    return steps


def explain_definition(definition: Definition, schema: Schema) -> str:
    """What a definition means here, as text: description, unit, steps and both SQL statements."""
    compiled = compile_sql(definition, schema)
    lines = [f"Cohort {definition.name} ({definition.file})"]
    if definition.description:
        lines += ["", definition.description]
    lines += ["", f"Unit: {PLURALS[compiled.level]}; resolved to instances.", "", "Steps:"]
    lines += [f"  {number}. {step.label}" for number, step in enumerate(compiled.steps)]
    lines += ["", "Members:", "", compiled.members_sql, "", "Attrition:", ""]
    return "\n".join([*lines, compiled.attrition_sql, ""])

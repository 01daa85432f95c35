"""Cohorts: which patients, studies, series and instances a research project is given.

Purpose: a cohort is a short Python file in a small typed language. It selects at any of the four
levels, joins linked tables, combines sets, and counts what each step removes.

Comes in: a definition file; the schema of a lake (which tables and columns there are).

Goes out: the definition as immutable, serialisable query nodes; one set-based SQL query for its
members and one for its attrition table.

Guarantees: a definition is evaluated in a process that can read nothing but codelists beside it;
everything that can be known without data is checked before any data is touched; the SQL and the
reference engine in :mod:`imagehaven.cohort.engines` agree; conditions are true or false, never
unknown.

Inside: `language` (how a definition is written), `query` (what it means), `sandbox` (how a file is
evaluated), `checks` (whether it fits a lake), `engines` (SQL and its reference), `results` (the
answer), `actions` and `versions` (the verbs on a haven, and what they keep).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from imagehaven.cohort.errors import DefinitionError, ForbiddenError, LimitError, Place, Problem
from imagehaven.cohort.language import (
    Condition,
    Images,
    Linked,
    Value,
    codelist_from_csv,
    cohort,
    instances,
    patients,
    series,
    studies,
    table,
)

if TYPE_CHECKING:
    from imagehaven.cohort.actions import Verdict, check, explain, list_versions, run
    from imagehaven.cohort.checks import check_definition
    from imagehaven.cohort.engines.sql import CompiledCohort, compile_sql
    from imagehaven.cohort.query.schema import Schema, read_schema
    from imagehaven.cohort.results import AttritionStep, CohortResult, explain_definition, run_on
    from imagehaven.cohort.sandbox.run import Definition, Limits, load_definition
    from imagehaven.cohort.versions import CohortVersion, get_version

# The sandbox imports this package for each definition: what only the haven's side needs comes late.
_LATE = {
    "actions": ("Verdict", "check", "explain", "list_versions", "run"),
    "checks": ("check_definition",),
    "results": ("AttritionStep", "CohortResult", "explain_definition", "run_on"),
    "engines.sql": ("CompiledCohort", "compile_sql"),
    "query.schema": ("Schema", "read_schema"),
    "sandbox.run": ("Definition", "Limits", "load_definition"),
    "versions": ("CohortVersion", "get_version"),
}
_HOMES = {name: module for module, names in _LATE.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "AttritionStep",
    "CohortResult",
    "CohortVersion",
    "CompiledCohort",
    "Condition",
    "Definition",
    "DefinitionError",
    "ForbiddenError",
    "Images",
    "LimitError",
    "Limits",
    "Linked",
    "Place",
    "Problem",
    "Schema",
    "Value",
    "Verdict",
    "check",
    "check_definition",
    "codelist_from_csv",
    "cohort",
    "compile_sql",
    "explain",
    "explain_definition",
    "get_version",
    "instances",
    "list_versions",
    "load_definition",
    "patients",
    "read_schema",
    "run",
    "run_on",
    "series",
    "studies",
    "table",
]

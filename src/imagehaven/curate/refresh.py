"""Makes the declared views in the lake, and makes again those whose declaration changed."""

from __future__ import annotations

import hashlib

import duckdb

from imagehaven.catalogue import prepare
from imagehaven.catalogue.declared import declared
from imagehaven.catalogue.one_writer import one_committer
from imagehaven.curate.column import ViewColumn, column_sql
from imagehaven.curate.views import KEYS, MODALITIES, Columns, declared_views
from imagehaven.haven import Haven

#: Where a haven keeps its own view files.
SITE_FOLDER = "views"


def refresh(haven: Haven) -> list[str]:
    """Bring the lake's views to what is declared; returns the names of those that changed."""
    wanted = wanted_views(haven)
    prepare(haven)
    with haven.lake.connect() as lake:
        changed = _changed(lake, wanted)
    if not changed:
        return []
    with one_committer(haven), haven.lake.transaction() as lake:
        changed = _changed(lake, wanted)
        for name in changed:
            lake.execute(f'CREATE OR REPLACE VIEW "{name}" AS {wanted[name]}')
            lake.execute(f"COMMENT ON VIEW \"{name}\" IS '{_mark(wanted[name])}'")
    return changed


def stale(haven: Haven) -> list[str]:
    """The names of the views that :func:`refresh` would make or change."""
    wanted = wanted_views(haven)
    prepare(haven)
    with haven.lake.connect(read_only=True) as lake:
        return _changed(lake, wanted)


def wanted_views(haven: Haven) -> dict[str, str]:
    """The SQL of each view by its name, the modality in lower case."""
    views = declared_views(haven.folder / SITE_FOLDER)
    return {modality.lower(): view_sql(modality, columns) for modality, columns in views.items()}


def view_sql(modality: str, columns: Columns) -> str:
    """The query of one modality's view over ``instance``."""
    body = [f'"{name}"' for name in KEYS]
    body += [f'{_value(column)} AS "{name}"' for name, column in columns.items()]
    if modality == "OTHER":
        own = ", ".join(f"'{name}'" for name in MODALITIES if name != "OTHER")
        where = f"Modality IS NULL OR Modality NOT IN ({own})"
    else:
        where = f"Modality = '{modality}'"
    return f"SELECT {', '.join(body)} FROM instance WHERE {where}"  # noqa: S608 - declared names


def _value(column: ViewColumn) -> str:
    """A column that the instance table has in this type is taken from there: it is quicker."""
    stored = {own.keyword: own.type for own in declared()["instance"]}
    if column.keyword is not None and stored.get(column.keyword) == column.type:
        return f'"{column.keyword}"'
    return column_sql(column)


def _changed(lake: duckdb.DuckDBPyConnection, wanted: dict[str, str]) -> list[str]:
    found = dict(
        lake.execute(
            "SELECT view_name, comment FROM duckdb_views() "
            "WHERE database_name = 'lake' AND schema_name = 'main'"
        ).fetchall()
    )
    return [name for name, query in wanted.items() if found.get(name) != _mark(query)]


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()

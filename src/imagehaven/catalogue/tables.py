"""Makes the catalogue's tables and views in the lake, and its index in the ledger.

``instance``, ``series``, ``study`` and ``patient`` have the columns that ``tables.yaml`` declares.
A column that a later version declares is added to a table that exists, empty for what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb

from imagehaven.catalogue.declared import declared
from imagehaven.catalogue.one_writer import one_committer
from imagehaven.haven import Haven

_LOADED: Final = {"load_run": "INTEGER", "load_seq": "INTEGER"}
_FILE: Final = {
    "source": "VARCHAR",
    "content_sha256": "VARCHAR",
    "dataset_sha256": "VARCHAR",
    "size": "BIGINT",
    "pixel_offset": "BIGINT",
    "pixel_length": "BIGINT",
}
_STORED: Final = {"meta": "JSON", "elements": "JSON"}

_VIEWS: Final = {
    "load_run": """
        SELECT load_run, count(*) AS chunks, sum(found)::BIGINT AS found,
            sum(catalogued)::BIGINT AS catalogued, sum(duplicate)::BIGINT AS duplicate,
            sum(conflicting)::BIGINT AS conflicting, sum(quarantined)::BIGINT AS quarantined,
            sum(containers)::BIGINT AS containers
        FROM load_chunk GROUP BY load_run""",
    "study_content": """
        SELECT StudyInstanceUID, count(DISTINCT SeriesInstanceUID) AS NumberOfStudyRelatedSeries,
            count(*) AS NumberOfStudyRelatedInstances,
            string_agg(DISTINCT Modality, '\\' ORDER BY Modality) AS ModalitiesInStudy
        FROM instance GROUP BY StudyInstanceUID""",
    "series_content": """
        SELECT SeriesInstanceUID, count(*) AS NumberOfSeriesRelatedInstances
        FROM instance GROUP BY SeriesInstanceUID""",
    "hierarchy_problem": """
        SELECT 'study-in-two-patients' AS problem, 'StudyInstanceUID' AS keyword,
            StudyInstanceUID AS uid, count(*) AS instances
        FROM instance WHERE StudyInstanceUID IS NOT NULL
        GROUP BY StudyInstanceUID
        HAVING count(DISTINCT PatientID) + max(CASE WHEN PatientID IS NULL THEN 1 ELSE 0 END) > 1
        UNION ALL
        SELECT 'series-in-two-studies', 'SeriesInstanceUID', SeriesInstanceUID, count(*)
        FROM instance WHERE SeriesInstanceUID IS NOT NULL
        GROUP BY SeriesInstanceUID
        HAVING count(DISTINCT StudyInstanceUID)
            + max(CASE WHEN StudyInstanceUID IS NULL THEN 1 ELSE 0 END) > 1
        UNION ALL
        SELECT 'no-series-instance-uid', 'SOPInstanceUID', SOPInstanceUID, 1
        FROM instance WHERE SeriesInstanceUID IS NULL
        UNION ALL
        SELECT 'no-study-instance-uid', 'SOPInstanceUID', SOPInstanceUID, 1
        FROM instance WHERE StudyInstanceUID IS NULL
        UNION ALL
        SELECT 'no-patient-id', 'SOPInstanceUID', SOPInstanceUID, 1
        FROM instance WHERE PatientID IS NULL""",
}


def columns(table: str) -> dict[str, str]:
    """The columns of one of the catalogue's tables and their DuckDB types, in order."""
    own = {column.keyword: column.sql_type for column in declared().get(table, ())}
    text = "VARCHAR"
    match table:
        case "instance":
            links = {"SOPInstanceUID": text, "SeriesInstanceUID": text}
            links |= {"StudyInstanceUID": text, "PatientID": text}
            return {**links, "TransferSyntaxUID": text, **own, **_FILE, **_LOADED, **_STORED}
        case "series":
            links = {"SeriesInstanceUID": text, "StudyInstanceUID": text, "PatientID": text}
            return {**links, **own, **_LOADED}
        case "study":
            return {"StudyInstanceUID": text, "PatientID": text, **own, **_LOADED}
        case "patient":
            return {"PatientID": text, **own, **_LOADED}
    return dict(_FIXED[table])


_FIXED: Final[Mapping[str, Mapping[str, str]]] = {
    "source": {
        "source": "VARCHAR",
        "path": "VARCHAR",
        "members": "JSON",
        "SOPInstanceUID": "VARCHAR",
        "size": "BIGINT",
        "content_sha256": "VARCHAR",
        **_LOADED,
        "replaced_run": "INTEGER",
    },
    "conflict": {"SOPInstanceUID": "VARCHAR", "TransferSyntaxUID": "VARCHAR"}
    | {**_FILE, **_LOADED, **_STORED},
    "quarantine": {
        "source": "VARCHAR",
        "reason": "VARCHAR",
        "detail": "VARCHAR",
        "size": "BIGINT",
        "attempts": "INTEGER",
        **_LOADED,
        "last_run": "INTEGER",
        "path": "VARCHAR",
        "members": "JSON",
    },
    "container": {"source": "VARCHAR", **_LOADED},
    "load_chunk": {
        **_LOADED,
        "items": "INTEGER",
        "found": "INTEGER",
        "catalogued": "INTEGER",
        "duplicate": "INTEGER",
        "unchanged": "INTEGER",
        "conflicting": "INTEGER",
        "quarantined": "INTEGER",
        "containers": "INTEGER",
        "reasons": "JSON",
    },
}

#: Rows in a group of the table whose rows have all elements as JSON: a lookup reads one group.
_GROUP: Final = {"instance": 4096}

TABLES: Final = ("instance", "series", "study", "patient", *_FIXED)


def prepare(haven: Haven) -> None:
    """Make every table and view of the catalogue that is not there yet. Safe to repeat."""
    # Even the first connection is a write: it makes DuckLake's own tables in the database.
    with one_committer(haven):
        with haven.lake.connect() as lake:
            if _complete(lake):
                return
        with haven.lake.transaction() as lake:
            create(lake)
        with haven.lake.connect() as lake:
            for table, rows in _GROUP.items():
                option = f"'parquet_row_group_size', '{rows}', table_name => '{table}'"
                lake.execute(f"CALL ducklake_set_option('lake', {option})")


def create(lake: duckdb.DuckDBPyConnection) -> None:
    """The lake's part of :func:`prepare`, inside an open transaction."""
    have = _existing(lake)
    for table in TABLES:
        wanted = columns(table)
        if table not in have:
            body = ", ".join(f'"{name}" {kind}' for name, kind in wanted.items())
            lake.execute(f'CREATE TABLE "{table}" ({body})')
            continue
        for name in wanted.keys() - have[table]:
            lake.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}" {wanted[name]}')
    for view, query in _VIEWS.items():
        if view not in have:
            lake.execute(f'CREATE VIEW "{view}" AS {query}')


def _complete(lake: duckdb.DuckDBPyConnection) -> bool:
    have = _existing(lake)
    return all(view in have for view in _VIEWS) and all(
        columns(table).keys() <= have.get(table, set()) for table in TABLES
    )


def _existing(lake: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    rows = lake.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = 'lake' AND schema_name = 'main'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found

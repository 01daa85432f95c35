"""Each paragraph of the language's manual, run by the SQL and by the reference engine."""

from __future__ import annotations

import ast
import importlib.util
import itertools
from pathlib import Path
from typing import Any

import pytest

from imagehaven.cohort.checks import check_definition
from imagehaven.cohort.engines.memory import MemoryEngine
from imagehaven.cohort.errors import DefinitionError
from imagehaven.cohort.query.nodes import KEYS, LEVELS
from imagehaven.cohort.query.schema import Schema, element_of, read_schema
from imagehaven.cohort.results import run_on
from imagehaven.cohort.sandbox.run import Definition, load_definition

ROOT = Path(__file__).resolve().parents[3]
_IMPORT = "from imagehaven.cohort import cohort, instances, patients, series, studies, table\n"

_spec = importlib.util.spec_from_file_location(
    "cohort_language", ROOT / "docs" / "generate" / "cohort_language.py"
)
assert _spec and _spec.loader
manual = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(manual)

CASES = [
    pytest.param(chapter, section, id=f"{chapter['title']}: {section['title']}")
    for chapter in manual.chapters()
    for section in chapter["sections"]
]


@pytest.mark.parametrize(("chapter", "section"), CASES)
def test_the_language_does_what_its_manual_says(
    chapter: dict[str, Any], section: dict[str, Any], tmp_path: Path, lake: Any
) -> None:
    tables, schema, connection = lake(_tables(chapter))
    if "error" in section:
        with pytest.raises(DefinitionError) as caught:
            run_on(connection, _definition(section["write"], tmp_path), schema)
        assert section["error"] in str(caught.value)
        assert "definition.py:" in str(caught.value)
        return
    definition = _definition(section["write"], tmp_path)
    engine = MemoryEngine(tables, schema)
    expected = set(section["result"].split())
    assert engine.ids(definition.nodes) == expected
    result = run_on(connection, definition, schema)
    key = KEYS[definition.nodes.level]
    assert set(result.members.column(key).to_pylist()) == expected
    counts = [(s.patients, s.studies, s.series, s.instances) for s in result.attrition]
    assert counts == engine.attrition(definition.nodes)
    if "attrition" in section:
        wanted = manual.parse_table(section["attrition"])
        shown = [
            {name: str(step.as_row()[name]) for name in wanted[0]} for step in result.attrition
        ]
        assert shown == wanted


def test_the_reference_page_is_current() -> None:
    page = ROOT / "docs" / "reference" / "cohort-language.md"
    assert page.read_text(encoding="utf-8") == manual.page(), (
        "run: python docs/generate/cohort_language.py"
    )


@pytest.mark.parametrize(
    "example",
    sorted((ROOT / "src" / "imagehaven" / "cohort" / "examples").glob("*.py")),
    ids=lambda path: path.stem,
)
def test_each_example_fits_a_lake_like_the_synthetic_hospitals(example: Path) -> None:
    text = dict.fromkeys(("PatientID", "StudyInstanceUID", "SeriesInstanceUID"), "VARCHAR")
    schema = Schema(
        {
            "patient": {"PatientID": "VARCHAR", "PatientBirthDate": "DATE"},
            "study": {**text, "StudyDate": "DATE"},
            "series": {
                **text,
                **dict.fromkeys(("Modality", "BodyPartExamined", "SeriesDescription"), "VARCHAR"),
            },
            "instance": {**text, "SOPInstanceUID": "VARCHAR", "elements": "JSON"},
            "linked.smoking": {"PatientID": "VARCHAR", "status": "VARCHAR", "recorded": "DATE"},
        }
    )
    definition = load_definition(example)
    assert definition.description
    assert [p.message for p in check_definition(definition, schema)] == []


def _definition(text: str, folder: Path) -> Definition:
    tree = ast.parse(text)
    last = tree.body[-1]
    lines = text.rstrip("\n").splitlines()
    start = last.lineno - 1
    wrapped = ["cohort(", *lines[start:], ")"]
    file = folder / "definition.py"
    file.write_text(_IMPORT + "\n".join(lines[:start] + wrapped) + "\n", encoding="utf-8")
    return load_definition(file)


def _tables(chapter: dict[str, Any]) -> dict[str, tuple[dict[str, str], list[dict[str, Any]]]]:
    """The chapter's tables with their columns' types; what it leaves out is filled in."""
    short = {"instance": "SOPInstanceUID", "series": "SeriesInstanceUID"}
    short |= {"study": "StudyInstanceUID", "patient": "PatientID"}
    given = {
        name: [
            {short.get(column, column): value for column, value in row.items()}
            for row in manual.parse_table(text)
        ]
        for name, text in chapter["tables"].items()
    }
    given = {name: [_elements(row) for row in rows] for name, rows in given.items()}
    _fill(given)
    made = {}
    for name, rows in given.items():
        types = {column: _type(column, chapter) for row in rows for column in row}
        typed = [{c: manual.typed(v, types[c]) for c, v in row.items()} for row in rows]
        made[name if name in LEVELS else f"linked.{name}"] = (types, typed)
    return made


def _type(column: str, chapter: dict[str, Any]) -> str:
    guess = "DATE" if column.endswith("Date") else "VARCHAR"
    return "JSON" if column == "elements" else chapter.get("types", {}).get(column, guess)


def _elements(row: dict[str, Any]) -> dict[str, Any]:
    """Move the columns marked * into stored elements."""
    kept = {name: value for name, value in row.items() if not name.endswith("*")}
    elements = {}
    for name, value in row.items():
        if name.endswith("*") and value is not None:
            tag, vr = element_of(name[:-1]) or ("", "")
            values: list[Any] = value.split("\\")
            if vr == "SQ":
                values = [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]
            if vr == "PN":
                values = [{"Alphabetic": value}]
            elements[tag] = {"vr": vr, "Value": values}
    return {**kept, "elements": elements} if elements or len(kept) < len(row) else kept


def _fill(tables: dict[str, list[dict[str, Any]]]) -> None:
    """Add the levels that the chapter leaves out, and the ids of levels above to each row."""
    for upper, lower in itertools.pairwise(LEVELS):
        above = {row[KEYS[upper]]: row for row in tables.setdefault(upper, [])}
        if lower not in tables and above:
            tables[lower] = [{KEYS[lower]: f"{i}.1", KEYS[upper]: i} for i in above]
        for row in tables.get(lower, []):
            key = row.setdefault(KEYS[upper], f"{row[KEYS[lower]]}.up")
            if key not in above:
                above[key] = {KEYS[upper]: key}
                for up in LEVELS[: LEVELS.index(upper)]:
                    name = row.get(KEYS[up], f"{key}.up")
                    above[key][KEYS[up]] = name
                    ids = {r[KEYS[up]] for r in tables[up]}
                    if name not in ids:
                        tables[up].append({KEYS[up]: name})
                tables[upper].append(above[key])
            for up in LEVELS[: LEVELS.index(upper)]:
                row[KEYS[up]] = above[key][KEYS[up]]


@pytest.fixture
def lake():
    """Tables in a DuckDB in memory: gives the typed rows, the schema and the connection."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect() as connection:

        def build(tables: dict[str, Any]) -> tuple[dict[str, Any], Schema, Any]:
            connection.execute("CREATE SCHEMA linked")
            for name, (types, rows) in tables.items():
                columns = ", ".join(f'"{c}" {t}' for c, t in types.items())
                connection.execute(f"CREATE TABLE {name} ({columns})")
                stored = [{c: manual.stored(row.get(c)) for c in types} for row in rows]
                connection.register("incoming", pa.Table.from_pylist(stored))
                connection.execute(f"INSERT INTO {name} BY NAME FROM incoming")
            return (
                {name: rows for name, (_, rows) in tables.items()},
                read_schema(connection),
                connection,
            )

        yield build
